import { Box, Button } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect, useState } from 'react';

import { decideDrift, type Drift, readDrifts } from '../../../api/drifts';
import { Age } from '../../../components/Age';
import { Empty, Failure, Waiting } from '../../../components/Notice';
import { fieldName, visible } from '../../../format/text';
import { Loadable } from '../../../stores/loadable';
import { useStores } from '../../../stores/root';

const shown = (value: unknown): string => (value === null || value === undefined ? 'nothing' : typeof value === 'string' ? visible(value) : JSON.stringify(value));

/** What people entered and discovery sees otherwise: people win until they say something else. */
export const DriftTab = observer(function DriftTab() {
  const { detail, session, clock, toast } = useStores();
  const [drifts] = useState(() => new Loadable<Drift[]>());
  const [error, setError] = useState<unknown>(null);
  const { id } = detail;
  const value = detail.resource.value;
  useEffect(() => void drifts.load(() => readDrifts(id)), [drifts, id, value]);
  if (drifts.state === 'failed') return <Failure error={drifts.error} retry={() => void drifts.load(() => readDrifts(id))} inline />;
  if (!drifts.value) return <Waiting rows={4} />;
  if (drifts.value.length === 0) return <Empty icon="check" title="No drift">What people entered and what is discovered agree.</Empty>;
  const may = session.may('operator') && clock.isLive;
  const decide = (drift: Drift, decision: 'take' | 'keep') => {
    setError(null);
    decideDrift(drift, decision).then(
      () => {
        toast.tell(decision === 'take' ? 'The discovered value is taken.' : 'Your value is kept.');
        detail.refresh();
      },
      (failed: unknown) => setError(failed),
    );
  };
  return (
    <>
      {error !== null && <Failure error={error} inline />}
      {drifts.value.map((drift) => (
        <Box key={drift.id} component="section" aria-label={`Drift of ${fieldName(drift.field)}`} sx={{ py: 2.5, borderBottom: 1, borderColor: 'divider' }}>
          <Box sx={{ display: 'flex', gap: 2, alignItems: 'baseline' }}>
            <Box sx={{ fontWeight: 560, flex: 1 }}>{fieldName(drift.field)}</Box>
            <Box sx={{ color: 'text.secondary', fontSize: 12 }}>
              {drift.state === 'kept' ? 'kept, ' : ''}since <Age at={drift.since} />
            </Box>
          </Box>
          <Box component="dl" sx={{ m: 0, my: 1, display: 'grid', gridTemplateColumns: '110px 1fr', rowGap: 0.5, overflowWrap: 'anywhere' }}>
            <Box component="dt" sx={{ color: 'text.secondary' }}>Entered</Box>
            <Box component="dd" sx={{ m: 0 }}><bdi>{shown(drift.value)}</bdi></Box>
            <Box component="dt" sx={{ color: 'text.secondary' }}>Discovered</Box>
            <Box component="dd" sx={{ m: 0 }}><bdi>{shown(drift.discovered)}</bdi></Box>
          </Box>
          {may && (
            <Box sx={{ display: 'flex', gap: 2 }}>
              <Button variant="outlined" onClick={() => decide(drift, 'take')}>
                Take
              </Button>
              {drift.state === 'open' && (
                <Button variant="outlined" onClick={() => decide(drift, 'keep')}>
                  Keep mine
                </Button>
              )}
            </Box>
          )}
        </Box>
      ))}
    </>
  );
});
