import { Box, Typography } from '@mui/material';
import { observer } from 'mobx-react-lite';

import type { Compute, Workload } from '../../../api/inventory';
import { Age } from '../../../components/Age';
import { CopyButton } from '../../../components/CopyButton';
import { Name } from '../../../components/Name';
import { Empty } from '../../../components/Notice';
import { Status } from '../../../components/Status';
import { useStores } from '../../../stores/root';

/** Who saw it, and how well each source can be looked at. */
export const EvidenceTab = observer(function EvidenceTab() {
  const { detail } = useStores();
  const item = detail.resource.value?.item;
  if (!item) return null;
  return detail.kind === 'compute' ? <Sources compute={item as Compute} /> : <SeenBy workload={item as Workload} />;
});

function Sources({ compute }: { compute: Compute }) {
  if (!compute.agent) return <Empty icon="agent" title="No agent looks at it">What is shown was entered by people. Put an agent on the host to have it seen.</Empty>;
  return (
    <>
      <Typography sx={{ color: 'text.secondary', mb: 3 }}>
        What its agent can look at{compute.agent.connected ? '' : ', as it last said: it is not heard of now'}.
      </Typography>
      {compute.coverage.map((source) => (
        <Box key={source.source} sx={{ display: 'grid', gridTemplateColumns: '110px 110px 1fr', gap: 2, py: 1.2, borderBottom: 1, borderColor: 'divider', alignItems: 'baseline' }}>
          <Box sx={{ fontWeight: 500 }}>{source.source}</Box>
          <Status status={compute.agent?.connected ? source.health : 'unknown'} shown={source.health} />
          <Box sx={{ color: 'text.secondary', overflowWrap: 'anywhere' }}>
            {source.reason ? <Name text={source.reason} wrap /> : source.completeness === 'complete' ? 'seen in full' : source.completeness}
            {source.warnings > 0 && `, ${source.warnings} items could not be read`}, since <Age at={source.since} />
          </Box>
        </Box>
      ))}
      {compute.coverage.length === 0 && <Empty icon="agent" title="It did not report yet" />}
    </>
  );
}

function SeenBy({ workload }: { workload: Workload }) {
  if (workload.seenBy.length === 0) return <Empty icon="agent" title="No evidence is kept">It was entered by people or by an older version.</Empty>;
  return (
    <>
      <Typography sx={{ color: 'text.secondary', mb: 3 }}>The same thing, as each source calls it.</Typography>
      {workload.seenBy.map((seen) => (
        <Box key={`${seen.source}${seen.nativeId}`} sx={{ display: 'grid', gridTemplateColumns: '110px 1fr auto', gap: 2, py: 1, borderBottom: 1, borderColor: 'divider', alignItems: 'center' }}>
          <Box sx={{ fontWeight: 500 }}>{seen.source}</Box>
          <Name text={seen.nativeId} mono />
          <CopyButton text={seen.nativeId} />
        </Box>
      ))}
    </>
  );
}
