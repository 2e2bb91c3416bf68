import { Box, Tooltip } from '@mui/material';

import { NOT_KNOWN, percent } from '../format/units';

interface Props {
  /** What is used. */
  part: number | null | undefined;
  /** Of how much. */
  whole: number | null | undefined;
  /** What it is, for the tooltip. */
  label: string;
  width?: number | string;
}

/** Use of something as a bar and a number. Unknown is an empty outline and a question mark, never a bar of length zero. */
export function Meter({ part, whole, label, width = 46 }: Props) {
  const share = part !== null && part !== undefined && whole ? Math.min(1, part / whole) : null;
  const colour = share === null ? 'divider' : share > 0.9 ? 'orx.bad' : share > 0.75 ? 'orx.warn' : 'orx.accent';
  const text = percent(part, whole);
  return (
    <Tooltip title={text === NOT_KNOWN ? `${label}: not known` : `${label}: ${text}`}>
      <Box component="span" sx={{ display: 'inline-flex', alignItems: 'center', gap: 1.5, width: '100%' }}>
        <Box
          component="span"
          sx={{ width, height: 6, borderRadius: 3, bgcolor: share === null ? 'transparent' : 'divider', border: share === null ? '1px dashed' : 0, borderColor: 'text.secondary', overflow: 'hidden', flexShrink: 0 }}
        >
          {share !== null && <Box component="span" sx={{ display: 'block', height: 1, width: `${Math.max(2, share * 100)}%`, bgcolor: colour }} />}
        </Box>
        <Box component="span" sx={{ fontSize: 12, color: 'text.secondary', minWidth: 34, textAlign: 'right' }}>
          {text}
        </Box>
      </Box>
    </Tooltip>
  );
}
