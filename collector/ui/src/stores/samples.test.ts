import { describe, expect, it } from 'vitest';

import type { Growth, UseOverTime } from '../api/samples';
import { nearest, runs } from '../components/chart/runs';
import { linesOfGrowth, timesOf, linesOfUse } from '../views/pictures/lines';
import { SamplesStore, SPANS } from './samples';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = Date.parse('2026-05-01T12:00:00Z');

const used: UseOverTime = {
  times: ['2026-05-01T11:30:00Z', '2026-05-01T11:45:00Z'],
  series: [
    { part: 'environment', environmentId: 3, code: 'PROD', name: 'Production', computes: [1, null], cpuMillicores: [2_000, null], memoryBytes: [100, null] },
    { part: 'environment', environmentId: 9, code: null, name: null, computes: [1, 1], cpuMillicores: [1, 2], memoryBytes: [3, 4] },
    { part: 'unclaimed', environmentId: null, code: null, name: null, computes: [0, 0], cpuMillicores: [0, 0], memoryBytes: [0, 0] },
    { part: 'idle', environmentId: null, code: null, name: null, computes: [1, 1], cpuMillicores: [500, 600], memoryBytes: [50, 60] },
  ],
};

const place = (partnerId: number | null, name: string | null, computes: (number | null)[], covered: (number | null)[]) => ({
  partnerId,
  name,
  computes,
  connected: computes,
  covered,
  unreachable: computes.map(() => 0),
  unwatched: computes.map(() => 1),
  workloads: computes.map(() => 0),
});
const grown: Growth = { times: used.times, series: [place(1, 'self', [4, 5], [3, 5]), place(null, null, [null, 2], [null, 1])] };

describe('the inventory over time', () => {
  it('is read up to the time that is looked at', async () => {
    const asked: [number, number][] = [];
    const store = new SamplesStore({
      use: (since, until) => {
        asked.push([since, until]);
        return Promise.resolve(used);
      },
      growth: () => Promise.reject(new Error('the database does not answer')),
    });
    await store.show('day', NOW);
    expect(asked).toEqual([[NOW - SPANS.day, NOW]]);
    expect([store.since, store.until]).toEqual([NOW - DAY, NOW]);
    expect(store.use.value).toBe(used);
    expect(store.growth.state).toBe('failed');
  });

  it('shows environments, what none of them claims, and what is idle', () => {
    expect(timesOf(used)).toEqual([NOW - 30 * MINUTE, NOW - 15 * MINUTE]);
    expect(linesOfUse(used, 'memory').map(({ name, values }) => [name, values])).toEqual([
      ['PROD', [100, null]],
      ['environment 9, deleted', [3, 4]],
      ['unclaimed', [0, 0]],
      ['idle', [50, 60]],
    ]);
    expect(linesOfUse(used, 'cores')[0]?.values).toEqual([2_000, null]);
  });

  it('counts by partner, and tells how much was seen', () => {
    expect(linesOfGrowth(grown, 'computes').map(({ name, values }) => [name, values])).toEqual([
      ['self', [4, 5]],
      ['in no place', [null, 2]],
    ]);
    expect(linesOfGrowth(grown, 'workloads')).toEqual([]);
    expect(linesOfGrowth(grown, 'coverage').map(({ name, values }) => [name, values])).toEqual([
      ['seen in full', [3, 6]],
      ['seen in part', [1, 1]],
      ['unreachable', [0, 0]],
      ['without an agent', [2, 2]],
    ]);
  });
});

describe('a line over time', () => {
  it('is broken where nobody looked', () => {
    const recent = [60, 45, 15, 0].map((minutes) => NOW - minutes * MINUTE);
    expect(runs(recent, NOW)).toEqual([[0, 3]]);
    expect(runs([NOW - 2 * HOUR, NOW - HOUR, NOW], NOW)).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
    ]);
    const old = [5 * DAY, 5 * DAY - HOUR, 5 * DAY - 2 * HOUR, 4 * DAY].map((age) => NOW - age);
    expect(runs(old, NOW)).toEqual([
      [0, 2],
      [3, 3],
    ]);
    const oldest = [90 * DAY, 89 * DAY, 88 * DAY].map((age) => NOW - age);
    expect(runs(oldest, NOW)).toEqual([[0, 2]]);
    expect(runs([], NOW)).toEqual([]);
  });

  it('is told of at the nearest time', () => {
    expect(nearest([10, 20, 40], 29)).toBe(1);
    expect(nearest([10, 20, 40], 31)).toBe(2);
    expect(nearest([], 31)).toBeNull();
  });
});
