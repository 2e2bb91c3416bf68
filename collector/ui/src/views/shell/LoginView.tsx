import { Box, Button, Paper, TextField, Typography } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { type SubmitEvent, useState } from 'react';

import { CopyButton } from '../../components/CopyButton';
import { useStores } from '../../stores/root';
import { Logo } from './Logo';

/** Signing in with an API token. The first one lies in a file that only the collector's administrator can read. */
export const LoginView = observer(function LoginView() {
  const { session } = useStores();
  const [token, setToken] = useState('');
  const [busy, setBusy] = useState(false);

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    void session.signIn(token.trim()).finally(() => setBusy(false));
  };

  return (
    <Box component="main" sx={{ minHeight: '100dvh', display: 'grid', placeItems: 'center', p: 4, overflow: 'auto' }}>
      <Paper variant="outlined" sx={{ width: 400, maxWidth: '100%', p: 8, borderRadius: 2.5 }}>
        <Logo />
        <Typography variant="h1" sx={{ mt: 6 }}>
          Sign in
        </Typography>
        <Typography sx={{ color: 'text.secondary', mt: 1, mb: 5 }}>Use an API token of this collector. The session lasts twelve hours.</Typography>
        <form onSubmit={submit}>
          <TextField
            label="API token"
            type="password"
            autoComplete="current-password"
            autoFocus
            value={token}
            onChange={(event) => setToken(event.target.value)}
            error={session.problem !== null}
            helperText={session.problem ?? ' '}
            slotProps={{ formHelperText: { role: session.problem ? 'alert' : undefined } }}
          />
          <Button type="submit" variant="contained" fullWidth disabled={busy || token.trim() === ''} sx={{ mt: 1, py: 1.5 }}>
            {busy ? 'Signing in…' : 'Sign in'}
          </Button>
        </form>
        <Box sx={{ mt: 7, pt: 4, borderTop: 1, borderColor: 'divider', color: 'text.secondary', fontSize: 12 }}>
          The first token was written to <code>admin.token</code> in the collector’s data folder. Others are made with
          <Box sx={{ mt: 1.5, display: 'flex', alignItems: 'center', gap: 1, fontFamily: 'var(--mono)', bgcolor: 'background.default', borderRadius: 1, px: 2, py: 1 }}>
            <Box component="span" sx={{ flex: 1, overflowWrap: 'anywhere' }}>{COMMAND}</Box>
            <CopyButton text={COMMAND} label="Copy the command" />
          </Box>
        </Box>
      </Paper>
    </Box>
  );
});

const COMMAND = 'orchestrix-collector api-token create --role viewer --name NAME';
