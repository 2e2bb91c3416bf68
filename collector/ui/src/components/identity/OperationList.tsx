import { Box, Button } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useMemo, useState } from 'react';

import { type Operation, undoPlan } from '../../api/identity';
import { canUndo } from '../../stores/identity';
import { useStores } from '../../stores/root';
import { visible } from '../../format/text';
import { Age } from '../Age';
import { Name } from '../Name';
import { Status } from '../Status';
import { OperationDialog } from './OperationDialog';

export const KINDS: Record<string, string> = { MATCH: 'matched', CLAIM: 'claimed', MERGE: 'merged', SPLIT: 'split', DRIFT: 'drift decided' };

/** Undoes something after telling what that comes to. */
export function UndoDialog({ operation, onClose, onDone }: { operation: Operation; onClose: () => void; onDone: () => void }) {
  const plan = useMemo(() => undoPlan(operation.id), [operation.id]);
  return (
    <OperationDialog title="Undo this?" action="Undo" plan={plan} undoable={false} onClose={onClose} onDone={onDone}>
      <Box sx={{ color: 'text.secondary' }}>{visible(operation.summary)}</Box>
    </OperationDialog>
  );
}

/** What was done to a compute, the newest first; what stands can be undone. */
export const OperationList = observer(function OperationList({ operations, onUndone }: { operations: Operation[]; onUndone: () => void }) {
  const { session, clock } = useStores();
  const [undone, setUndone] = useState<Operation | null>(null);
  const may = session.may('operator') && clock.isLive;
  return (
    <>
      {operations.map((operation) => (
        <Box key={operation.id} sx={{ display: 'flex', gap: 3, alignItems: 'flex-start', py: 2, borderBottom: 1, borderColor: 'divider' }}>
          <Box sx={{ flex: 1, minWidth: 0 }}>
            <Box sx={{ overflowWrap: 'anywhere' }}>{visible(operation.summary)}</Box>
            <Box sx={{ color: 'text.secondary', fontSize: 12 }}>
              {KINDS[operation.kind] ?? operation.kind} <Age at={operation.doneAt} /> by {operation.actorKind === 'person' ? <Name text={operation.actorId} /> : 'what was seen'}
              {operation.undoneAt && (
                <>
                  , undone <Age at={operation.undoneAt} /> by <Name text={operation.undoneBy} />
                </>
              )}
            </Box>
          </Box>
          {canUndo(operation) ? may && <Button variant="outlined" onClick={() => setUndone(operation)}>Undo…</Button> : <Status status="ended" shown="undone" />}
        </Box>
      ))}
      {undone && <UndoDialog operation={undone} onClose={() => setUndone(null)} onDone={onUndone} />}
    </>
  );
});
