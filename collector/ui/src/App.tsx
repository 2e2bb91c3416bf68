import { observer } from 'mobx-react-lite';
import { lazy, Suspense } from 'react';
import { Navigate, Route, Routes } from 'react-router';

import { Waiting } from './components/Notice';
import { useStores } from './stores/root';
import { InfrastructureView } from './views/infrastructure/InfrastructureView';
import { LoginView } from './views/shell/LoginView';
import { Shell } from './views/shell/Shell';

// Views that are not the first one are fetched when they are opened.
const AutomationView = lazy(() => import('./views/automation/AutomationView'));
const EnvironmentsView = lazy(() => import('./views/environments/EnvironmentsView'));
const SearchView = lazy(() => import('./views/search/SearchView'));
const QueryView = lazy(() => import('./views/query/QueryView'));
const PicturesView = lazy(() => import('./views/pictures/PicturesView'));
const SettingsView = lazy(() => import('./views/settings/SettingsView'));

export const App = observer(function App() {
  const { session } = useStores();
  if (session.state === 'asking') return <Waiting rows={3} label="Asking who you are" />;
  if (session.state === 'out') return <LoginView />;
  return (
    <Shell>
      <Suspense fallback={<Waiting />}>
        <Routes>
          <Route path="/" element={<Navigate to="/infrastructure" replace />} />
          <Route path="/infrastructure/:kind?/:id?" element={<InfrastructureView />} />
          <Route path="/environments/:id?" element={<EnvironmentsView />} />
          <Route path="/automation/:tab?/:id?" element={<AutomationView />} />
          <Route path="/search" element={<SearchView />} />
          <Route path="/query" element={<QueryView />} />
          <Route path="/pictures" element={<PicturesView />} />
          <Route path="/settings" element={<SettingsView />} />
          <Route path="*" element={<Navigate to="/infrastructure" replace />} />
        </Routes>
      </Suspense>
    </Shell>
  );
});
