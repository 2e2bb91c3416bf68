import { Box, Tooltip } from '@mui/material';
import { observer } from 'mobx-react-lite';

import { StatusMark } from '../../components/Status';
import { plural } from '../../format/units';
import { useStores } from '../../stores/root';
import type { LiveState } from '../../stores/live';

const TELL: Record<LiveState, [word: string, about: string]> = {
  live: ['Live', 'Changes appear as they happen'],
  connecting: ['Connecting', 'The change feed is being opened'],
  waiting: ['Not live', 'The change feed is interrupted; it is tried again. What you see may be old.'],
  off: ['Off', 'The change feed is closed'],
};

export const LiveMark = observer(function LiveMark() {
  const { live, clock } = useStores();
  if (!clock.isLive) return null;
  const [word, about] = TELL[live.state];
  const told = live.told > 0 ? ` ${plural(live.told, 'change')} since this page was opened.` : '';
  return (
    <Tooltip title={`${about}.${told}`}>
      <Box role="status" aria-label={`${word}: ${about}`} sx={{ display: 'flex', alignItems: 'center', gap: 1.5, color: 'text.secondary', fontSize: 12, minWidth: { sm: 62 }, whiteSpace: 'nowrap' }}>
        <StatusMark is={live.state === 'live' ? 'well' : live.state === 'waiting' ? 'warn' : 'unknown'} />
        <Box component="span" sx={{ display: { xs: 'none', sm: 'inline' } }}>
          {word}
        </Box>
      </Box>
    </Tooltip>
  );
});
