import { Box } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect } from 'react';
import { useParams } from 'react-router';

import { isKind } from '../../api/inventory';
import { Failure, Waiting } from '../../components/Notice';
import { useStores } from '../../stores/root';
import { DetailPane } from './DetailPane';
import { FirstRun } from './FirstRun';
import { ResizeHandle } from './ResizeHandle';
import { TreeTable } from './TreeTable';
import { TreeToolbar } from './TreeToolbar';

/** The tree, and beside it what is selected. */
export const InfrastructureView = observer(function InfrastructureView() {
  const { tree, prefs, clock, detail } = useStores();
  const { kind, id } = useParams();
  const { asOf } = clock;
  const selected = isKind(kind) && Number.isInteger(Number(id)) ? { kind, id: Number(id) } : null;

  useEffect(() => {
    document.title = 'Infrastructure · Orchestrix';
  }, []);
  useEffect(() => {
    void tree.reload();
    detail.refresh();
  }, [tree, detail, asOf]);
  useEffect(() => {
    if (selected && tree.cursor !== `${selected.kind}:${selected.id}`) void tree.reveal(selected.kind, selected.id);
    // The cursor itself is moved by keys: only another address opens branches.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [tree, kind, id]);

  const places = tree.places;
  if (places.value === null && places.state === 'failed') return <Failure error={places.error} retry={() => void tree.reload()} />;
  if (places.isFirst) return <Waiting rows={14} label="Reading the infrastructure" />;
  if (places.value?.total.computes === 0 && places.value.items.length <= 5 && clock.isLive && !selected) return <FirstRun />;

  return (
    <Box sx={{ flex: 1, minHeight: 0, display: 'flex' }}>
      <Box sx={{ flex: 1, minWidth: 0, display: selected ? { xs: 'none', md: 'flex' } : 'flex', flexDirection: 'column' }}>
        <TreeToolbar />
        {places.state === 'failed' && <Failure error={places.error} retry={() => void tree.reload()} />}
        <TreeTable selected={selected ? `${selected.kind}:${selected.id}` : null} />
      </Box>
      {selected && (
        <>
          <ResizeHandle />
          <Box
            component="aside"
            aria-label="Details"
            sx={{ width: { xs: '100%', md: prefs.kept.detailWidth }, maxWidth: { md: '65%' }, flexShrink: 0, minWidth: 0, display: 'flex', flexDirection: 'column', bgcolor: 'background.paper', borderLeft: { md: 1 }, borderColor: { md: 'divider' } }}
          >
            <DetailPane kind={selected.kind} id={selected.id} />
          </Box>
        </>
      )}
    </Box>
  );
});
