import { Box, Typography } from '@mui/material';
import type { ReactNode } from 'react';

import { Name, Unknown } from './Name';

export interface Fact {
  label: string;
  value: ReactNode;
  /** Said when it is not known. */
  why?: string;
}

interface Props {
  title?: string;
  facts: Fact[];
  /** Tells what is not known in one line at the end, instead of in a line each. */
  fold?: boolean;
}

const isKnown = ({ value }: Fact): boolean => value !== null && value !== undefined && value !== '';

/** What is known of something, and what is not. */
export function FactList({ title, facts: all, fold = false }: Props) {
  const unknown = fold ? all.filter((fact) => !isKnown(fact)) : [];
  const facts: Fact[] = unknown.length < 2 ? all : [...all.filter(isKnown), { label: 'Not known', value: <span className="quiet">{unknown.map((fact) => fact.label).join(', ')}</span> }];
  return (
    <Box component="section" sx={{ '& + &': { mt: 5 } }}>
      {title && (
        <Typography variant="h3" sx={{ mb: 1.5 }}>
          {title}
        </Typography>
      )}
      <Box component="dl" sx={{ m: 0, display: 'grid', gridTemplateColumns: 'minmax(100px, 34%) 1fr', }}>
        {facts.map(({ label, value, why }) => (
          <Box key={label} sx={{ display: 'contents', '& > *': { py: 0.9, borderBottom: '1px solid', borderColor: 'divider' } }}>
            <Box component="dt" sx={{ color: 'text.secondary', pr: 3 }}>
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
