import { Box, Tooltip } from '@mui/material';

import type { Allocation } from '../api/environments';
import { visible } from '../format/text';
import { hueOf } from './EnvironmentBadge';

const shown = (percent: number | null | undefined): string => (percent === null || percent === undefined ? '?' : `${Number(percent.toFixed(1))} %`);

interface Part {
  key: string;
  label: string;
  percent: number;
  colour: string;
  pattern?: boolean;
}

function partsOf(allocation: Allocation): Part[] {
  const parts: Part[] = allocation.shares
    .filter((share) => share.measured !== null && share.measured > 0)
    .map((share) => ({ key: share.code, label: visible(share.code), percent: share.measured ?? 0, colour: hueOf(share.environmentId) }));
  if (allocation.unclaimed) parts.push({ key: 'unclaimed', label: 'no environment', percent: allocation.unclaimed, colour: 'var(--orx-palette-orx-unknown)', pattern: true });
  return parts;
}

/** How a resource is shared out, as measured: environments, what none claims, and what is idle; the parts sum to all of it. */
export function AllocationBar({ allocation }: { allocation: Allocation }) {
  const measured = allocation.idle !== null;
  const parts = partsOf(allocation);
  return (
    <Box>
      <Box
        role="img"
        aria-label={measured ? [...parts.map((part) => `${part.label} ${shown(part.percent)}`), `idle ${shown(allocation.idle)}`].join(', ') : 'nothing was measured yet'}
        sx={{ display: 'flex', height: 14, borderRadius: 1, overflow: 'hidden', bgcolor: measured ? 'action.hover' : 'transparent', border: '1px solid', borderStyle: measured ? 'solid' : 'dashed', borderColor: 'divider' }}
      >
        {parts.map((part) => (
          <Tooltip key={part.key} describeChild title={`${part.label}: ${shown(part.percent)}`}>
            <Box style={{ width: `${part.percent}%`, background: part.pattern ? `repeating-linear-gradient(45deg, ${part.colour} 0 3px, transparent 3px 6px)` : part.colour }} sx={{ borderRight: '1px solid', borderColor: 'background.paper' }} />
          </Tooltip>
        ))}
      </Box>
      <Box component="table" sx={{ width: 1, mt: 2, borderCollapse: 'collapse', fontSize: 12, '& td, & th': { py: 0.6, textAlign: 'right', fontWeight: 400, borderBottom: '1px solid', borderColor: 'divider' }, '& td:first-of-type, & th:first-of-type': { textAlign: 'left' } }}>
        <thead>
          <Box component="tr" sx={{ color: 'text.secondary', fontSize: 11 }}>
            <th scope="col">Environment</th>
            <th scope="col">Measured</th>
            <th scope="col">Declared</th>
            <th scope="col">Workloads</th>
          </Box>
        </thead>
        <tbody>
          {allocation.shares.map((share) => (
            <tr key={share.environmentId}>
              <td>
                <Box component="span" sx={{ display: 'inline-block', width: 8, height: 8, borderRadius: '2px', mr: 2 }} style={{ background: hueOf(share.environmentId) }} />
                <bdi>{visible(share.code)}</bdi>
              </td>
              <td>{shown(share.measured)}</td>
              <td>{share.declared === null ? <Box component="span" sx={{ color: 'text.secondary' }}>not declared</Box> : shown(share.declared)}</td>
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
      </Box>
      {(allocation.unmeasuredWorkloads ?? 0) > 0 && <Box sx={{ mt: 1, fontSize: 12, color: 'text.secondary' }}>Of {allocation.unmeasuredWorkloads} workloads neither use nor a limit is known; they count nothing.</Box>}
      {allocation.unmeasuredComputes > 0 && allocation.computes > 1 && <Box sx={{ mt: 1, fontSize: 12, color: 'text.secondary' }}>{allocation.unmeasuredComputes} of {allocation.computes} computes were not measured and are not in these shares.</Box>}
    </Box>
  );
}
