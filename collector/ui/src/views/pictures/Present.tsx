import { Box } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect, useState } from 'react';

import { type ComputeSummary, readSummaries } from '../../api/inventory';
import { Failure, Waiting } from '../../components/Notice';
import { count, percent } from '../../format/units';
import { Loadable } from '../../stores/loadable';
import { byEnvironment } from './byEnvironment';
import { Card } from './Card';
import { CoverageBar } from './CoverageBar';
import { Treemap } from './Treemap';
import { UseBars } from './UseBars';

interface Pictured {
  computes: ComputeSummary[];
  more: boolean;
}

const MOST = 10_000;

/** Size and use of computes, and coverage, as they are now. */
export const Present = observer(function Present() {
  const [data] = useState(() => new Loadable<Pictured>());
  useEffect(
    () =>
      void data.load(async () => {
        const { items, more } = await readSummaries({}, null, MOST);
        return { computes: items, more };
      }),
    [data],
  );
  if (data.state === 'failed') return <Failure error={data.error} inline />;
  if (!data.value) return <Waiting rows={12} label="Drawing" />;
  const { computes, more } = data.value;
  return (
    <>
      <Box sx={{ display: 'grid', gridTemplateColumns: { xs: '1fr', lg: '2fr 1fr' }, gap: 4, alignItems: 'start' }}>
        <Card title="Computes by size and use" about={`Each tile is a compute: its area is its memory, its fill how much of it is in use, its edge its environment.${more ? ` The first ${count(MOST)} are drawn.` : ''}`}>
          <Treemap computes={computes} />
        </Card>
        <Box sx={{ display: 'grid', gap: 4 }}>
          <Card title="Use by environment" about="Memory in use of what was measured; a compute that several environments share counts by their shares.">
            <UseBars environments={byEnvironment(computes)} />
          </Card>
          <Card title="Coverage" about="Of all computes: seen in full, seen in part, unreachable, and without an agent.">
            <CoverageBar computes={computes} />
          </Card>
        </Box>
      </Box>
      <Box sx={{ color: 'text.secondary', fontSize: 12 }}>
        {count(computes.length)} computes, {percent(computes.filter((compute) => compute.memoryBytes !== null).length, computes.length)} of them measured.
      </Box>
    </>
  );
});
