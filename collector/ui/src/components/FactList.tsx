import { Box, Typography } from '@mui/material';
import type { ReactNode } from 'react';

import { Name, Unknown } from './Name';

export interface Fact {
  label: string;
  value: ReactNode;
  /** Said when it is not known. */
  why?: string;
}

/** What is known of something, and what is not. */
export function FactList({ title, facts }: { title?: string; facts: Fact[] }) {
  return (
    <Box component="section" sx={{ '& + &': { mt: 5 } }}>
      {title && (
        <Typography variant="h3" sx={{ mb: 1.5 }}>
          {title}
        </Typography>
      )}
      <Box component="dl" sx={{ m: 0, display: 'grid', gridTemplateColumns: 'minmax(100px, 34%) 1fr', columnGap: 3 }}>
        {facts.map(({ label, value, why }) => (
          <Box key={label} sx={{ display: 'contents', '& > *': { py: 0.9, borderBottom: '1px solid', borderColor: 'divider' } }}>
            <Box component="dt" sx={{ color: 'text.secondary' }}>
              {label}
            </Box>
            <Box component="dd" sx={{ m: 0, minWidth: 0, overflowWrap: 'anywhere' }}>
              {value === null || value === undefined || value === '' ? <Unknown why={why} /> : typeof value === 'string' ? <Name text={value} wrap /> : value}
            </Box>
          </Box>
        ))}
      </Box>
    </Box>
  );
}
