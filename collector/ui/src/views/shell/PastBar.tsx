import { Box, Button, Slider } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect, useState } from 'react';
import { useSearchParams } from 'react-router';

import { readPastStart } from '../../api/inventory';
import { ago, duration, timestamp, toLocalInput } from '../../format/time';
import { useStores } from '../../stores/root';
import { stepOf } from './pastSteps';

const iso = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');

/** Where the slider was moved to, and the time that was looked at then. */
interface Drag {
  value: number;
  from: string | null;
}

/** Says that the past is shown, and moves in it: from the first change that is kept to now. */
export const PastBar = observer(function PastBar() {
  const { clock } = useStores();
  const [, setParams] = useSearchParams();
  const [first, setFirst] = useState<number | null>(null);
  const [drag, setDrag] = useState<Drag | null>(null);

  useEffect(() => {
    void readPastStart().then(setFirst);
  }, []);

  // Until the address says it, the slider stays where it was let go.
  const at = drag?.from === clock.asOf ? drag.value : clock.reference;
  // Before that nothing is known, and the slider does not go there.
  const begin = Math.min(first ?? clock.now - 7 * 86_400_000, clock.now - 1_000);
  const go = (time: number) =>
    setParams((params) => {
      params.set('asOf', iso(Math.max(begin, Math.min(time, clock.now))));
      return params;
    });
  const back = () =>
    setParams((params) => {
      params.delete('asOf');
      return params;
    });

  return (
    <Box
      role="region"
      aria-label="Past time"
      sx={{ display: 'flex', flexWrap: 'wrap', alignItems: 'center', gap: { xs: 2, sm: 4 }, px: 4, py: 1.5, bgcolor: 'orx.glow', borderBottom: 1, borderColor: 'divider', color: 'text.primary' }}
    >
      <Box sx={{ fontWeight: 600, whiteSpace: 'nowrap' }}>As of {timestamp(new Date(at).toISOString())}</Box>
      <Box sx={{ whiteSpace: 'nowrap', minWidth: 86 }}>{ago(new Date(at).toISOString(), clock.now)}</Box>
      <Slider
        aria-label="Time whose inventory is shown"
        size="small"
        min={begin}
        max={clock.now}
        step={stepOf(clock.now - begin)}
        value={Math.max(begin, at)}
        onChange={(_, value) => setDrag({ value, from: clock.asOf })}
        onChangeCommitted={(_, value) => {
          setDrag({ value, from: clock.asOf });
          go(value);
        }}
        getAriaValueText={(value) => `${duration(clock.now - value)} ago`}
        sx={{ flex: '1 1 180px', minWidth: 120 }}
      />
      <input
        type="datetime-local"
        aria-label="Date and time"
        step={1}
        value={toLocalInput(at)}
        onChange={(event) => {
          const time = Date.parse(event.target.value);
          if (Number.isNaN(time)) return;
          setDrag(null);
          go(time);
        }}
        className="plain"
      />
      <Button variant="outlined" onClick={back}>
        Back to now
      </Button>
    </Box>
  );
});
