import { Box, Button, Typography } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect, useState } from 'react';

import { remove } from '../../api/edit';
import type { EnvironmentSummary } from '../../api/environments';
import { type Environment, readOne } from '../../api/inventory';
import { Confirm } from '../../components/Confirm';
import { DataTable, type TableColumn } from '../../components/DataTable';
import { EditDialog } from '../../components/edit/EditDialog';
import { hueOf } from '../../components/EnvironmentBadge';
import { FactList } from '../../components/FactList';
import { Go, useGo } from '../../components/Go';
import { Icon } from '../../components/Icon';
import { Name } from '../../components/Name';
import { Empty, Failure, Waiting } from '../../components/Notice';
import { SidePane } from '../../components/SidePane';
import { Status } from '../../components/Status';
import { word } from '../../format/text';
import { bytes, cores, count, plural } from '../../format/units';
import { useStores } from '../../stores/root';

const COLUMNS: TableColumn<Environment>[] = [
  {
    id: 'code',
    label: 'Code',
    width: 120,
    value: (row) => row.code,
    cell: (row) => (
      <span className="with-icon strong">
        <i className="swatch" style={{ background: hueOf(row.id) }} />
        <Name text={row.code} />
      </span>
    ),
  },
  { id: 'name', label: 'Name', width: 150, grow: true, value: (row) => row.name, cell: (row) => <Name text={row.name} /> },
  { id: 'type', label: 'Type', width: 104, value: (row) => word(row.type) },
  { id: 'status', label: 'Status', width: 90, value: (row) => row.status ?? '', cell: (row) => <Status status={row.status} /> },
  { id: 'partner', label: 'Partner', width: 80, numeric: true, value: (row) => row.partnerId ?? null },
  { id: 'description', label: 'Description', width: 220, value: (row) => row.description ?? '', cell: (row) => (row.description ? <Name text={row.description} /> : null) },
];
const FIRST = ['code', 'name', 'type', 'status', 'dedicated', 'shared', 'workloads', 'namespaces', 'cpu', 'memory'];

/** Workloads that are containers, with rows of the existing inventory that discovery does not know. */
const containersOf = (summary: EnvironmentSummary): number => Math.max(summary.containers, (summary.workloads.container ?? 0) + (summary.workloads.k8s_pod ?? 0));

export const EnvironmentList = observer(function EnvironmentList({ selected }: { selected: number | null }) {
  const { environments, session, clock } = useStores();
  const go = useGo();
  const [making, setMaking] = useState(false);
  const environment = selected === null ? null : environments.byId(selected);
  const list = environments.list.value;
  useEffect(() => {
    if (clock.isLive) void environments.readSummaries();
  }, [environments, clock.isLive, list]);
  const has = (row: Environment) => (clock.isLive ? environments.summary(row.id)?.value : null);
  const numbers: TableColumn<Environment>[] = [
    { id: 'dedicated', label: 'Dedicated', width: 84, numeric: true, value: (row) => has(row)?.dedicatedComputes ?? null, cell: (row) => count(has(row)?.dedicatedComputes) },
    { id: 'shared', label: 'Shared', width: 68, numeric: true, value: (row) => has(row)?.sharedComputes ?? null, cell: (row) => count(has(row)?.sharedComputes) },
    { id: 'workloads', label: 'Workloads', width: 84, numeric: true, value: (row) => workloadsOf(has(row)), cell: (row) => count(workloadsOf(has(row))) },
    { id: 'namespaces', label: 'Namespaces', width: 92, numeric: true, value: (row) => has(row)?.namespaces ?? null, cell: (row) => count(has(row)?.namespaces) },
    { id: 'cpu', label: 'Cores it takes', width: 104, numeric: true, value: (row) => has(row)?.cpuMillicores ?? null, cell: (row) => cores(has(row)?.cpuMillicores) },
    { id: 'memory', label: 'Memory it takes', width: 112, numeric: true, value: (row) => has(row)?.memoryBytes ?? null, cell: (row) => bytes(has(row)?.memoryBytes) },
  ];
  return (
    <>
      <Box sx={{ flex: 1, minWidth: 0, display: environment ? { xs: 'none', md: 'flex' } : 'flex' }}>
        <DataTable
          name="environments"
          label="Environments"
          data={environments.list}
          columns={[...COLUMNS, ...numbers]}
          first={FIRST}
          keyOf={(row) => row.id}
          selected={selected}
          onOpen={(row) => go(`/environments/${row.id}`)}
          retry={() => void environments.reload()}
          tools={
            session.may('operator') &&
            clock.isLive && (
              <Button variant="outlined" startIcon={<Icon name="plus" size={14} />} onClick={() => setMaking(true)}>
                New environment
              </Button>
            )
          }
          empty={
            <Empty icon="layers" title="No environment yet">
              Production, staging, development: make one, then give it places or computes, or let a rule infer what belongs to it.
            </Empty>
          }
        />
      </Box>
      {environment && <EnvironmentPane environment={environment} onClose={() => go('/environments')} />}
      {making && <EditDialog kind="environment" onClose={() => setMaking(false)} onSaved={() => void environments.reload()} />}
    </>
  );
});

type Editing = { fields: Record<string, unknown>; etag: string | null } | 'remove' | null;

const EnvironmentPane = observer(function EnvironmentPane({ environment, onClose }: { environment: Environment; onClose: () => void }) {
  const { environments, session, clock } = useStores();
  const [editing, setEditing] = useState<Editing>(null);
  useEffect(() => void environments.readSummary(environment.id), [environments, environment.id]);
  const summary = environments.summary(environment.id);
  const edit = async () => {
    const { item, etag } = await readOne('environment', environment.id, null);
    setEditing({ fields: item, etag });
  };
  return (
    <SidePane title={<Name text={`${environment.code} · ${environment.name}`} />} kind="environment" onClose={onClose}>
      {session.may('operator') && clock.isLive && (
        <Box sx={{ display: 'flex', gap: 2, mb: 4 }}>
          <Button variant="outlined" startIcon={<Icon name="edit" size={14} />} onClick={() => void edit()}>
            Edit
          </Button>
          <Button variant="outlined" color="error" onClick={() => setEditing('remove')}>
            Delete…
          </Button>
        </Box>
      )}
      {!clock.isLive && <Box sx={{ mb: 3, color: 'text.secondary' }}>What belongs to it is told for the present, not for the time above.</Box>}
      {summary?.value ? <Summary summary={summary.value} /> : summary?.state === 'failed' ? <Failure error={summary.error} retry={() => void environments.readSummary(environment.id)} inline /> : <Waiting rows={8} />}
      {editing !== null && editing !== 'remove' && (
        <EditDialog kind="environment" row={{ id: environment.id, ...editing }} onClose={() => setEditing(null)} onSaved={() => void environments.reload()} />
      )}
      {editing === 'remove' && (
        <Confirm title={`Delete ${environment.code}?`} action="Delete" danger run={() => remove(`/api/v1/environments/${environment.id}`).then(() => environments.reload()).then(onClose)} onClose={() => setEditing(null)}>
          Nothing is deleted while something still belongs to it. The history keeps what it was.
        </Confirm>
      )}
    </SidePane>
  );
});

const workloadsOf = (summary: EnvironmentSummary | null | undefined): number | null => (summary ? Object.values(summary.workloads).reduce((sum, number) => sum + number, 0) : null);

function Summary({ summary }: { summary: EnvironmentSummary }) {
  const workloads = Object.entries(summary.workloads);
  return (
    <>
      <FactList
        title="What it has"
        facts={[
          { label: 'Dedicated computes', value: count(summary.dedicatedComputes) },
          { label: 'Shared computes', value: count(summary.sharedComputes) },
          { label: 'Workloads', value: workloads.length === 0 ? 'none' : workloads.map(([type, number]) => `${count(number)} ${word(type)}`).join(', ') },
          { label: 'Containers', value: count(containersOf(summary)) },
          { label: 'Namespaces', value: count(summary.namespaces) },
          { label: 'Processors it takes', value: `${cores(summary.cpuMillicores)} cores, measured` },
          { label: 'Memory it takes', value: `${bytes(summary.memoryBytes)}, measured` },
        ]}
      />
      <Computes title="Dedicated" computes={summary.dedicated} of={summary.dedicatedComputes} />
      <Computes title="Shared" computes={summary.shared} of={summary.sharedComputes} shares />
    </>
  );
}

function Computes({ title, computes, of, shares = false }: { title: string; computes: EnvironmentSummary['dedicated']; of: number; shares?: boolean }) {
  if (computes.length === 0) return null;
  return (
    <Box component="section" sx={{ mt: 5 }}>
      <Typography variant="h3" sx={{ mb: 1 }}>
        {title}
      </Typography>
      <Box sx={{ display: 'grid', gridTemplateColumns: shares ? '1fr' : 'repeat(auto-fill, minmax(130px, 1fr))', columnGap: 3 }}>
      {computes.map((compute) => (
        <Box key={compute.id} sx={{ display: 'flex', gap: 3, py: 0.8, minWidth: 0, ...(shares && { borderBottom: 1, borderColor: 'divider' }) }}>
          <Box sx={{ flex: 1, minWidth: 0 }}>
            <Go to={`/infrastructure/compute/${compute.id}?tab=environments`}>
              <Name text={compute.name} />
            </Go>
          </Box>
          {shares && (
            <Box sx={{ color: 'text.secondary', fontSize: 12 }}>
              {compute.measured === null || compute.measured === undefined ? 'measured ?' : `measured ${compute.measured} %`}
              {compute.declared !== null && compute.declared !== undefined && `, declared ${compute.declared} %`}
            </Box>
          )}
        </Box>
      ))}
      </Box>
      {of > computes.length && <Box sx={{ color: 'text.secondary', mt: 1 }}>and {plural(of - computes.length, 'more', 'more')}</Box>}
    </Box>
  );
}
