import { Box } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect } from 'react';

import type { Violation } from '../../api/environments';
import { DataTable, type TableColumn } from '../../components/DataTable';
import { Go } from '../../components/Go';
import { Name } from '../../components/Name';
import { Empty } from '../../components/Notice';
import { useStores } from '../../stores/root';

const reasons = (row: Violation): string => row.environments.map((environment) => `${environment.code}: ${environment.reasons.join(', ')}`).join('; ');

const COLUMNS: TableColumn<Violation>[] = [
  { id: 'compute', label: 'Compute', width: 170, value: (row) => row.computeName, cell: (row) => <Go to={`/infrastructure/compute/${row.computeId}?tab=environments`}><Name text={row.computeName} /></Go> },
  { id: 'rule', label: 'Rule that is broken', width: 200, value: (row) => row.ruleName, cell: (row) => <Name text={row.ruleName} /> },
  { id: 'environments', label: 'Hosts', width: 150, value: (row) => row.environments.map((environment) => environment.code).join(' and ') },
  { id: 'reasons', label: 'Because of', width: 360, grow: true, value: reasons, cell: (row) => <Name text={reasons(row)} /> },
];

/** Computes that host two environments that a rule keeps apart. */
export const SeparationPanel = observer(function SeparationPanel() {
  const { environments } = useStores();
  useEffect(() => void environments.readViolations(), [environments]);
  return (
    <DataTable
      name="separation"
      label="Broken rules of separation"
      data={environments.violations}
      columns={COLUMNS}
      keyOf={(row) => `${row.ruleId}/${row.computeId}`}
      retry={() => void environments.readViolations()}
      tools={<Box sx={{ color: 'text.secondary' }}>A rule of the kind <code>separate</code> names two environments that must not share a compute.</Box>}
      empty={<Empty icon="check" title="No rule of separation is broken" />}
    />
  );
});
