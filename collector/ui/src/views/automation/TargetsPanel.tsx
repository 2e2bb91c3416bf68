import { Box, Typography } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useParams } from 'react-router';

import type { Target } from '../../api/automation';
import { pathOfResource } from '../../api/search';
import { DataTable, type TableColumn } from '../../components/DataTable';
import { useGo } from '../../components/Go';
import { JsonTree } from '../../components/JsonTree';
import { Name } from '../../components/Name';
import { Empty } from '../../components/Notice';
import { SidePane } from '../../components/SidePane';
import { Status } from '../../components/Status';
import { word } from '../../format/text';
import { useStores } from '../../stores/root';

const COLUMNS: TableColumn<Target>[] = [
  { id: 'name', label: 'Target', width: 180, grow: true, value: (row) => row.name, cell: (row) => <Name text={row.name} /> },
  { id: 'type', label: 'Of a', width: 120, value: (row) => word(row.targetType) },
  { id: 'resource', label: 'Resource', width: 90, numeric: true, value: (row) => row.targetId },
  { id: 'status', label: 'Status', width: 110, value: (row) => row.status, cell: (row) => <Status status={row.status} /> },
  { id: 'capabilities', label: 'Can do', width: 220, value: (row) => names(row.capabilities) },
];

const names = (capabilities: unknown): string =>
  Array.isArray(capabilities) ? capabilities.map(String).join(', ') : capabilities !== null && typeof capabilities === 'object' ? Object.keys(capabilities).join(', ') : '';

/** Targets, what each can do, and what was deployed to it. */
export const TargetsPanel = observer(function TargetsPanel() {
  const { automation } = useStores();
  const go = useGo();
  const { id } = useParams();
  const target = automation.targets.value?.find((known) => String(known.id) === id) ?? null;
  return (
    <>
      <DataTable
        name="targets"
        label="Automation targets"
        data={automation.targets}
        columns={COLUMNS}
        keyOf={(row) => row.id}
        selected={target?.id ?? null}
        onOpen={(row) => go(`/automation/targets/${row.id}`)}
        retry={() => void automation.read('targets')}
        empty={<Empty icon="robot" title="No automation target">A target names a resource that automation may act on, with how to reach it and what it can do. Make one through the API: POST /api/v1/automation-targets.</Empty>}
      />
      {target && (
        <SidePane title={<Name text={target.name} />} kind="automation target" onClose={() => go('/automation/targets')}>
          <Box
            component="a"
            href={`/ui${pathOfResource(target.targetType, target.targetId)}`}
            onClick={(event) => {
              event.preventDefault();
              go(pathOfResource(target.targetType, target.targetId));
            }}
          >
            {word(target.targetType)} {target.targetId}
          </Box>
          <Typography variant="h3" sx={{ mt: 4 }}>Capabilities</Typography>
          <JsonTree value={target.capabilities ?? null} open={1} />
          <Typography variant="h3" sx={{ mt: 4 }}>Deployments</Typography>
          <Box sx={{ color: 'text.secondary' }}>None: this collector carries out no deployments yet.</Box>
        </SidePane>
      )}
    </>
  );
});
