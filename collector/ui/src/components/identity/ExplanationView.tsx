import { Box, Typography } from '@mui/material';

import type { Explanation, MatchDecision } from '../../api/identity';
import { fieldName, visible } from '../../format/text';
import { Age } from '../Age';
import { CopyButton } from '../CopyButton';
import { Name } from '../Name';
import { FitCard, Reasons } from './FitCard';

const OUTCOMES: Record<string, string> = { EXISTING: 'A compute that was there', NEW: 'A new compute', UNDECIDED: 'Left to a person' };

/** Why a host is the compute that it is: what it showed, what of that counts for nothing, and who else it could be. */
export function ExplanationView({ explanation }: { explanation: Explanation }) {
  const [latest, ...earlier] = explanation.decisions;
  return (
    <Box component="section">
      <Typography variant="h3" sx={{ mb: 1 }}>
        Why it is this one
      </Typography>
      <Box sx={{ mb: 3 }}>{visible(explanation.summary)}</Box>
      {latest && <DecisionView decision={latest} />}
      {earlier.length > 0 && (
        <Box component="details" sx={{ mt: 3 }}>
          <Box component="summary" sx={{ cursor: 'pointer', lineHeight: '24px', color: 'text.secondary' }}>
            Earlier decisions: {earlier.length}
          </Box>
          <Box sx={{ display: 'grid', gap: 4, mt: 2, pl: 3, borderLeft: 2, borderColor: 'divider' }}>
            {earlier.map((decision) => (
              <DecisionView key={decision.id} decision={decision} />
            ))}
          </Box>
        </Box>
      )}
    </Box>
  );
}

function DecisionView({ decision }: { decision: MatchDecision }) {
  const { candidates = [], ignored = [], shown = [] } = decision.explanation;
  return (
    <Box sx={{ display: 'grid', gap: 3 }}>
      <Box sx={{ color: 'text.secondary', fontSize: 12 }}>
        {OUTCOMES[decision.outcome] ?? decision.outcome}, decided <Age at={decision.decidedAt} /> by {decision.actorKind === 'person' ? <>a person, <Name text={decision.actorId} /></> : 'what the host showed'}
      </Box>
      {candidates.length === 0 ? (
        <Box sx={{ color: 'text.secondary' }}>No compute of the inventory shared anything with it.</Box>
      ) : (
        candidates.map((fit) => <FitCard key={fit.computeId} fit={fit} />)
      )}
      {shown.length > 0 && <Box sx={{ color: 'text.secondary', fontSize: 12, mb: -2 }}>What the host showed</Box>}
      {shown.length > 0 && (
        <Box component="dl" aria-label="What the host showed" sx={{ m: 0, display: 'grid', gridTemplateColumns: 'minmax(110px, 30%) 1fr', rowGap: 0.5 }}>
          {shown.map((fact) => (
            <Box key={`${fact.evidence}${fact.content}`} sx={{ display: 'contents' }}>
              <Box component="dt" sx={{ color: 'text.secondary' }}>
                {fieldName(fact.evidence)}
              </Box>
              <Box component="dd" sx={{ m: 0, minWidth: 0, display: 'flex', alignItems: 'center' }}>
                <Name text={fact.content} mono />
                <CopyButton text={fact.content} />
              </Box>
            </Box>
          ))}
        </Box>
      )}
      {ignored.length > 0 && (
        <Box>
          <Box sx={{ color: 'text.secondary', fontSize: 12 }}>Counted for nothing</Box>
          <Reasons reasons={ignored} speaks="against" />
        </Box>
      )}
    </Box>
  );
}
