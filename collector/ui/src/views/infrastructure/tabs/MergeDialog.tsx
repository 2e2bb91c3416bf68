import { Box } from '@mui/material';
import { useMemo, useState } from 'react';

import { claimPlan, mergePlan } from '../../../api/identity';
import type { Compute, ComputeSummary } from '../../../api/inventory';
import { ComputePicker } from '../../../components/identity/ComputePicker';
import { OperationDialog } from '../../../components/identity/OperationDialog';
import { visible } from '../../../format/text';

interface Props {
  compute: Compute;
  onClose: () => void;
  onDone: () => void;
}

/** Says that another compute is this one. A typed one that is a discovered host claims its agent. */
export function MergeDialog({ compute, onClose, onDone }: Props) {
  const [other, setOther] = useState<ComputeSummary | null>(null);
  const claims = !compute.agent && other?.agentId ? other.agentId : null;
  const plan = useMemo(() => (other === null ? null : claims ? claimPlan(compute.id, claims) : mergePlan(compute.id, other.id)), [compute.id, other, claims]);
  return (
    <OperationDialog title={`Which compute is ${visible(compute.name)} as well?`} action={claims ? 'Claim' : 'Merge'} plan={plan} onClose={onClose} onDone={onDone}>
      <Box sx={{ color: 'text.secondary' }}>What belongs to the other one moves here, and what a person entered is kept. Nothing is removed, and it can be undone.</Box>
      <ComputePicker label="Find the other compute" except={compute.id} value={other} onChange={setOther} />
    </OperationDialog>
  );
}
