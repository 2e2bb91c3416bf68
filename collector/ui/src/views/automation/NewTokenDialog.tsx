import { Box, Button, Dialog, DialogActions, DialogContent, DialogTitle, MenuItem, TextField, Typography } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { type SubmitEvent, useEffect, useState } from 'react';

import { type MadeToken, makeJoinToken } from '../../api/automation';
import { fieldProblems } from '../../api/edit';
import { CopyButton } from '../../components/CopyButton';
import { Failure } from '../../components/Notice';
import { ago } from '../../format/time';
import { useStores } from '../../stores/root';
import { collectorAddress, joinCommand } from './joinCommand';

const LIVES: [seconds: number, label: string][] = [
  [900, '15 minutes'],
  [3_600, '1 hour'],
  [86_400, '1 day'],
  [604_800, '7 days'],
];

interface Form {
  description: string;
  uses: string;
  expiresSecs: number;
  datacenterId: string;
  tags: string;
}

/** `key=value` a line. */
export function readTags(text: string): Record<string, string> | null {
  const tags: Record<string, string> = {};
  for (const line of text.split('\n').map((one) => one.trim())) {
    if (line === '') continue;
    const at = line.indexOf('=');
    if (at < 1) return null;
    tags[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return tags;
}

export const NewTokenDialog = observer(function NewTokenDialog({ onClose, onMade }: { onClose: () => void; onMade: () => void }) {
  const { tree } = useStores();
  const [form, setForm] = useState<Form>({ description: '', uses: '1', expiresSecs: 900, datacenterId: '', tags: '' });
  const [made, setMade] = useState<MadeToken | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => void tree.open(), [tree]);

  const set = (change: Partial<Form>) => setForm((known) => ({ ...known, ...change }));
  const tags = readTags(form.tags);
  const uses = Number(form.uses);
  const usesWrong = !Number.isInteger(uses) || uses < 1;
  const problems = fieldProblems(error);
  const problemOf = (field: string) => problems.find((problem) => problem.field === field)?.reason;

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    makeJoinToken({ description: form.description, uses, expiresSecs: form.expiresSecs, datacenterId: form.datacenterId === '' ? null : Number(form.datacenterId), tags: tags ?? {} })
      .then(
        (token) => {
          setMade(token);
          onMade();
        },
        (failed: unknown) => setError(failed),
      )
      .finally(() => setBusy(false));
  };

  const datacenters = (tree.places.value?.items ?? []).filter((place) => place.kind === 'datacenter');
  return (
    <Dialog open onClose={onClose} maxWidth="sm" fullWidth aria-labelledby="token-title">
      <DialogTitle id="token-title" sx={{ fontSize: 15, fontWeight: 620 }}>
        {made ? 'Paste this on the host' : 'New join token'}
      </DialogTitle>
      {made ? (
        <Result made={made} onClose={onClose} />
      ) : (
        <form onSubmit={submit}>
          <DialogContent sx={{ display: 'grid', gap: 4 }}>
            <TextField label="For" placeholder="What it is for" value={form.description} onChange={(event) => set({ description: event.target.value })} autoFocus slotProps={{ htmlInput: { maxLength: 255 } }} />
            <Box sx={{ display: 'grid', gridTemplateColumns: '1fr 1fr', gap: 3 }}>
              <TextField label="Hosts that may enrol" type="number" value={form.uses} onChange={(event) => set({ uses: event.target.value })} error={usesWrong || problemOf('uses') !== undefined} helperText={problemOf('uses') ?? (usesWrong ? 'A whole number from 1' : ' ')} />
              <TextField label="Ends after" select value={form.expiresSecs} onChange={(event) => set({ expiresSecs: Number(event.target.value) })} helperText=" ">
                {LIVES.map(([seconds, label]) => (
                  <MenuItem key={seconds} value={seconds}>
                    {label}
                  </MenuItem>
                ))}
              </TextField>
            </Box>
            <TextField label="Place hosts in" select value={form.datacenterId} onChange={(event) => set({ datacenterId: event.target.value })} slotProps={{ select: { displayEmpty: true }, inputLabel: { shrink: true } }}>
              <MenuItem value="">The default datacenter</MenuItem>
              {datacenters.map((place) => (
                <MenuItem key={place.id} value={String(place.id)}>
                  {place.name}
                </MenuItem>
              ))}
            </TextField>
            <TextField label="Tags, key=value, one a line" multiline minRows={2} value={form.tags} onChange={(event) => set({ tags: event.target.value })} error={tags === null} helperText={tags === null ? 'Each line needs a key, an equals sign and a value' : ' '} />
            {error !== null && problems.length === 0 && <Failure error={error} inline />}
          </DialogContent>
          <DialogActions sx={{ px: 6, pb: 4 }}>
            <Button variant="outlined" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" variant="contained" disabled={busy || tags === null || usesWrong}>
              Make the token
            </Button>
          </DialogActions>
        </form>
      )}
    </Dialog>
  );
});

const Result = observer(function Result({ made, onClose }: { made: MadeToken; onClose: () => void }) {
  const { session, clock } = useStores();
  const [address, setAddress] = useState(() => collectorAddress(location.hostname, session.collector?.agentsPort ?? null));
  const command = joinCommand(address, made.token);
  const local = /^(127\.|localhost|\[::1\])/.test(address);
  return (
    <>
      <DialogContent>
        <Typography sx={{ color: 'text.secondary', mb: 4 }}>
          The token is shown this once. It ends {ago(made.expiresAt, clock.now)} and lets {made.usesAllowed === 1 ? 'one host' : `${made.usesAllowed} hosts`} enrol.
        </Typography>
        <TextField
          label="Address of the collector, as the host sees it"
          value={address}
          onChange={(event) => setAddress(event.target.value.trim())}
          helperText={local ? 'This address is right for this machine only: for another host, put the collector’s own address here.' : ' '}
        />
        <Box sx={{ position: 'relative', mt: 2 }}>
          <Box component="pre" data-testid="join-command" tabIndex={0} aria-label="Command" sx={{ m: 0, p: 3, pr: 9, bgcolor: 'background.default', border: 1, borderColor: 'divider', borderRadius: 1, fontFamily: 'var(--mono)', fontSize: 12, whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {command}
          </Box>
          <Box sx={{ position: 'absolute', top: 6, right: 6 }}>
            <CopyButton text={command} label="Copy the command" />
          </Box>
        </Box>
      </DialogContent>
      <DialogActions sx={{ px: 6, pb: 4 }}>
        <Button variant="contained" onClick={onClose}>
          Done
        </Button>
      </DialogActions>
    </>
  );
});
