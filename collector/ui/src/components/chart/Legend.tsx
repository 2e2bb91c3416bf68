import { Box } from '@mui/material';

import { visible } from '../../format/text';
import type { Line } from './TimeChart';

interface Props {
  /** The time that is told of; `null` when there is none. */
  at: string | null;
  lines: Line[];
  place: number;
  total: number | null;
  text: (value: number) => string;
}

/** The names of the parts with what each had at the time that is chosen, the uppermost first. */
export function Legend({ at, lines, place, total, text }: Props) {
  return (
    <Box sx={{ fontSize: 12, mt: 2 }}>
      <Box sx={{ color: 'text.secondary', mb: 1 }}>{at ?? 'no sample yet'}</Box>
      <Box component="dl" sx={{ m: 0, display: 'grid', gridTemplateColumns: 'repeat(auto-fill, minmax(170px, 1fr))', columnGap: 5, rowGap: 0.5 }}>
        {[...lines].reverse().map((line) => {
          const value = line.values[place];
          return (
            <Box key={line.key} sx={{ display: 'flex', gap: 2, minWidth: 0, alignItems: 'center' }}>
              <Box component="dt" sx={{ display: 'flex', gap: 1.5, alignItems: 'center', minWidth: 0, flex: 1 }}>
                <i className="swatch" style={{ background: line.colour, flexShrink: 0 }} />
                <Box component="bdi" sx={{ overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }}>
                  {visible(line.name)}
                </Box>
              </Box>
              <Box component="dd" sx={{ m: 0, fontVariantNumeric: 'tabular-nums', whiteSpace: 'nowrap' }}>
                {value === null || value === undefined ? '–' : text(value)}
              </Box>
            </Box>
          );
        })}
        {lines.length > 1 && total !== null && (
          <Box sx={{ display: 'flex', gap: 2, fontWeight: 560 }}>
            <Box component="dt" sx={{ flex: 1 }}>
              together
            </Box>
            <Box component="dd" sx={{ m: 0 }}>
              {text(total)}
            </Box>
          </Box>
        )}
      </Box>
    </Box>
  );
}
