import createCache from '@emotion/cache';
import { CacheProvider } from '@emotion/react';
import { GlobalStyles, ThemeProvider } from '@mui/material';
import { configure } from 'mobx';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';

import { App } from './App';
import { Stores, StoresContext } from './stores/root';
import './theme/fonts.css';
import './theme/cells.css';
import './theme/chart.css';
import './theme/tree.css';
import { baseline, theme } from './theme/theme';

configure({ enforceActions: 'observed' });

// The page's policy allows styles only with the number that the collector gave this page.
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce;
const cache = createCache({ key: 'orx', nonce, prepend: true });

// The page is also served at the root of the collector.
if (!location.pathname.startsWith('/ui/')) history.replaceState(null, '', `/ui/${location.search}`);

const stores = new Stores();
void stores.session.resume();

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <CacheProvider value={cache}>
        <ThemeProvider theme={theme} defaultMode="system">
          <GlobalStyles styles={baseline} />
          <StoresContext value={stores}>
            <BrowserRouter basename="/ui">
              <App />
            </BrowserRouter>
          </StoresContext>
        </ThemeProvider>
      </CacheProvider>
    </StrictMode>,
  );
}
