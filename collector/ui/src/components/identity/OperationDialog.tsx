import { Box, Button, Dialog, DialogActions, DialogContent, DialogTitle } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { type ReactNode, useEffect, useState } from 'react';

import { type OperationReport, type Plan, undoPlan } from '../../api/identity';
import { Loadable } from '../../stores/loadable';
import { useStores } from '../../stores/root';
import { Failure, Waiting } from '../Notice';
import { ReportView } from './ReportView';

interface Props {
  title: string;
  /** What the button does, as a verb. */
  action: string;
  /** What is asked before it is known what to do. */
  children?: ReactNode;
  /** `null` while that is not known. */
  plan: Plan | null;
  /** It can be taken back by the operation's own undo. */
  undoable?: boolean;
  onClose: () => void;
  onDone: () => void;
}

/** Tells what an operation would do, lets people choose between values, and does it; it can be undone. */
export const OperationDialog = observer(function OperationDialog({ title, action, children, plan, undoable = true, onClose, onDone }: Props) {
  const { toast } = useStores();
  const [told] = useState(() => new Loadable<OperationReport>());
  const [prefer, setPrefer] = useState<string[]>([]);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (plan) void told.load(() => plan(true, prefer));
    else told.clear();
  }, [told, plan, prefer]);

  const act = () => {
    if (!plan) return;
    setBusy(true);
    setError(null);
    plan(false, prefer).then(
      (done) => {
        const operation = done.operationId;
        const undo = undoable && operation !== null && operation !== undefined ? () => undoPlan(operation)(false, []).then(onDone) : null;
        toast.tell(done.summary ?? 'Done.', undo);
        onDone();
        onClose();
      },
      (failed: unknown) => {
        setError(failed);
        setBusy(false);
      },
    );
  };
  const report = told.value;
  const refused = (report?.refusals ?? []).length > 0;
  return (
    <Dialog open onClose={onClose} maxWidth="sm" fullWidth aria-labelledby="operation-title">
      <DialogTitle id="operation-title" sx={{ fontSize: 15, fontWeight: 620 }}>
        {title}
      </DialogTitle>
      <DialogContent sx={{ display: 'grid', gap: 3, alignContent: 'start', pt: '8px !important' }}>
        {children}
        {plan !== null &&
          (told.state === 'failed' ? <Failure error={told.error} inline /> : report ? <ReportView report={report} prefer={prefer} onPrefer={setPrefer} /> : <Waiting rows={3} label="Working out what it comes to" />)}
        {error !== null && (
          <Box>
            <Failure error={error} inline />
          </Box>
        )}
      </DialogContent>
      <DialogActions sx={{ px: 6, pb: 4 }}>
        <Button variant="outlined" onClick={onClose}>
          Cancel
        </Button>
        <Button variant="contained" disabled={busy || refused || !report || told.state !== 'ready'} onClick={act}>
          {action}
        </Button>
      </DialogActions>
    </Dialog>
  );
});
