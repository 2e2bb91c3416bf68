import { Box } from '@mui/material';

import { visible } from '../format/text';

/** JSON as it is, folded below `open` levels. */
export function JsonTree({ value, name, open = 0 }: { value: unknown; name?: string; open?: number }) {
  const label = name !== undefined && (
    <Box component="span" sx={{ color: 'text.secondary' }}>
      {visible(name)}:{' '}
    </Box>
  );
  if (value === null || typeof value !== 'object') {
    return (
      <Box sx={{ fontFamily: 'var(--mono)', fontSize: 12, overflowWrap: 'anywhere', pl: 4 }}>
        {label}
        <bdi>{value === null || value === undefined ? 'null' : typeof value === 'string' ? visible(value) : JSON.stringify(value)}</bdi>
      </Box>
    );
  }
  const entries = Object.entries(value as Record<string, unknown>);
  const size = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  return (
    <Box component="details" open={open > 0} sx={{ fontFamily: 'var(--mono)', fontSize: 12, pl: 4, '& > summary': { cursor: 'pointer', ml: -3.5, width: 'fit-content', minWidth: 40, lineHeight: '24px' } }}>
      <summary>
        {label}
        <Box component="span" sx={{ color: 'text.secondary' }}>
          {size}
        </Box>
      </summary>
      {entries.map(([key, member]) => (
        <JsonTree key={key} name={key} value={member} open={open - 1} />
      ))}
    </Box>
  );
}
