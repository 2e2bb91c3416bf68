// Where a line over time is broken: nobody knows what there was while nobody looked.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How far samples are apart, by their age: the collector keeps fewer of older ones. */
const expected = (age: number): number => (age > 59 * DAY ? DAY : age > 2 * DAY - HOUR ? HOUR : 15 * MINUTE);

/** Stretches of samples that follow one another: first and last place of each. One missing sample is no gap. */
export function runs(times: number[], now: number): [first: number, last: number][] {
  const found: [number, number][] = [];
  times.forEach((at, place) => {
    const before = times[place - 1];
    const run = found.at(-1);
    if (run && before !== undefined && at - before <= 2.2 * expected(now - before)) run[1] = place;
    else found.push([place, place]);
  });
  return found;
}

/** The place of the time that is nearest; `null` when there is none. */
export function nearest(times: number[], at: number): number | null {
  let best: number | null = null;
  times.forEach((time, place) => {
    if (best === null || Math.abs(time - at) < Math.abs((times[best] ?? 0) - at)) best = place;
  });
  return best;
}
