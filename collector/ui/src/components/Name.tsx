import { Box, Tooltip } from '@mui/material';

import { visible } from '../format/text';

/** A name that a host chose: text in its own direction, cut where the room ends, whole in the tooltip. */
export function Name({ text, mono = false, wrap = false }: { text: string | null | undefined; mono?: boolean; wrap?: boolean }) {
  if (text === null || text === undefined || text === '') return <Unknown />;
  const shown = visible(text);
  const body = (
    <Box
      component="bdi"
      sx={{
        display: wrap ? 'inline' : 'inline-block',
        maxWidth: '100%',
        overflow: 'hidden',
        textOverflow: 'ellipsis',
        whiteSpace: wrap ? 'normal' : 'nowrap',
        overflowWrap: 'anywhere',
        verticalAlign: 'bottom',
        ...(mono && { fontFamily: 'var(--mono)', fontSize: '0.94em' }),
      }}
    >
      {shown}
    </Box>
  );
  return shown.length > 28 && !wrap ? <Tooltip title={<bdi>{shown.slice(0, 1_000)}</bdi>}>{body}</Tooltip> : body;
}

/** What is not known: never a zero, never left out. */
export function Unknown({ why }: { why?: string }) {
  const mark = (
    <Box component="span" sx={{ color: 'text.secondary' }} aria-label={why ?? 'not known'}>
      ?
    </Box>
  );
  return why ? <Tooltip title={why}>{mark}</Tooltip> : mark;
}
