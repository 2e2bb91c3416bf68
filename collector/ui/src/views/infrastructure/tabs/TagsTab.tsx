import { Box } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect } from 'react';

import { Name } from '../../../components/Name';
import { Empty, Failure, Waiting } from '../../../components/Notice';
import { useStores } from '../../../stores/root';

/** Tags with where each came from. */
export const TagsTab = observer(function TagsTab() {
  const { detail } = useStores();
  useEffect(() => detail.open('tags'), [detail, detail.id, detail.kind]);
  const { tags } = detail;
  if (tags.state === 'failed') return <Failure error={tags.error} retry={() => void detail.read('tags')} inline />;
  if (!tags.value) return <Waiting rows={4} />;
  if (tags.value.length === 0) return <Empty icon="tag" title="No tags" />;
  return (
    <Box component="dl" sx={{ m: 0, display: 'grid', gridTemplateColumns: 'minmax(90px, 34%) 1fr auto', columnGap: 3 }}>
      {tags.value.map((tag) => (
        <Box key={tag.tagKey} sx={{ display: 'contents', '& > *': { py: 1, borderBottom: '1px solid', borderColor: 'divider', minWidth: 0, m: 0 } }}>
          <Box component="dt" sx={{ fontWeight: 500 }}>
            <Name text={tag.tagKey} wrap />
          </Box>
          <Box component="dd">
            <Name text={tag.tagValue} wrap />
          </Box>
          <Box component="dd" sx={{ color: 'text.secondary', fontSize: 12 }}>
            {tag.origin}
          </Box>
        </Box>
      ))}
    </Box>
  );
});
