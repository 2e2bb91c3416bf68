import { Box, Typography } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { type ReactNode, useEffect, useState } from 'react';

import { type ComputeSummary, readSummaries } from '../../api/inventory';
import { Empty, Failure, Waiting } from '../../components/Notice';
import { count, percent } from '../../format/units';
import { Loadable } from '../../stores/loadable';
import { useStores } from '../../stores/root';
import { byEnvironment } from './byEnvironment';
import { CoverageBar } from './CoverageBar';
import { Treemap } from './Treemap';
import { UseBars } from './UseBars';

interface Pictured {
  computes: ComputeSummary[];
  more: boolean;
}

const MOST = 10_000;

/** The inventory in pictures: size and use of computes, coverage. */
export default observer(function PicturesView() {
  const { clock } = useStores();
  const [data] = useState(() => new Loadable<Pictured>());
  const { asOf } = clock;
  useEffect(() => {
    document.title = 'Pictures · Orchestrix';
    if (asOf !== null) return;
    void data.load(async () => {
      const { items, more } = await readSummaries({}, null, MOST);
      return { computes: items, more };
    });
  }, [data, asOf]);

  if (asOf !== null) return <Empty icon="clock" title="Pictures are drawn of the present only" />;
  if (data.state === 'failed') return <Failure error={data.error} />;
  if (!data.value) return <Waiting rows={12} label="Drawing" />;
  const { computes, more } = data.value;
  const environments = byEnvironment(computes);
  return (
    <Box tabIndex={0} role="region" aria-label="Pictures" sx={{ flex: 1, overflow: 'auto', p: { xs: 3, sm: 5 } }}>
      <Box sx={{ display: 'grid', gridTemplateColumns: { xs: '1fr', lg: '2fr 1fr' }, gap: 4, alignItems: 'start' }}>
        <Card title="Computes by size and use" about={`Each tile is a compute: its area is its memory, its fill how much of it is in use, its edge its environment.${more ? ` The first ${count(MOST)} are drawn.` : ''}`}>
          <Treemap computes={computes} />
        </Card>
        <Box sx={{ display: 'grid', gap: 4 }}>
          <Card title="Use by environment" about="Memory in use of what was measured; a compute that several environments share counts by their shares.">
            <UseBars environments={environments} />
          </Card>
          <Card title="Coverage" about="Of all computes: seen in full, seen in part, unreachable, and without an agent.">
            <CoverageBar computes={computes} />
          </Card>
        </Box>
      </Box>
      <Box sx={{ mt: 4, color: 'text.secondary', fontSize: 12 }}>
        {count(computes.length)} computes, {percent(computes.filter((compute) => compute.memoryBytes !== null).length, computes.length)} of them measured.
      </Box>
    </Box>
  );
});

function Card({ title, about, children }: { title: string; about: string; children: ReactNode }) {
  return (
    <Box component="section" sx={{ border: 1, borderColor: 'divider', borderRadius: 2, bgcolor: 'background.paper', p: 4, minWidth: 0 }}>
      <Typography variant="h2">{title}</Typography>
      <Typography variant="body2" sx={{ color: 'text.secondary', mb: 3 }}>
        {about}
      </Typography>
      {children}
    </Box>
  );
}
