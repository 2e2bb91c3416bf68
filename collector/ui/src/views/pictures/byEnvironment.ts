// What each environment uses, from its computes: a shared one counts by the shares, and what nobody measured is counted
// apart.

import type { ComputeSummary } from '../../api/inventory';

export interface EnvironmentUse {
  id: number | null;
  code: string;
  computes: number;
  memoryBytes: number;
  capacityBytes: number;
  unmeasured: number;
}

const GIB = 1_073_741_824;
const NONE = 'no environment';

export function byEnvironment(computes: ComputeSummary[]): EnvironmentUse[] {
  const found = new Map<string, EnvironmentUse>();
  const of = (id: number | null, code: string): EnvironmentUse => {
    const known = found.get(code) ?? { id, code, computes: 0, memoryBytes: 0, capacityBytes: 0, unmeasured: 0 };
    found.set(code, known);
    return known;
  };
  for (const compute of computes) {
    const badges = compute.environments;
    const shares = badges.length === 0 ? [{ id: null, code: NONE, part: 1 }] : badges.map((badge) => ({ id: badge.id, code: badge.code, part: partOf(badge.share, badges.length) }));
    for (const { id, code, part } of shares) {
      const use = of(id, code);
      use.computes += 1;
      if (compute.memoryBytes === null || compute.memoryBytes === undefined || !compute.memoryGb) use.unmeasured += 1;
      else {
        use.memoryBytes += compute.memoryBytes * part;
        use.capacityBytes += compute.memoryGb * GIB * part;
      }
    }
  }
  return [...found.values()].sort((one, other) => Number(one.id === null) - Number(other.id === null) || other.capacityBytes - one.capacityBytes);
}

/** A share that nobody knows counts as an even part. */
const partOf = (share: number | null | undefined, among: number): number => (share === null || share === undefined ? 1 / among : share / 100);
