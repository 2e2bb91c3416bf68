import type { Allocation } from '../api/environments';
import { visible } from '../format/text';
import { hueOf } from './EnvironmentBadge';

const shown = (percent: number | null | undefined): string => (percent === null || percent === undefined ? '?' : `${Number(percent.toFixed(1))} %`);

interface Part {
  key: string;
  label: string;
  percent: number;
  /** The environment's; absent for what none claims. */
  hue?: string;
}

function partsOf(allocation: Allocation): Part[] {
  const parts: Part[] = allocation.shares
    .filter((share) => share.measured !== null && share.measured > 0)
    .map((share) => ({ key: share.code, label: visible(share.code), percent: share.measured ?? 0, hue: hueOf(share.environmentId) }));
  if (allocation.unclaimed) parts.push({ key: 'unclaimed', label: 'no environment', percent: allocation.unclaimed });
  return parts;
}

/** The parts in words: they sum to all of it. */
export function partsText(allocation: Allocation | null): string {
  if (!allocation || allocation.idle === null) return 'nothing was measured yet';
  return [...partsOf(allocation).map((part) => `${part.label} ${shown(part.percent)}`), `idle ${shown(allocation.idle)}`].join(', ');
}

/** How a resource is shared out, as one bar. Nothing measured is an empty outline, never a bar that is all idle. */
export function AllocationStrip({ allocation }: { allocation: Allocation | null }) {
  const text = partsText(allocation);
  const measured = allocation !== null && allocation.idle !== null;
  return (
    <span className={measured ? 'strip' : 'strip none'} role="img" aria-label={text} data-hint={text}>
      {measured &&
        partsOf(allocation).map((part) => <span key={part.key} className={part.hue ? undefined : 'unclaimed'} style={{ width: `${part.percent}%`, background: part.hue }} />)}
    </span>
  );
}

/** How a resource is shared out, as measured: environments, what none claims, and what is idle; the parts sum to all of it. */
export function AllocationBar({ allocation }: { allocation: Allocation }) {
  const { unmeasuredWorkloads, unmeasuredComputes, computes } = allocation;
  return (
    <>
      <AllocationStrip allocation={allocation} />
      <table className="figures">
        <thead>
          <tr>
            <th scope="col">Environment</th>
            <th scope="col">Measured</th>
            <th scope="col">Declared</th>
            <th scope="col">Workloads</th>
          </tr>
        </thead>
        <tbody>
          {allocation.shares.map((share) => (
            <tr key={share.environmentId}>
              <td>
                <i className="swatch" style={{ background: hueOf(share.environmentId) }} /> <bdi>{visible(share.code)}</bdi>
              </td>
              <td>{shown(share.measured)}</td>
              <td>{share.declared === null ? <span className="quiet">not declared</span> : shown(share.declared)}</td>
              <td>{share.workloads ?? '?'}</td>
            </tr>
          ))}
          <tr>
            <td>Claimed by no environment</td>
            <td>{shown(allocation.unclaimed)}</td>
            <td />
            <td>{allocation.unclaimedWorkloads ?? '?'}</td>
          </tr>
          <tr>
            <td>Idle</td>
            <td>{shown(allocation.idle)}</td>
            <td />
            <td />
          </tr>
        </tbody>
      </table>
      {(unmeasuredWorkloads ?? 0) > 0 && <p className="quiet small">Of {unmeasuredWorkloads} workloads neither use nor a limit is known; they count nothing.</p>}
      {unmeasuredComputes > 0 && computes > 1 && (
        <p className="quiet small">
          {unmeasuredComputes} of {computes} computes were not measured and are not in these shares.
        </p>
      )}
    </>
  );
}
