import { Box } from '@mui/material';

import { fieldName, visible } from '../format/text';

const text = (value: unknown): string => (value === null || value === undefined ? 'unknown' : typeof value === 'string' ? visible(value) : JSON.stringify(value));
const record = (value: unknown): Record<string, unknown> => (value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : {});

const MOST = 12;

/** What was, and what is, field by field. */
export function Difference({ before, after }: { before: unknown; after: unknown }) {
  const [was, is] = [record(before), record(after)];
  const changed = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter((name) => JSON.stringify(was[name]) !== JSON.stringify(is[name]));
  if (changed.length === 0) return null;
  return (
    <Box component="dl" sx={{ m: 0, mt: 1, display: 'grid', gridTemplateColumns: 'minmax(80px, 28%) 1fr', columnGap: 3, rowGap: 0.5, fontSize: 12 }}>
      {changed.slice(0, MOST).map((name) => (
        <Box key={name} sx={{ display: 'contents' }}>
          <Box component="dt" sx={{ color: 'text.secondary' }}>
            {fieldName(name)}
          </Box>
          <Box component="dd" sx={{ m: 0, minWidth: 0, overflowWrap: 'anywhere' }}>
            {name in was && <Box component="del" sx={{ color: 'text.secondary', mr: 2 }}><bdi>{text(was[name]).slice(0, 300)}</bdi></Box>}
            {name in is && <Box component="ins" sx={{ textDecoration: 'none', fontWeight: 500 }}><bdi>{text(is[name]).slice(0, 300)}</bdi></Box>}
          </Box>
        </Box>
      ))}
      {changed.length > MOST && <Box sx={{ gridColumn: '1 / 3', color: 'text.secondary' }}>and {changed.length - MOST} more</Box>}
    </Box>
  );
}
