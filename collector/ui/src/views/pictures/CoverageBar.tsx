import { Box } from '@mui/material';

import type { ComputeSummary } from '../../api/inventory';
import { type Meaning, StatusMark } from '../../components/Status';
import { count, percent } from '../../format/units';

const PARTS: { name: string; is: Meaning; colour: string; fits: (compute: ComputeSummary) => boolean }[] = [
  { name: 'seen in full', is: 'well', colour: 'orx.well', fits: (compute) => compute.connected === true && compute.troubledSources.length === 0 },
  { name: 'seen in part', is: 'warn', colour: 'orx.warn', fits: (compute) => compute.connected === true && compute.troubledSources.length > 0 },
  { name: 'unreachable', is: 'bad', colour: 'orx.bad', fits: (compute) => compute.connected === false },
  { name: 'without an agent', is: 'unknown', colour: 'divider', fits: (compute) => compute.connected === null || compute.connected === undefined },
];

export function CoverageBar({ computes }: { computes: ComputeSummary[] }) {
  const parts = PARTS.map((part) => ({ ...part, number: computes.filter(part.fits).length }));
  return (
    <>
      <Box aria-hidden sx={{ display: 'flex', height: 14, borderRadius: 1, overflow: 'hidden', bgcolor: 'action.hover', mb: 2 }}>
        {parts.map((part) => (
          <Box key={part.name} sx={{ bgcolor: part.colour }} style={{ width: `${(part.number / Math.max(1, computes.length)) * 100}%` }} />
        ))}
      </Box>
      <Box component="dl" sx={{ m: 0, display: 'grid', gridTemplateColumns: '1fr auto auto', columnGap: 4, rowGap: 0.5, fontSize: 12 }}>
        {parts.map((part) => (
          <Box key={part.name} sx={{ display: 'contents' }}>
            <Box component="dt" sx={{ display: 'flex', gap: 2, alignItems: 'center' }}>
              <StatusMark is={part.is} />
              {part.name}
            </Box>
            <Box component="dd" sx={{ m: 0, textAlign: 'right' }}>
              {count(part.number)}
            </Box>
            <Box component="dd" sx={{ m: 0, textAlign: 'right', color: 'text.secondary' }}>
              {percent(part.number, computes.length)}
            </Box>
          </Box>
        ))}
      </Box>
    </>
  );
}
