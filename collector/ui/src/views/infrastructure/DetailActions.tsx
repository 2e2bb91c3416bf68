import { IconButton, Tooltip } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useState } from 'react';

import { remove } from '../../api/edit';
import type { Kind } from '../../api/inventory';
import { Confirm } from '../../components/Confirm';
import { EditDialog } from '../../components/edit/EditDialog';
import { CHILDREN, type EditableKind, LIST_OF } from '../../components/edit/forms';
import { useGo } from '../../components/Go';
import { Icon } from '../../components/Icon';
import { word } from '../../format/text';
import { useStores } from '../../stores/root';

type Doing = 'edit' | 'add' | 'remove' | null;

const isEditable = (kind: Kind): kind is EditableKind => kind !== 'workload';

/** Editing what is shown, and making what belongs in it; only for whoever may, and only in the present. */
export const DetailActions = observer(function DetailActions({ kind, id }: { kind: Kind; id: number }) {
  const { detail, tree, session, clock } = useStores();
  const [doing, setDoing] = useState<Doing>(null);
  const go = useGo();
  const answer = detail.resource.value;
  if (!session.may('operator') || !clock.isLive || !isEditable(kind) || !answer) return null;
  const child = CHILDREN[kind]?.[0];
  const close = () => setDoing(null);
  const saved = () => {
    detail.refresh();
    void tree.reload();
  };
  /** What was made is shown at once. */
  const made = async (row: Record<string, unknown>) => {
    await tree.reload();
    if (child && typeof row.id === 'number') go(`/infrastructure/${child.kind}/${row.id}`);
  };
  return (
    <>
      {child && (
        <Tooltip title={`New ${word(child.kind)} in it`}>
          <IconButton aria-label={`New ${word(child.kind)} in it`} onClick={() => setDoing('add')} sx={{ color: 'text.secondary' }}>
            <Icon name="plus" />
          </IconButton>
        </Tooltip>
      )}
      <Tooltip title="Edit">
        <IconButton aria-label="Edit" onClick={() => setDoing('edit')} sx={{ color: 'text.secondary' }}>
          <Icon name="edit" size={15} />
        </IconButton>
      </Tooltip>
      <Tooltip title="Delete…">
        <IconButton aria-label="Delete" onClick={() => setDoing('remove')} sx={{ color: 'text.secondary' }}>
          <Icon name="trash" size={15} />
        </IconButton>
      </Tooltip>
      {doing === 'edit' && <EditDialog kind={kind} row={{ id, fields: answer.item, etag: answer.etag }} onClose={close} onSaved={saved} />}
      {doing === 'add' && child && <EditDialog kind={child.kind} given={{ [child.at]: id }} onClose={close} onSaved={(row) => void made(row)} />}
      {doing === 'remove' && (
        <Confirm
          title={`Delete this ${word(kind)}?`}
          action="Delete"
          danger
          run={async () => {
            await remove(`${LIST_OF[kind]}/${id}`, answer.etag);
            void tree.reload();
            go('/infrastructure');
          }}
          onClose={close}
        >
          Nothing is deleted while something hangs on it. The history keeps what it was.
        </Confirm>
      )}
    </>
  );
});
