import { Button, Tooltip } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useSearchParams } from 'react-router';

import { readPastStart } from '../../api/inventory';
import { Icon } from '../../components/Icon';
import { useShortcut } from '../../components/shortcuts';
import { useStores } from '../../stores/root';

/** Whole seconds: nobody means milliseconds, and a link stays readable. */
const seconds = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');

/** Goes to the past; the bar that appears then has the slider. */
export const TimeButton = observer(function TimeButton() {
  const { clock } = useStores();
  const [, setParams] = useSearchParams();
  const look = async () => {
    const first = clock.isLive ? await readPastStart() : null;
    setParams((params) => {
      // An hour back, or where the past begins that is known.
      if (clock.isLive) params.set('asOf', seconds(Math.max(first ?? 0, clock.now - 3_600_000)));
      else params.delete('asOf');
      return params;
    });
  };
  useShortcut('t', () => void look());
  return (
    <Tooltip describeChild title={clock.isLive ? 'Show the inventory as of a past time (t)' : 'Back to the present (t)'}>
      <Button onClick={() => void look()} startIcon={<Icon name="clock" size={15} />} sx={{ color: clock.isLive ? 'text.secondary' : 'warning.main', whiteSpace: 'nowrap', '& .MuiButton-startIcon': { mr: { xs: 0, sm: 1.5 } } }}>
        <span className="wide">{clock.isLive ? 'Time' : 'Back to now'}</span>
      </Button>
    </Tooltip>
  );
});
