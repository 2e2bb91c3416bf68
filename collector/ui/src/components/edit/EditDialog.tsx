import { Box, Button, Dialog, DialogActions, DialogContent, DialogTitle } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { type SubmitEvent, useState } from 'react';

import { change, changedFields, create, currentRow, type FieldProblem, fieldProblems, type Fields } from '../../api/edit';
import { word } from '../../format/text';
import { useStores } from '../../stores/root';
import { Difference } from '../Difference';
import { Failure } from '../Notice';
import { FieldInput } from './FieldInput';
import { type EditableKind, FORMS, fromValues, LIST_OF, toValues } from './forms';

interface Props {
  kind: EditableKind;
  /** The row as it was seen, with its tag; absent when it is made. */
  row?: { id: number; fields: Fields; etag: string | null };
  /** What a new row is given besides what is asked for, for example where it is. */
  given?: Fields;
  onClose: () => void;
  onSaved: (row: Fields) => void;
}

/** Makes or changes a resource. What somebody changed meanwhile is shown before anything is overwritten. */
export const EditDialog = observer(function EditDialog({ kind, row, given = {}, onClose, onSaved }: Props) {
  const { toast } = useStores();
  const fields = FORMS[kind];
  const [base, setBase] = useState(row?.fields ?? {});
  const [etag, setEtag] = useState(row?.etag ?? null);
  const [values, setValues] = useState(() => toValues(fields, { status: 'ACTIVE', ...base }));
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const problems: FieldProblem[] = fieldProblems(error);
  const current = currentRow(error);
  const edited = changedFields(base, fromValues(fields, values));
  const known = new Set(fields.map((field) => field.name));
  const elsewhere = problems.filter((problem) => !known.has(problem.field));

  const save = async (tag: string | null) => {
    setBusy(true);
    setError(null);
    try {
      if (!row) {
        const wanted = Object.fromEntries(Object.entries(fromValues(fields, values)).filter(([, value]) => value !== null));
        const made = await create(LIST_OF[kind], { ...given, ...wanted });
        toast.tell(`${word(kind)} made.`);
        onSaved(made.item);
      } else {
        const path = `${LIST_OF[kind]}/${row.id}`;
        const before = Object.fromEntries(Object.keys(edited).map((name) => [name, base[name] ?? null]));
        const saved = await change(path, edited, tag);
        toast.tell('Saved.', async () => {
          const undone = await change(path, before, saved.etag);
          onSaved(undone.item);
        });
        onSaved(saved.item);
      }
      onClose();
    } catch (failed) {
      setError(failed);
      setBusy(false);
    }
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void save(etag);
  };
  const takeTheirs = () => {
    if (!current) return;
    const mine = edited;
    setBase(current);
    setValues({ ...toValues(fields, current), ...toValues(fields.filter((field) => field.name in mine), mine) });
    setEtag(null);
    setError(null);
  };

  return (
    <Dialog open onClose={onClose} maxWidth="sm" fullWidth aria-labelledby="edit-title">
      <DialogTitle id="edit-title" sx={{ fontSize: 15, fontWeight: 620 }}>
        {row ? `Edit ${word(kind)}` : `New ${word(kind)}`}
      </DialogTitle>
      <form onSubmit={submit} noValidate>
        <DialogContent sx={{ display: 'grid', gridTemplateColumns: { xs: '1fr', sm: '1fr 1fr' }, gap: 3, pt: '8px !important' }}>
          {fields.map((field) => (
            <FieldInput
              key={field.name}
              field={field}
              value={values[field.name] ?? ''}
              onChange={(value) => setValues((known) => ({ ...known, [field.name]: value }))}
              problem={problems.find((problem) => problem.field === field.name)}
            />
          ))}
          {current && (
            <Box role="alert" sx={{ gridColumn: '1 / -1', border: 1, borderColor: 'orx.warn', borderRadius: 1, p: 3 }}>
              <b>Someone changed this meanwhile.</b> This is the difference between what you saw and what it is now:
              <Difference before={pick(base, known)} after={pick(current, known)} />
              <Button variant="outlined" sx={{ mt: 2 }} onClick={takeTheirs}>
                Keep theirs, and add my changes
              </Button>
            </Box>
          )}
          {error !== null && !current && (problems.length === 0 || elsewhere.length > 0) && (
            <Box sx={{ gridColumn: '1 / -1' }}>
              <Failure error={error} inline />
            </Box>
          )}
        </DialogContent>
        <DialogActions sx={{ px: 6, pb: 4 }}>
          <Button variant="outlined" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" variant="contained" disabled={busy || current !== null || (row !== undefined && Object.keys(edited).length === 0)}>
            {row ? 'Save' : 'Make it'}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
});

const pick = (row: Fields, names: Set<string>): Fields => Object.fromEntries(Object.entries(row).filter(([name]) => names.has(name)));
