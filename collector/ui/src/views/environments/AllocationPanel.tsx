import { FormControlLabel, Switch } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect } from 'react';
import { useSearchParams } from 'react-router';

import type { Allocation } from '../../api/environments';
import type { ComputeSummary } from '../../api/inventory';
import { AllocationStrip, partsText } from '../../components/AllocationBar';
import { DataTable, type TableColumn } from '../../components/DataTable';
import { EnvironmentBadges } from '../../components/EnvironmentBadge';
import { FilterField } from '../../components/FilterField';
import { Go } from '../../components/Go';
import { Name, Unknown } from '../../components/Name';
import { Empty } from '../../components/Notice';
import { visible } from '../../format/text';
import { useStores } from '../../stores/root';

const percent = (value: number | null | undefined) => (value === null || value === undefined ? <Unknown why="it was never measured" /> : `${Number(value.toFixed(1))} %`);

/** How each compute is shared out among environments, and what none of them claims. */
export const AllocationPanel = observer(function AllocationPanel() {
  const { allocation } = useStores();
  const [params, setParams] = useSearchParams();
  const text = params.get('q') ?? '';
  const shared = params.get('shared') === 'true';
  useEffect(() => allocation.show(text), [allocation, text]);
  const set = (name: string, value: string) =>
    setParams(
      (known) => {
        if (value === '') known.delete(name);
        else known.set(name, value);
        return known;
      },
      { replace: true },
    );
  const of = (row: ComputeSummary): Allocation | null => allocation.byCompute.get(row.id) ?? null;
  const columns: TableColumn<ComputeSummary>[] = [
    { id: 'compute', label: 'Compute', width: 170, value: (row) => row.name, cell: (row) => <Go to={`/infrastructure/compute/${row.id}?tab=environments`}><Name text={row.name} /></Go> },
    { id: 'environments', label: 'Environments', width: 190, value: (row) => row.environments.map((badge) => badge.code).join(' '), cell: (row) => <EnvironmentBadges badges={row.environments} most={2} /> },
    { id: 'bar', label: 'Shared out, as measured', width: 260, grow: true, value: (row) => partsText(of(row)), cell: (row) => <AllocationStrip allocation={of(row)} /> },
    { id: 'unclaimed', label: 'Unclaimed', width: 90, numeric: true, value: (row) => of(row)?.unclaimed ?? null, cell: (row) => percent(of(row)?.unclaimed) },
    { id: 'idle', label: 'Idle', width: 80, numeric: true, value: (row) => of(row)?.idle ?? null, cell: (row) => percent(of(row)?.idle) },
    { id: 'declared', label: 'Declared', width: 170, value: (row) => declaredText(of(row)), cell: (row) => <Declared allocation={of(row)} /> },
  ];
  return (
    <DataTable
      name="allocation"
      label="Allocation"
      data={shared ? allocation.sharedOnly : allocation.computes}
      columns={columns}
      keyOf={(row) => row.id}
      onSeen={(rows) => allocation.want(rows.map((row) => row.id))}
      more={allocation.next ? () => void allocation.more() : undefined}
      retry={() => allocation.show(text)}
      tools={
        <>
          <FilterField label="Filter computes" value={text} onChange={(value) => set('q', value)} />
          <FormControlLabel control={<Switch size="small" checked={shared} onChange={(event) => set('shared', event.target.checked ? 'true' : '')} />} label="shared ones only" sx={{ mx: 0, '& .MuiFormControlLabel-label': { fontSize: 12 } }} />
        </>
      }
      empty={<Empty icon="layers" title={shared ? 'None of these is shared' : 'No compute fits'} />}
    />
  );
});

const declaredText = (allocation: Allocation | null): string =>
  (allocation?.shares ?? []).flatMap((share) => (share.declared === null ? [] : [`${visible(share.code)} ${share.declared} %`])).join(', ');

function Declared({ allocation }: { allocation: Allocation | null }) {
  const text = declaredText(allocation);
  return text === '' ? <span className="quiet">{allocation ? 'nothing' : ''}</span> : <Name text={text} />;
}
