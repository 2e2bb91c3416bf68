import { Box, Button, Typography } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useState } from 'react';

import { type Match, resolveMatch } from '../../api/automation';
import type { Fit } from '../../api/identity';
import { Age } from '../../components/Age';
import { Confirm } from '../../components/Confirm';
import { FitCard } from '../../components/identity/FitCard';
import { JsonTree } from '../../components/JsonTree';
import { Name } from '../../components/Name';
import { Empty, Failure, Waiting } from '../../components/Notice';
import { Status } from '../../components/Status';
import { visible } from '../../format/text';
import { useStores } from '../../stores/root';

type Choice = { match: Match; candidate: Fit | null };

/** Hosts of which nobody but a person can say which compute they are. */
export const MatchesPanel = observer(function MatchesPanel() {
  const { automation, session, toast } = useStores();
  const [choice, setChoice] = useState<Choice | null>(null);
  const { matches } = automation;
  if (matches.state === 'failed' && !matches.value) return <Failure error={matches.error} retry={() => void automation.read('matches')} />;
  if (!matches.value) return <Waiting />;
  if (matches.value.length === 0) {
    return (
      <Empty icon="merge" title="Nothing waits for you">
        A host that fits several computes, or none well enough, is not guessed: it waits here for a person.
      </Empty>
    );
  }
  const run = async () => {
    if (!choice) return;
    await resolveMatch(choice.match.id, choice.candidate ? { computeId: choice.candidate.computeId } : { new: true });
    toast.tell(choice.candidate ? `It is ${visible(choice.candidate.name)}.` : 'It gets a compute of its own.');
    await automation.read('matches');
  };
  return (
    <Box tabIndex={0} role="region" aria-label="Match queue" sx={{ flex: 1, overflow: 'auto', p: 4, display: 'grid', gap: 4, alignContent: 'start' }}>
      {matches.value.map((match) => (
        <MatchCard key={match.id} match={match} may={session.may('operator')} onChoose={(candidate) => setChoice({ match, candidate })} />
      ))}
      {choice && (
        <Confirm title={choice.candidate ? `It is ${visible(choice.candidate.name)}?` : 'It is a new compute?'} action="Decide" run={run} onClose={() => setChoice(null)}>
          {choice.candidate
            ? 'The compute keeps its row and its history; from now on this agent speaks for it.'
            : 'A new compute is made for this host; the candidates stay as they are.'}
        </Confirm>
      )}
    </Box>
  );
});

function MatchCard({ match, may, onChoose }: { match: Match; may: boolean; onChoose: (candidate: Fit | null) => void }) {
  const open = match.state === 'OPEN';
  const candidates = (match.candidates ?? []) as unknown as Fit[];
  return (
    <Box component="section" aria-label={`Match of ${match.hostname ?? match.agentId}`} sx={{ border: 1, borderColor: 'divider', borderRadius: 2, bgcolor: 'background.paper', p: 4 }}>
      <Box sx={{ display: 'flex', gap: 3, alignItems: 'baseline', mb: 2 }}>
        <Typography variant="h2" component="h2" sx={{ minWidth: 0 }}>
          <Name text={match.hostname ?? match.agentId} />
        </Typography>
        <Status status={open ? 'open' : 'resolved'} shown={open ? 'waits for a decision' : `decided: ${match.resolution ?? ''}`} />
        <Box sx={{ flex: 1 }} />
        <Box sx={{ color: 'text.secondary' }}>
          <Age at={match.createdAt} />
        </Box>
      </Box>
      {match.machine !== null && match.machine !== undefined && <JsonTree name="What the host showed" value={match.machine} />}
      <Box sx={{ mt: 3, display: 'grid', gap: 2 }}>
        {candidates.map((candidate) => (
          <FitCard key={candidate.computeId} fit={candidate}>
            {open && may && (
              <Button variant="outlined" onClick={() => onChoose(candidate)}>
                It is this one
              </Button>
            )}
          </FitCard>
        ))}
        {open && may && (
          <Box sx={{ display: 'flex', justifyContent: 'flex-end' }}>
            <Button variant="outlined" onClick={() => onChoose(null)}>
              It is a new compute
            </Button>
          </Box>
        )}
      </Box>
    </Box>
  );
}
