// What the samples come to as lines of a picture. Pure.

import type { Growth, UseOverTime } from '../../api/samples';
import type { Line } from '../../components/chart/TimeChart';
import { hueOf } from '../../components/EnvironmentBadge';

export type Amount = 'memory' | 'cores';
export type Subject = 'computes' | 'workloads' | 'coverage';

const NOBODY = 'var(--orx-palette-orx-unknown)';
const IDLE = 'var(--orx-palette-divider)';

export const timesOf = (samples: { times: string[] } | null): number[] => (samples?.times ?? []).map((time) => Date.parse(time));

/** What environments took, from the bottom up; above them what no environment claims, and what is idle. */
export function linesOfUse(samples: UseOverTime, amount: Amount): Line[] {
  return samples.series.map((series) => {
    const values = (amount === 'memory' ? series.memoryBytes : series.cpuMillicores).map((value) => value ?? null);
    if (series.part === 'idle') return { key: 'idle', name: 'idle', colour: IDLE, values };
    if (series.part === 'unclaimed') return { key: 'unclaimed', name: 'unclaimed', colour: NOBODY, values };
    const id = series.environmentId ?? 0;
    return { key: `environment-${id}`, name: series.code ?? `environment ${id}, deleted`, colour: hueOf(id), values };
  });
}

const sums = (of: (number | null | undefined)[][]): (number | null)[] =>
  (of[0] ?? []).map((_, place) => {
    const there = of.flatMap((values) => values[place] ?? []);
    return there.length === 0 ? null : there.reduce((sum, value) => sum + value, 0);
  });

/** What is at each partner; or, for coverage, how much of everything was seen. */
export function linesOfGrowth(samples: Growth, subject: Subject): Line[] {
  if (subject === 'coverage') return coverage(samples);
  return samples.series
    .map((series) => ({
      key: `partner-${series.partnerId ?? 'none'}`,
      name: series.partnerId === null || series.partnerId === undefined ? 'in no place' : (series.name ?? `partner ${series.partnerId}, deleted`),
      colour: series.partnerId === null || series.partnerId === undefined ? NOBODY : hueOf(series.partnerId),
      values: series[subject].map((value) => value ?? null),
    }))
    .filter((line) => line.values.some((value) => value !== null && value > 0));
}

function coverage({ series }: Growth): Line[] {
  const covered = sums(series.map((one) => one.covered));
  const connected = sums(series.map((one) => one.connected));
  return [
    { key: 'covered', name: 'seen in full', colour: 'var(--orx-palette-orx-well)', values: covered },
    { key: 'partial', name: 'seen in part', colour: 'var(--orx-palette-orx-warn)', values: connected.map((value, place) => (value === null ? null : value - (covered[place] ?? 0))) },
    { key: 'unreachable', name: 'unreachable', colour: 'var(--orx-palette-orx-bad)', values: sums(series.map((one) => one.unreachable)) },
    { key: 'unwatched', name: 'without an agent', colour: IDLE, values: sums(series.map((one) => one.unwatched)) },
  ];
}
