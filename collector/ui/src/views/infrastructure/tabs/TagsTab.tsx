import { Box, Button, IconButton, TextField, Tooltip } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { type SubmitEvent, useEffect, useState } from 'react';

import { remove, send } from '../../../api/edit';
import type { Tag } from '../../../api/inventory';
import { Icon } from '../../../components/Icon';
import { Name } from '../../../components/Name';
import { Empty, Failure, Waiting } from '../../../components/Notice';
import { useStores } from '../../../stores/root';

const pathOf = (tag: Pick<Tag, 'resourceType' | 'resourceId' | 'tagKey'>): string => `/api/v1/tags/${tag.resourceType}/${tag.resourceId}/${encodeURIComponent(tag.tagKey)}`;

/** Tags with where each came from. A person's tag wins over what a label or rule says. */
export const TagsTab = observer(function TagsTab() {
  const { detail, session, clock, toast } = useStores();
  const [error, setError] = useState<unknown>(null);
  useEffect(() => detail.open('tags'), [detail, detail.id, detail.kind]);
  const { tags } = detail;
  if (tags.state === 'failed') return <Failure error={tags.error} retry={() => void detail.read('tags')} inline />;
  if (!tags.value) return <Waiting rows={4} />;
  const may = session.may('operator') && clock.isLive;

  const act = (run: Promise<unknown>, told: string, undo: (() => Promise<unknown>) | null) => {
    setError(null);
    run.then(
      () => {
        toast.tell(told, undo);
        void detail.read('tags');
      },
      (failed: unknown) => setError(failed),
    );
  };
  const drop = (tag: Tag) =>
    act(remove(pathOf(tag)), 'The tag is removed.', async () => {
      await send('PUT', pathOf(tag), { tagValue: tag.tagValue });
      await detail.read('tags');
    });
  return (
    <>
      {tags.value.length === 0 && <Empty icon="tag" title="No tags" />}
      <Box component="dl" sx={{ m: 0, display: 'grid', gridTemplateColumns: 'minmax(90px, 34%) 1fr auto auto', columnGap: 3 }}>
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
            <Box component="dd">
              {may && (
                <Tooltip title="Remove this tag">
                  <IconButton aria-label={`Remove the tag ${tag.tagKey}`} onClick={() => drop(tag)} sx={{ p: 0.5, color: 'text.secondary' }}>
                    <Icon name="trash" size={14} />
                  </IconButton>
                </Tooltip>
              )}
            </Box>
          </Box>
        ))}
      </Box>
      {error !== null && <Box sx={{ mt: 3 }}><Failure error={error} inline /></Box>}
      {may && detail.kind !== null && (
        <NewTag
          onAdd={(tagKey, tagValue) => {
            const path = pathOf({ resourceType: detail.kind ?? '', resourceId: detail.id, tagKey });
            act(send('PUT', path, { tagValue }), 'The tag is set.', null);
          }}
        />
      )}
    </>
  );
});

function NewTag({ onAdd }: { onAdd: (key: string, value: string) => void }) {
  const [key, setKey] = useState('');
  const [value, setValue] = useState('');
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    onAdd(key.trim(), value.trim());
    setKey('');
    setValue('');
  };
  return (
    <Box component="form" onSubmit={submit} sx={{ display: 'flex', gap: 2, mt: 4 }}>
      <TextField label="Key" value={key} onChange={(event) => setKey(event.target.value)} slotProps={{ htmlInput: { maxLength: 100 } }} />
      <TextField label="Value" value={value} onChange={(event) => setValue(event.target.value)} slotProps={{ htmlInput: { maxLength: 255 } }} />
      <Button type="submit" variant="outlined" disabled={key.trim() === ''}>
        Set
      </Button>
    </Box>
  );
}
