import { Box } from '@mui/material';

import { timestamp } from '../../format/time';
import { count } from '../../format/units';

export interface GrowthPoint {
  at: number;
  computes: number;
  workloads: number;
}

const WIDTH = 320;
const HEIGHT = 90;

/** Two lines, each on a scale of its own, with the present number at its end. */
export function GrowthChart({ points }: { points: GrowthPoint[] }) {
  if (points.length < 2) return <Box sx={{ color: 'text.secondary' }}>There is no history to draw yet.</Box>;
  return (
    <Box sx={{ display: 'grid', gap: 3 }}>
      <Line points={points} name="Computes" value={(point) => point.computes} colour="var(--orx-palette-orx-accent)" />
      <Line points={points} name="Workloads" value={(point) => point.workloads} colour="var(--orx-palette-orx-well)" />
      <Box sx={{ display: 'flex', justifyContent: 'space-between', color: 'text.secondary', fontSize: 11 }}>
        <span>{timestamp(new Date(points[0]?.at ?? 0).toISOString()).slice(0, 16)}</span>
        <span>now</span>
      </Box>
    </Box>
  );
}

function Line({ points, name, value, colour }: { points: GrowthPoint[]; name: string; value: (point: GrowthPoint) => number; colour: string }) {
  const most = Math.max(...points.map(value), 1);
  const x = (index: number) => (index / (points.length - 1)) * WIDTH;
  const y = (point: GrowthPoint) => HEIGHT - 4 - (value(point) / most) * (HEIGHT - 12);
  const line = points.map((point, index) => `${index === 0 ? 'M' : 'L'}${x(index).toFixed(1)} ${y(point).toFixed(1)}`).join('');
  const last = points.at(-1);
  return (
    <Box>
      <Box sx={{ display: 'flex', justifyContent: 'space-between', fontSize: 12 }}>
        <span>{name}</span>
        <b>{last ? count(value(last)) : '?'}</b>
      </Box>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width="100%" height={HEIGHT} preserveAspectRatio="none" role="img" aria-label={`${name}: from ${value(points[0] ?? { at: 0, computes: 0, workloads: 0 })} to ${last ? value(last) : 0}`}>
        <path d={`${line}L${WIDTH} ${HEIGHT}L0 ${HEIGHT}Z`} fill={colour} opacity="0.12" />
        <path d={line} fill="none" stroke={colour} strokeWidth="2" vectorEffect="non-scaling-stroke" />
      </svg>
    </Box>
  );
}
