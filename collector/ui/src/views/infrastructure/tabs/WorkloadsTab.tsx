import { Box, FormControlLabel, Switch } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect } from 'react';
import { useNavigate, useSearchParams } from 'react-router';

import type { Workload } from '../../../api/inventory';
import { Age } from '../../../components/Age';
import { DataTable, type TableColumn } from '../../../components/DataTable';
import { Name } from '../../../components/Name';
import { Status } from '../../../components/Status';
import { bytes, cores } from '../../../format/units';
import { useStores } from '../../../stores/root';

const COLUMNS: TableColumn<Workload>[] = [
  { id: 'name', label: 'Name', grow: true, width: 140, value: (row) => row.workloadName, cell: (row) => <Name text={row.workloadName} /> },
  { id: 'status', label: 'Status', width: 104, value: (row) => row.status, cell: (row) => <Status status={row.status} /> },
  { id: 'type', label: 'Type', width: 84, value: (row) => row.workloadType },
  { id: 'image', label: 'Image', width: 170, value: (row) => row.image ?? '', cell: (row) => (row.image ? <Name text={row.image} /> : null) },
  { id: 'cpu', label: 'CPU', width: 64, numeric: true, value: (row) => row.usage?.cpuMillicores ?? null, cell: (row) => cores(row.usage?.cpuMillicores) },
  { id: 'memory', label: 'Memory', width: 82, numeric: true, value: (row) => row.usage?.memoryBytes ?? null, cell: (row) => bytes(row.usage?.memoryBytes) },
  { id: 'started', label: 'Started', width: 104, value: (row) => row.startedAt ?? '', cell: (row) => <Age at={row.startedAt} /> },
];

export const WorkloadsTab = observer(function WorkloadsTab() {
  const { detail } = useStores();
  const navigate = useNavigate();
  const [params] = useSearchParams();
  useEffect(() => detail.open('workloads'), [detail, detail.id, detail.kind]);
  const open = (row: Workload) => {
    const rest = new URLSearchParams(params);
    rest.delete('tab');
    void navigate({ pathname: `/infrastructure/workload/${row.id}`, search: rest.toString() });
  };
  return (
    <Box sx={{ m: -4, height: 'calc(100% + 32px)', display: 'flex', flexDirection: 'column' }}>
      <DataTable
        name="workloads"
        label="Workloads"
        data={detail.workloads}
        columns={COLUMNS}
        first={['name', 'status', 'type', 'memory', 'started']}
        keyOf={(row) => row.id}
        onOpen={open}
        retry={() => void detail.read('workloads')}
        empty="Nothing runs here, as far as was seen."
        glowOf={(row) => `workload:${row.id}`}
        tools={<FormControlLabel control={<Switch size="small" checked={detail.ended} onChange={(event) => detail.setEnded(event.target.checked)} />} label="also ended" sx={{ m: 0, '& .MuiFormControlLabel-label': { fontSize: 12 } }} />}
      />
    </Box>
  );
});
