import { Box, Tab, Tabs } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect } from 'react';
import { useParams } from 'react-router';

import { useGo } from '../../components/Go';
import { PresentOnly } from '../../components/PresentOnly';
import { useStores } from '../../stores/root';
import { AllocationPanel } from './AllocationPanel';
import { EnvironmentList } from './EnvironmentList';
import { InferredPanel } from './InferredPanel';
import { RulesPanel } from './RulesPanel';
import { SeparationPanel } from './SeparationPanel';

const TABS: [id: string, label: string][] = [
  ['all', 'Environments'],
  ['allocation', 'Allocation'],
  ['inferred', 'Inferred'],
  ['rules', 'Rules'],
  ['separation', 'Separation'],
];

/** What belongs to which environment, and by what right. */
export default observer(function EnvironmentsView() {
  const { environments, clock } = useStores();
  const { id } = useParams();
  const go = useGo();
  const tab = TABS.find(([known]) => known === id)?.[0] ?? 'all';
  const { asOf } = clock;
  useEffect(() => {
    document.title = 'Environments · Orchestrix';
  }, []);
  useEffect(() => void environments.reload(), [environments, asOf]);
  return (
    <>
      {tab !== 'all' && <PresentOnly what="Shares, inferences and rules are" />}
      <Tabs value={tab} onChange={(_, chosen: string) => go(chosen === 'all' ? '/environments' : `/environments/${chosen}`)} variant="scrollable" scrollButtons={false} aria-label="Environments" sx={{ px: 2, borderBottom: 1, borderColor: 'divider', bgcolor: 'background.paper', flexShrink: 0 }}>
        {TABS.map(([known, label]) => (
          <Tab key={known} value={known} id={`environments-${known}`} aria-controls="environments-panel" label={label} />
        ))}
      </Tabs>
      <Box role="tabpanel" id="environments-panel" aria-labelledby={`environments-${tab}`} sx={{ flex: 1, minHeight: 0, display: 'flex' }}>
        {tab === 'all' && <EnvironmentList selected={id && /^\d+$/.test(id) ? Number(id) : null} />}
        {tab === 'allocation' && <AllocationPanel />}
        {tab === 'inferred' && <InferredPanel />}
        {tab === 'rules' && <RulesPanel />}
        {tab === 'separation' && <SeparationPanel />}
      </Box>
    </>
  );
});
