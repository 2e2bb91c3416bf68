import { Box, Button, Typography } from '@mui/material';
import { observer } from 'mobx-react-lite';

import { useGo } from '../../components/Go';
import { Icon } from '../../components/Icon';
import { useStores } from '../../stores/root';

/** What to do with an empty inventory. */
export const FirstRun = observer(function FirstRun() {
  const { session } = useStores();
  const go = useGo();
  return (
    <Box sx={{ m: 'auto', p: 8, maxWidth: 520 }}>
      <Icon name="tree" size={32} tone="accent" />
      <Typography variant="h1" sx={{ mt: 3 }}>
        Nothing is known yet
      </Typography>
      <Typography sx={{ mt: 2, color: 'text.secondary' }}>
        Put an agent on a host, and this page shows what runs there. A host needs a join token once; after that it proves
        who it is by itself.
      </Typography>
      <Box component="ol" sx={{ pl: 5, my: 4, '& li': { mb: 1.5 } }}>
        <li>Make a join token.</li>
        <li>Paste the command that comes with it on the host.</li>
        <li>Watch the host appear here within a few seconds.</li>
      </Box>
      {session.may('operator') ? (
        <Button variant="contained" onClick={() => go('/automation/tokens?new=1')}>
          Make a join token
        </Button>
      ) : (
        <Typography sx={{ color: 'text.secondary' }}>Your role is {session.who?.role}: an operator can make the token.</Typography>
      )}
    </Box>
  );
});
