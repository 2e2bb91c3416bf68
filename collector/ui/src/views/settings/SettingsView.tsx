import { Box, Typography, useColorScheme } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect } from 'react';

import { FactList } from '../../components/FactList';
import { timestamp } from '../../format/time';
import { useStores } from '../../stores/root';

const ALLOWED: Record<string, string> = {
  viewer: 'reads the inventory',
  operator: 'reads and edits the inventory, lets hosts enrol and decides about them',
  admin: 'does everything, revokes agents and reads the audit log',
};

/** Who is signed in, what this browser remembers, and which collector answers. */
export default observer(function SettingsView() {
  const { session } = useStores();
  const { mode, setMode } = useColorScheme();
  const { who, collector } = session;
  useEffect(() => {
    document.title = 'Settings · Orchestrix';
  }, []);
  return (
    <Box sx={{ flex: 1, overflow: 'auto', p: 6 }} tabIndex={0} role="region" aria-label="Settings">
      <Box sx={{ maxWidth: 620 }}>
        <Typography variant="h1" sx={{ mb: 5 }}>
          Settings
        </Typography>
        <FactList
          title="You"
          facts={[
            { label: 'Token', value: who?.name },
            { label: 'Role', value: who && `${who.role}: ${ALLOWED[who.role] ?? ''}` },
            { label: 'Session ends', value: who?.expiresAt ? timestamp(who.expiresAt) : null },
          ]}
        />
        <FactList
          title="This browser"
          facts={[
            {
              label: 'Colours',
              value: (
                <select className="plain" aria-label="Colours" value={mode ?? 'system'} onChange={(event) => setMode(event.target.value as 'light' | 'dark' | 'system')}>
                  <option value="system">as the system has them</option>
                  <option value="light">light</option>
                  <option value="dark">dark</option>
                </select>
              ),
            },
            { label: 'Columns and widths', value: 'kept in this browser only' },
          ]}
        />
        <FactList
          title="Collector"
          facts={[
            { label: 'Version', value: collector?.version },
            { label: 'Database', value: collector?.database },
            { label: 'Agents connect to port', value: collector?.agentsPort ? String(collector.agentsPort) : null },
            { label: 'Its clock', value: Math.abs(session.skew) < 2_000 ? 'agrees with this browser’s' : `${Math.round(session.skew / 1_000)} s off this browser’s` },
            { label: 'Description of the API', value: <a href="/api/v1/openapi.json">/api/v1/openapi.json</a> },
          ]}
        />
      </Box>
    </Box>
  );
});
