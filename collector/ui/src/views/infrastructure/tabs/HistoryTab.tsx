import { Box, Button } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect } from 'react';

import type { HistoryEntry } from '../../../api/inventory';
import { Age } from '../../../components/Age';
import { Difference } from '../../../components/Difference';
import { Name } from '../../../components/Name';
import { Empty, Failure, Waiting } from '../../../components/Notice';
import { word } from '../../../format/text';
import { useStores } from '../../../stores/root';

/** What happened to it, the newest first. */
export const HistoryTab = observer(function HistoryTab() {
  const { detail } = useStores();
  useEffect(() => detail.open('history'), [detail, detail.id, detail.kind]);
  const { history } = detail;
  if (history.state === 'failed') return <Failure error={history.error} retry={() => void detail.read('history')} inline />;
  if (!history.value) return <Waiting rows={8} />;
  if (history.value.items.length === 0) return <Empty icon="clock" title="Nothing happened yet">Every change is kept here, with who made it.</Empty>;
  return (
    <>
      <Box component="ol" sx={{ listStyle: 'none', m: 0, p: 0 }}>
        {history.value.items.map((entry) => (
          <Entry key={entry.sequence} entry={entry} of={detail.kind} />
        ))}
      </Box>
      {history.value.next && (
        <Button variant="outlined" sx={{ mt: 3 }} disabled={history.state === 'loading'} onClick={() => void detail.moreHistory()}>
          Older changes
        </Button>
      )}
    </>
  );
});

function Entry({ entry, of }: { entry: HistoryEntry; of: string | null }) {
  return (
    <Box component="li" sx={{ py: 2, borderBottom: 1, borderColor: 'divider' }}>
      <Box sx={{ display: 'flex', gap: 2, alignItems: 'baseline' }}>
        <Box sx={{ fontWeight: 540, minWidth: 0, flex: 1 }}>
          {entry.resourceType !== of && (
            <>
              {word(entry.resourceType)} <Name text={entry.resourceName} />{' '}
            </>
          )}
          {word(entry.changeKind)}
        </Box>
        <Box sx={{ color: 'text.secondary', fontSize: 12, whiteSpace: 'nowrap' }}>
          <Age at={entry.recordedAt} />
        </Box>
      </Box>
      <Box sx={{ color: 'text.secondary', fontSize: 12 }}>
        by {entry.actorKind} <Name text={entry.actorId} mono />
        {entry.source && `, seen by ${entry.source}`}
      </Box>
      <Difference before={entry.before} after={entry.after} />
    </Box>
  );
}
