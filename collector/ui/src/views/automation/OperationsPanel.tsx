import { Box, Button } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useState } from 'react';

import type { Operation } from '../../api/identity';
import { Age } from '../../components/Age';
import { DataTable, type TableColumn } from '../../components/DataTable';
import { Go } from '../../components/Go';
import { KINDS, UndoDialog } from '../../components/identity/OperationList';
import { Name } from '../../components/Name';
import { Empty } from '../../components/Notice';
import { Status } from '../../components/Status';
import { canUndo } from '../../stores/identity';
import { useStores } from '../../stores/root';

/** What was done to computes, by people and by what was seen; what stands can be undone. */
export const OperationsPanel = observer(function OperationsPanel() {
  const { automation, session, clock } = useStores();
  const [undone, setUndone] = useState<Operation | null>(null);
  const may = session.may('operator') && clock.isLive;
  const columns: TableColumn<Operation>[] = [
    { id: 'kind', label: 'What', width: 110, value: (row) => KINDS[row.kind] ?? row.kind },
    { id: 'summary', label: 'In words', width: 320, grow: true, value: (row) => row.summary, cell: (row) => <Name text={row.summary} /> },
    { id: 'compute', label: 'Compute', width: 90, value: (row) => row.computeId ?? null, cell: (row) => row.computeId && <Go to={`/infrastructure/compute/${row.computeId}?tab=identity`}>{row.computeId}</Go> },
    { id: 'by', label: 'By', width: 140, value: (row) => (row.actorKind === 'person' ? row.actorId : row.actorKind), cell: (row) => (row.actorKind === 'person' ? <Name text={row.actorId} /> : <span className="quiet">what was seen</span>) },
    { id: 'done', label: 'When', width: 110, value: (row) => row.doneAt, cell: (row) => <Age at={row.doneAt} /> },
    { id: 'state', label: 'State', width: 110, value: (row) => row.state, cell: (row) => (canUndo(row) ? <Status status="active" shown="stands" /> : <Status status="ended" shown="undone" why={row.undoneBy && `by ${row.undoneBy}`} />) },
    {
      id: 'undo',
      label: 'Undo',
      width: 96,
      value: () => '',
      cell: (row) =>
        may &&
        canUndo(row) && (
          <Button
            onClick={(event) => {
              event.stopPropagation();
              setUndone(row);
            }}
          >
            Undo…
          </Button>
        ),
    },
  ];
  return (
    <>
      <DataTable
        name="operations"
        label="Operations"
        data={automation.operations}
        columns={columns}
        keyOf={(row) => row.id}
        retry={() => void automation.read('operations')}
        tools={<Box sx={{ color: 'text.secondary' }}>Matches, claims, merges, splits and decisions about drift, the newest first.</Box>}
        empty={<Empty icon="undo" title="Nothing was done yet">What people decide about computes is listed here, and can be undone.</Empty>}
      />
      {undone && <UndoDialog operation={undone} onClose={() => setUndone(null)} onDone={() => void automation.read('operations')} />}
    </>
  );
});
