import { Box } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { type ReactNode, useEffect, useState } from 'react';
import { useSearchParams } from 'react-router';

import { useShortcut } from '../../components/shortcuts';
import { useStores } from '../../stores/root';
import { HintLayer } from '../../components/HintLayer';
import { HelpDialog } from './HelpDialog';
import { Navigation } from './Navigation';
import { PastBar } from './PastBar';
import { Toasts } from './Toasts';
import { TopBar } from './TopBar';

/** The frame around every view. */
export const Shell = observer(function Shell({ children }: { children: ReactNode }) {
  const { clock, live } = useStores();
  const [help, setHelp] = useState(false);
  const [params] = useSearchParams();
  const asOf = params.get('asOf');

  useEffect(() => {
    clock.start();
    live.start();
    return () => {
      clock.stop();
      live.stop();
    };
  }, [clock, live]);
  useEffect(() => clock.look(asOf), [clock, asOf]);
  useShortcut('?', () => setHelp(true));

  return (
    <Box
      sx={{
        height: '100dvh',
        display: 'grid',
        gridTemplateColumns: { xs: '1fr', sm: 'auto 1fr' },
        gridTemplateRows: { xs: 'auto 1fr auto', sm: 'auto 1fr' },
      }}
    >
      <Box component="a" href="#content" sx={{ position: 'absolute', left: 8, top: -60, zIndex: 10, p: 2, bgcolor: 'background.paper', '&:focus': { top: 8 } }}>
        Skip to content
      </Box>
      <Navigation />
      <TopBar onHelp={() => setHelp(true)} />
      <Box component="main" id="content" sx={{ minWidth: 0, minHeight: 0, display: 'flex', flexDirection: 'column', gridColumn: { xs: 1, sm: 2 }, gridRow: 2 }}>
        {!clock.isLive && <PastBar />}
        <Box sx={{ flex: 1, minHeight: 0, display: 'flex', flexDirection: 'column' }}>{children}</Box>
      </Box>
      <Toasts />
      <HintLayer />
      <HelpDialog open={help} onClose={() => setHelp(false)} />
    </Box>
  );
});
