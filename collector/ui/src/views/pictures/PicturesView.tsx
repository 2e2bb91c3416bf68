import { Box, Typography } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { type ReactNode, useEffect, useState } from 'react';

import { type ComputeSummary, readHistory, readPlaces, readSummaries } from '../../api/inventory';
import { Failure, Waiting } from '../../components/Notice';
import { count, percent } from '../../format/units';
import { Loadable } from '../../stores/loadable';
import { useStores } from '../../stores/root';
import { byEnvironment } from './byEnvironment';
import { CoverageBar } from './CoverageBar';
import { GrowthChart, type GrowthPoint } from './GrowthChart';
import { Treemap } from './Treemap';
import { UseBars } from './UseBars';

const POINTS = 12;

interface Pictured {
  computes: ComputeSummary[];
  more: boolean;
}

const MOST = 10_000;

/** The inventory in pictures: size and use of computes, coverage, growth. */
export default observer(function PicturesView() {
  const { clock } = useStores();
  const [data] = useState(() => new Loadable<Pictured>());
  const [growth] = useState(() => new Loadable<GrowthPoint[]>());
  const { asOf } = clock;
  useEffect(() => {
    document.title = 'Pictures · Orchestrix';
    void data.load(async () => {
      const { items, more } = await readSummaries({}, asOf, MOST);
      return { computes: items, more };
    });
  }, [data, asOf]);
  useEffect(() => void growth.load(readGrowth), [growth]);

  if (data.state === 'failed') return <Failure error={data.error} />;
  if (!data.value) return <Waiting rows={12} label="Drawing" />;
  const { computes, more } = data.value;
  const environments = byEnvironment(computes);
  return (
    <Box tabIndex={0} role="region" aria-label="Pictures" sx={{ flex: 1, overflow: 'auto', p: { xs: 3, sm: 5 } }}>
      <Box sx={{ display: 'grid', gridTemplateColumns: { xs: '1fr', lg: '2fr 1fr' }, gap: 4, alignItems: 'start' }}>
        <Card title="Computes by size and use" about={`Each tile is a compute: its area is its memory, its fill how much of it is in use, its edge its environment.${more ? ` The first ${count(MOST)} are drawn.` : ''}`}>
          <Treemap computes={computes} />
        </Card>
        <Box sx={{ display: 'grid', gap: 4 }}>
          <Card title="Use by environment" about="Memory in use of what was measured; a compute that several environments share counts by their shares.">
            <UseBars environments={environments} />
          </Card>
          <Card title="Coverage" about="Of all computes: seen in full, seen in part, unreachable, and without an agent.">
            <CoverageBar computes={computes} />
          </Card>
          <Card title="Growth" about="Computes and workloads in the inventory over the time that the history covers.">
            {growth.state === 'failed' ? <Failure error={growth.error} inline /> : growth.value ? <GrowthChart points={growth.value} /> : <Waiting rows={4} />}
          </Card>
        </Box>
      </Box>
      <Box sx={{ mt: 4, color: 'text.secondary', fontSize: 12 }}>
        {count(computes.length)} computes, {percent(computes.filter((compute) => compute.memoryBytes !== null).length, computes.length)} of them measured.
      </Box>
    </Box>
  );
});

/** The inventory at evenly spaced times since the first change that is kept. */
async function readGrowth(): Promise<GrowthPoint[]> {
  const newest = await readHistory({ limit: 1 });
  const last = newest.items[0];
  if (!last) return [];
  const first = await readHistory({ resourceType: 'compute', changeKind: 'appeared', limit: 1_000 });
  const begin = Math.min(...first.items.map((entry) => Date.parse(entry.recordedAt)), Date.parse(last.recordedAt));
  const end = Date.now();
  const times = Array.from({ length: POINTS }, (_, index) => begin + ((end - begin) * (index + 1)) / POINTS);
  const points = await Promise.all(
    times.map(async (at, index) => {
      const present = index === POINTS - 1;
      const places = await readPlaces(present ? null : new Date(at).toISOString().replace(/\.\d+Z$/, 'Z'));
      return { at, computes: places.total.computes, workloads: places.total.workloads };
    }),
  );
  return points;
}

function Card({ title, about, children }: { title: string; about: string; children: ReactNode }) {
  return (
    <Box component="section" sx={{ border: 1, borderColor: 'divider', borderRadius: 2, bgcolor: 'background.paper', p: 4, minWidth: 0 }}>
      <Typography variant="h2">{title}</Typography>
      <Typography variant="body2" sx={{ color: 'text.secondary', mb: 3 }}>
        {about}
      </Typography>
      {children}
    </Box>
  );
}
