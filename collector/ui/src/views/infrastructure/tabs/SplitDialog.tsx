import { Box } from '@mui/material';
import { useMemo, useState } from 'react';

import type { Agent } from '../../../api/automation';
import { splitPlan } from '../../../api/identity';
import type { Compute } from '../../../api/inventory';
import { OperationDialog } from '../../../components/identity/OperationDialog';
import { visible } from '../../../format/text';

interface Props {
  compute: Compute;
  agents: Agent[];
  onClose: () => void;
  onDone: () => void;
}

/** Says that two hosts were taken for one: an agent gets a compute of its own. */
export function SplitDialog({ compute, agents, onClose, onDone }: Props) {
  const [agent, setAgent] = useState(agents[0]?.id ?? '');
  const plan = useMemo(() => (agent === '' ? null : splitPlan(compute.id, agent)), [compute.id, agent]);
  return (
    <OperationDialog title={`Split ${visible(compute.name)}?`} action="Split" plan={plan} onClose={onClose} onDone={onDone}>
      <Box sx={{ color: 'text.secondary' }}>The agent and what it reports move to a new compute. What people entered stays here, and it can be undone.</Box>
      {agents.length > 1 && (
        <select className="plain" aria-label="Agent that gets a compute of its own" value={agent} onChange={(event) => setAgent(event.target.value)}>
          {agents.map((known) => (
            <option key={known.id} value={known.id}>
              {visible(known.hostname)}, {known.id}
            </option>
          ))}
        </select>
      )}
    </OperationDialog>
  );
}
