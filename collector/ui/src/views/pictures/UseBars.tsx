import { Box } from '@mui/material';

import { hueOf } from '../../components/EnvironmentBadge';
import { visible } from '../../format/text';
import { bytes, count, percent } from '../../format/units';
import type { EnvironmentUse } from './byEnvironment';

export function UseBars({ environments }: { environments: EnvironmentUse[] }) {
  const most = Math.max(...environments.map((use) => use.capacityBytes), 1);
  return (
    <Box sx={{ display: 'grid', gap: 2.5 }}>
      {environments.map((use) => (
        <Box key={use.code}>
          <Box sx={{ display: 'flex', gap: 2, fontSize: 12, mb: 0.5 }}>
            <Box component="bdi" sx={{ fontWeight: 560, minWidth: 0, overflow: 'hidden', textOverflow: 'ellipsis' }}>
              {visible(use.code)}
            </Box>
            <Box sx={{ color: 'text.secondary', flex: 1, textAlign: 'right', whiteSpace: 'nowrap' }}>
              {use.capacityBytes > 0 ? `${percent(use.memoryBytes, use.capacityBytes)} of ${bytes(use.capacityBytes)}` : '?'}
            </Box>
          </Box>
          <Box role="img" aria-label={`${use.code}: ${use.capacityBytes > 0 ? percent(use.memoryBytes, use.capacityBytes) : 'not measured'}`} sx={{ height: 10, borderRadius: 1, bgcolor: 'action.hover', overflow: 'hidden', border: '1px solid', borderColor: 'divider' }} style={{ width: `${Math.max(2, (use.capacityBytes / most) * 100)}%` }}>
            <Box sx={{ height: 1 }} style={{ width: `${use.capacityBytes > 0 ? (use.memoryBytes / use.capacityBytes) * 100 : 0}%`, background: use.id === null ? 'var(--orx-palette-orx-unknown)' : hueOf(use.id) }} />
          </Box>
          <Box sx={{ fontSize: 11, color: 'text.secondary' }}>
            {count(use.computes)} computes{use.unmeasured > 0 && `, ${count(use.unmeasured)} of them not measured`}
          </Box>
        </Box>
      ))}
    </Box>
  );
}
