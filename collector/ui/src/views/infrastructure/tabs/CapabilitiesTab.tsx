import { Box } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect } from 'react';

import { JsonTree } from '../../../components/JsonTree';
import { Name, Unknown } from '../../../components/Name';
import { Empty, Failure, Waiting } from '../../../components/Notice';
import { useStores } from '../../../stores/root';

/** What a compute can be used for or managed with. */
export const CapabilitiesTab = observer(function CapabilitiesTab() {
  const { detail } = useStores();
  useEffect(() => detail.open('capabilities'), [detail, detail.id, detail.kind]);
  const { capabilities } = detail;
  if (capabilities.state === 'failed') return <Failure error={capabilities.error} retry={() => void detail.read('capabilities')} inline />;
  if (!capabilities.value) return <Waiting rows={5} />;
  if (capabilities.value.length === 0) return <Empty icon="settings" title="No capability was seen">Docker, Kubernetes, systemd, Python and the like are listed here once an agent finds them.</Empty>;
  return (
    <Box sx={{ display: 'grid', gap: 3 }}>
      {capabilities.value.map((capability) => (
        <Box key={capability.capabilityType} sx={{ borderBottom: 1, borderColor: 'divider', pb: 2 }}>
          <Box sx={{ display: 'flex', gap: 2, alignItems: 'baseline' }}>
            <Box sx={{ fontWeight: 560 }}>
              <Name text={capability.capabilityType} />
            </Box>
            <Box sx={{ color: 'text.secondary' }}>{capability.capabilityVersion ? <Name text={capability.capabilityVersion} mono /> : <Unknown why="it does not tell its version" />}</Box>
            {capability.origin === 'person' && <Box sx={{ color: 'text.secondary' }}>entered by a person</Box>}
          </Box>
          {capability.configuration !== null && capability.configuration !== undefined && <JsonTree value={capability.configuration} />}
        </Box>
      ))}
    </Box>
  );
});
