import { Box, Button, Dialog, DialogActions, DialogContent, DialogTitle, FormControlLabel, MenuItem, Switch, TextField } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { type SubmitEvent, useEffect, useState } from 'react';

import { associate } from '../../../api/environments';
import { fieldProblems } from '../../../api/edit';
import { Failure } from '../../../components/Notice';
import { useStores } from '../../../stores/root';

interface Props {
  kind: string;
  id: number;
  onClose: () => void;
  onSaved: () => void;
}

/** Gives a resource an environment. What a person sets wins over what rules infer. */
export const AssociateDialog = observer(function AssociateDialog({ kind, id, onClose, onSaved }: Props) {
  const { environments, toast } = useStores();
  const [environment, setEnvironment] = useState('');
  const [primary, setPrimary] = useState(false);
  const [percentage, setPercentage] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => void environments.open(), [environments]);
  const share = percentage.trim() === '' ? null : Number(percentage);
  const wrong = share !== null && !(share >= 0 && share <= 100);
  const told = fieldProblems(error).find((problem) => problem.field === 'allocatedPercentage');

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    associate(kind, id, Number(environment), primary, share).then(
      () => {
        toast.tell('The environment is set.');
        onSaved();
        onClose();
      },
      (failed: unknown) => {
        setError(failed);
        setBusy(false);
      },
    );
  };
  return (
    <Dialog open onClose={onClose} maxWidth="xs" fullWidth aria-labelledby="associate-title">
      <DialogTitle id="associate-title" sx={{ fontSize: 15, fontWeight: 620 }}>
        Give it an environment
      </DialogTitle>
      <form onSubmit={submit}>
        <DialogContent sx={{ display: 'grid', gap: 3, pt: '8px !important' }}>
          <TextField label="Environment" select required value={environment} onChange={(event) => setEnvironment(event.target.value)}>
            {(environments.list.value ?? []).map((known) => (
              <MenuItem key={known.id} value={String(known.id)}>
                <bdi>
                  {known.code} · {known.name}
                </bdi>
              </MenuItem>
            ))}
          </TextField>
          <TextField label="Share in per cent, when it is not all of it" value={percentage} onChange={(event) => setPercentage(event.target.value)} error={wrong || told !== undefined} helperText={told?.reason ?? (wrong ? 'A number from 0 to 100' : ' ')} slotProps={{ htmlInput: { inputMode: 'decimal' } }} />
          <FormControlLabel control={<Switch size="small" checked={primary} onChange={(event) => setPrimary(event.target.checked)} />} label="It is the main one" sx={{ ml: 0 }} />
          {error !== null && !told && <Box><Failure error={error} inline /></Box>}
        </DialogContent>
        <DialogActions sx={{ px: 6, pb: 4 }}>
          <Button variant="outlined" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="contained" disabled={busy || environment === '' || wrong}>
            Set it
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
});
