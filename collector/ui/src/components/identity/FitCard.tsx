import { Box } from '@mui/material';
import type { ReactNode } from 'react';

import type { Fit } from '../../api/identity';
import { visible } from '../../format/text';
import { Go } from '../Go';
import { Icon } from '../Icon';
import { Name } from '../Name';

const VERDICTS: Record<Fit['verdict'], string> = { taken: 'it is this one', possible: 'it may be this one', rejected: 'it is not this one' };

/** A compute that a host may be, with what speaks for it and what against. */
export function FitCard({ fit, children }: { fit: Fit; children?: ReactNode }) {
  return (
    <Box component="article" aria-label={`Candidate ${visible(fit.name)}`} sx={{ border: 1, borderColor: 'divider', borderRadius: 1, p: 3 }}>
      <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 2, alignItems: 'center' }}>
        <Box sx={{ minWidth: 0, fontWeight: 560 }}>
          <Go to={`/infrastructure/compute/${fit.computeId}`}>
            <Name text={fit.name} />
          </Go>
        </Box>
        <span className={`verdict ${fit.verdict}`}>{VERDICTS[fit.verdict]}</span>
        <Box sx={{ flex: 1 }} />
        {children}
      </Box>
      {fit.reason !== '' && <Box sx={{ color: 'text.secondary', mt: 1, overflowWrap: 'anywhere' }}>{visible(fit.reason)}</Box>}
      <Reasons reasons={fit.why} speaks="for" />
      <Reasons reasons={fit.whyNot} speaks="against" />
    </Box>
  );
}

export function Reasons({ reasons = [], speaks }: { reasons: Fit['why']; speaks: 'for' | 'against' }) {
  if (reasons.length === 0) return null;
  return (
    <Box component="ul" aria-label={speaks === 'for' ? 'Speaks for it' : 'Speaks against it'} sx={{ listStyle: 'none', m: 0, mt: 1.5, p: 0, display: 'grid', gap: 0.75 }}>
      {reasons.map((reason, index) => (
        <Box component="li" key={index} className={`reason ${speaks}`}>
          <Icon name={speaks === 'for' ? 'check' : 'close'} size={14} />
          <bdi>{visible(reason.text)}</bdi>
        </Box>
      ))}
    </Box>
  );
}
