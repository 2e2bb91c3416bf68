import { Box, Button, Typography } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect, useState } from 'react';

import type { Agent } from '../../../api/automation';
import type { Compute, ComputeSummary } from '../../../api/inventory';
import { ComputePicker } from '../../../components/identity/ComputePicker';
import { ExplanationView } from '../../../components/identity/ExplanationView';
import { FitCard } from '../../../components/identity/FitCard';
import { OperationList } from '../../../components/identity/OperationList';
import { Icon } from '../../../components/Icon';
import { Failure, Waiting } from '../../../components/Notice';
import { useStores } from '../../../stores/root';
import { MergeDialog } from './MergeDialog';
import { SplitDialog } from './SplitDialog';

/** Which host it is, why, what else it could be, and what people can say instead. */
export const IdentityTab = observer(function IdentityTab() {
  const { detail, identity, session, clock, tree } = useStores();
  const [doing, setDoing] = useState<'merge' | 'split' | null>(null);
  const { id } = detail;
  const answer = detail.resource.value;
  useEffect(() => identity.show(id), [identity, id, answer]);
  if (!answer) return null;
  const compute = answer.item as Compute;
  const { agents, explanation, operations } = identity;
  const again = () => {
    void identity.read();
    detail.refresh();
    void tree.reload();
  };
  const failed = [agents, explanation, operations].find((part) => part.state === 'failed');
  if (failed) return <Failure error={failed.error} retry={again} inline />;
  if (!agents.value || !operations.value || explanation.isFirst) return <Waiting rows={8} />;
  const may = session.may('operator') && clock.isLive;
  return (
    <Box sx={{ display: 'grid', gap: 6 }}>
      {may && (
        <Box sx={{ display: 'flex', gap: 2, flexWrap: 'wrap' }}>
          <Button variant="outlined" startIcon={<Icon name="merge" size={14} />} onClick={() => setDoing('merge')}>
            {identity.speaker ? 'Merge another compute into it…' : 'It is a host that was discovered…'}
          </Button>
          {agents.value.some((agent) => agent.state !== 'REVOKED') && (
            <Button variant="outlined" startIcon={<Icon name="split" size={14} />} onClick={() => setDoing('split')}>
              Split off its agent…
            </Button>
          )}
        </Box>
      )}
      {explanation.value ? (
        <>
          <ExplanationView explanation={explanation.value} />
          <WhyNot compute={id} />
        </>
      ) : (
        <Box sx={{ color: 'text.secondary' }}>No agent speaks for it: people entered it. When a host is discovered that fits, it is matched by itself, or waits in the match queue.</Box>
      )}
      <Box component="section">
        <Typography variant="h3" sx={{ mb: 1 }}>
          What was done
        </Typography>
        {operations.value.length === 0 ? <Box sx={{ color: 'text.secondary' }}>It was never matched by hand, claimed, merged or split.</Box> : <OperationList operations={operations.value} onUndone={again} />}
      </Box>
      {doing === 'merge' && <MergeDialog compute={compute} onClose={() => setDoing(null)} onDone={again} />}
      {doing === 'split' && <SplitDialog compute={compute} agents={agents.value.filter((agent: Agent) => agent.state !== 'REVOKED')} onClose={() => setDoing(null)} onDone={again} />}
    </Box>
  );
});

const WhyNot = observer(function WhyNot({ compute }: { compute: number }) {
  const { identity } = useStores();
  const [other, setOther] = useState<ComputeSummary | null>(null);
  const { asked } = identity;
  return (
    <Box component="section">
      <Typography variant="h3" sx={{ mb: 1.5 }}>
        Why is it not another one?
      </Typography>
      <ComputePicker
        label="Name, host name or address of the other compute"
        except={compute}
        value={other}
        onChange={(chosen) => {
          setOther(chosen);
          void identity.ask(chosen.id);
        }}
      />
      {asked.state === 'failed' && <Failure error={asked.error} inline />}
      {other && asked.state === 'ready' && (
        <Box role="status" aria-label="Why it is not that one" sx={{ mt: 2 }}>
          {asked.value ? <FitCard fit={asked.value} /> : <Box sx={{ color: 'text.secondary' }}>It is not known what identifies the host.</Box>}
        </Box>
      )}
    </Box>
  );
});
