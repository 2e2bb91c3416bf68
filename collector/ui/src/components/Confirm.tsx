import { Box, Button, Dialog, DialogActions, DialogContent, DialogTitle, TextField } from '@mui/material';
import { type ReactNode, useState } from 'react';

import { Failure } from './Notice';

interface Props {
  title: string;
  children: ReactNode;
  /** What the button does, as a verb. */
  action: string;
  danger?: boolean;
  /** Asks for a reason as well. */
  reason?: string;
  run: (reason: string) => Promise<unknown>;
  onClose: () => void;
}

/** Asks before something that cannot be taken back, and shows why it failed. */
export function Confirm({ title, children, action, danger = false, reason, run, onClose }: Props) {
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const act = () => {
    setBusy(true);
    run(text).then(onClose, (failed: unknown) => {
      setError(failed);
      setBusy(false);
    });
  };
  return (
    <Dialog open onClose={onClose} maxWidth="xs" fullWidth aria-labelledby="confirm-title">
      <DialogTitle id="confirm-title" sx={{ fontSize: 15, fontWeight: 620 }}>
        {title}
      </DialogTitle>
      <DialogContent>
        <Box sx={{ color: 'text.secondary', mb: reason ? 4 : 0 }}>{children}</Box>
        {reason && <TextField label={reason} value={text} onChange={(event) => setText(event.target.value)} slotProps={{ htmlInput: { maxLength: 255 } }} sx={{ mt: 1 }} />}
        {error !== null && <Box sx={{ mt: 3 }}><Failure error={error} inline /></Box>}
      </DialogContent>
      <DialogActions sx={{ px: 6, pb: 4 }}>
        <Button variant="outlined" onClick={onClose}>
          Cancel
        </Button>
        <Button variant="contained" color={danger ? 'error' : 'primary'} disabled={busy} onClick={act}>
          {action}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
