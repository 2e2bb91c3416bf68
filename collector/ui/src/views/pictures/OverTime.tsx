import { Box } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect } from 'react';
import { useSearchParams } from 'react-router';

import { TimeChart } from '../../components/chart/TimeChart';
import { Choice } from '../../components/Choice';
import { Failure, Waiting } from '../../components/Notice';
import { bytes, byteUnit, cores, count } from '../../format/units';
import { isSpan, type Span } from '../../stores/samples';
import { useStores } from '../../stores/root';
import { Card } from './Card';
import { type Amount, linesOfGrowth, type Subject, timesOf, linesOfUse } from './lines';

const SPANS: [Span, string][] = [
  ['day', '24 h'],
  ['week', '7 d'],
  ['month', '30 d'],
  ['year', '1 y'],
];
const AMOUNTS: [Amount, string][] = [
  ['memory', 'Memory'],
  ['cores', 'Cores'],
];
const MEASURES = {
  memory: { text: bytes, unit: byteUnit },
  cores: { text: (value: number) => `${cores(value)} cores`, unit: () => 1_000 },
};
const SUBJECTS: [Subject, string][] = [
  ['computes', 'Computes'],
  ['workloads', 'Workloads'],
  ['coverage', 'Coverage'],
];
const ABOUT: Record<Subject, string> = {
  computes: 'Computes by partner.',
  workloads: 'Workloads that had not ended, by partner.',
  coverage: 'Computes seen in full, seen in part, unreachable, and without an agent.',
};
/** How often the present is read again. */
const REFRESH = 60_000;

/** Pictures over time, up to the time that is looked at. What they show is in the address. */
export const OverTime = observer(function OverTime() {
  const { samples, clock } = useStores();
  const [params, setParams] = useSearchParams();
  const chosen = params.get('span');
  const span: Span = isSpan(chosen) ? chosen : 'week';
  const amount: Amount = params.get('amount') === 'cores' ? 'cores' : 'memory';
  const subject = SUBJECTS.find(([known]) => known === params.get('growth'))?.[0] ?? 'computes';
  const set = (name: string, value: string) =>
    setParams(
      (known) => {
        known.set(name, value);
        return known;
      },
      { replace: true },
    );
  const { asOf } = clock;
  useEffect(() => {
    const read = () => void samples.show(span, clock.reference);
    read();
    if (asOf !== null) return undefined;
    const timer = setInterval(read, REFRESH);
    return () => clearInterval(timer);
  }, [samples, clock, span, asOf]);

  const shared = { since: samples.since, until: samples.until, now: clock.now };
  const used = samples.use.value;
  const grown = samples.growth.value;
  return (
    <Box sx={{ display: 'grid', gap: 4 }}>
      <Box sx={{ display: 'flex', alignItems: 'center', gap: 3 }}>
        <Choice label="Span of time" options={SPANS} value={span} onChoose={(value) => set('span', value)} />
      </Box>
      <Box sx={{ display: 'grid', gridTemplateColumns: { xs: '1fr', lg: '1fr 1fr' }, gap: 4, alignItems: 'start' }}>
        <Card
          title="Use by environment over time"
          about="What environments take of the computes that are measured: their shares, times what the computes have."
          tools={<Choice label="What is measured" options={AMOUNTS} value={amount} onChoose={(value) => set('amount', value)} />}
        >
          {samples.use.state === 'failed' && <Failure error={samples.use.error} inline />}
          {used ? (
            <TimeChart {...shared} label="Use by environment over time" times={timesOf(used)} lines={linesOfUse(used, amount)} {...MEASURES[amount]} />
          ) : (
            samples.use.isFirst && <Waiting rows={6} label="Drawing" />
          )}
        </Card>
        <Card
          title="Growth of the inventory"
          about={ABOUT[subject]}
          tools={<Choice label="What is counted" options={SUBJECTS} value={subject} onChoose={(value) => set('growth', value)} />}
        >
          {samples.growth.state === 'failed' && <Failure error={samples.growth.error} inline />}
          {grown ? (
            <TimeChart {...shared} label={`Growth of the inventory: ${subject}`} times={timesOf(grown)} lines={linesOfGrowth(grown, subject)} text={count} />
          ) : (
            samples.growth.isFirst && <Waiting rows={6} label="Drawing" />
          )}
        </Card>
      </Box>
    </Box>
  );
});
