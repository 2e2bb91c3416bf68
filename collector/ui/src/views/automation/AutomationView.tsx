import { Box, Tab, Tabs } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect } from 'react';
import { useParams } from 'react-router';

import { useGo } from '../../components/Go';
import { PresentOnly } from '../../components/PresentOnly';
import { useStores } from '../../stores/root';
import type { Part } from '../../stores/automation';
import { AgentsPanel } from './AgentsPanel';
import { MatchesPanel } from './MatchesPanel';
import { OperationsPanel } from './OperationsPanel';
import { TargetsPanel } from './TargetsPanel';
import { TokensPanel } from './TokensPanel';

const TABS: [Part, string][] = [
  ['agents', 'Agents'],
  ['tokens', 'Join tokens'],
  ['matches', 'Match queue'],
  ['operations', 'Operations'],
  ['targets', 'Targets and deployments'],
];

/** What looks at hosts, what lets it in, and what can be run where. */
export default observer(function AutomationView() {
  const { automation, session } = useStores();
  const { tab } = useParams();
  const go = useGo();
  const part = TABS.find(([known]) => known === tab)?.[0] ?? 'agents';

  useEffect(() => {
    document.title = 'Automation · Orchestrix';
    void automation.read('matches');
    return () => automation.leave();
  }, [automation]);
  useEffect(() => {
    if (part !== 'tokens' || session.may('operator')) automation.show(part);
  }, [automation, session, part]);

  const waiting = automation.openMatches.length;
  return (
    <>
      <PresentOnly what="Agents, tokens, matches and operations are" />
      <Tabs value={part} onChange={(_, chosen: string) => go(`/automation/${chosen}`)} variant="scrollable" scrollButtons={false} aria-label="Automation" sx={{ px: 2, borderBottom: 1, borderColor: 'divider', bgcolor: 'background.paper', flexShrink: 0 }}>
        {TABS.map(([id, label]) => (
          <Tab key={id} value={id} id={`automation-${id}`} aria-controls="automation-panel" label={id === 'matches' && waiting > 0 ? `${label} (${waiting})` : label} />
        ))}
      </Tabs>
      <Box role="tabpanel" id="automation-panel" aria-labelledby={`automation-${part}`} sx={{ flex: 1, minHeight: 0, display: 'flex' }}>
        {part === 'agents' && <AgentsPanel />}
        {part === 'tokens' && <TokensPanel />}
        {part === 'matches' && <MatchesPanel />}
        {part === 'operations' && <OperationsPanel />}
        {part === 'targets' && <TargetsPanel />}
      </Box>
    </>
  );
});
