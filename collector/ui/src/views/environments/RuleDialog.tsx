import { Box, Button, Dialog, DialogActions, DialogContent, DialogTitle, TextField } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useState } from 'react';

import { type DryRun, dryRun, type Rule, type RuleDraft, saveRule } from '../../api/environments';
import { fieldProblems } from '../../api/edit';
import { Name } from '../../components/Name';
import { Failure } from '../../components/Notice';
import { word } from '../../format/text';
import { count, plural } from '../../format/units';
import { useStores } from '../../stores/root';

const FIRST: RuleDraft = {
  kind: 'assign',
  name: '',
  description: null,
  priority: 500,
  enabled: true,
  environmentCode: '',
  otherCode: null,
  confidence: 0.8,
  match: 'all',
  conditions: [{ evidence: 'label', key: 'environment', equals: 'production' }],
  scope: {},
};

interface Props {
  rule: Rule | null;
  onClose: () => void;
  onSaved: () => void;
  onRemove: (rule: Rule) => void;
}

/** A rule as what it is: a text of a few lines, tried on the whole inventory before it is saved. */
export const RuleDialog = observer(function RuleDialog({ rule, onClose, onSaved, onRemove }: Props) {
  const { toast } = useStores();
  const [text, setText] = useState(() => JSON.stringify(draftOf(rule), null, 2));
  const [tried, setTried] = useState<DryRun | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const draft = parse(text);
  const problems = fieldProblems(error);

  const act = (run: (draft: RuleDraft) => Promise<void>) => {
    if (!draft) return;
    setBusy(true);
    setError(null);
    run(draft)
      .catch((failed: unknown) => setError(failed))
      .finally(() => setBusy(false));
  };
  const attempt = () => act(async (wanted) => setTried(await dryRun([rule ? { id: rule.id, rule: wanted } : { rule: wanted }])));
  const save = () =>
    act(async (wanted) => {
      await saveRule(rule?.id ?? null, wanted);
      toast.tell('The rule is saved; it is applied in the background.');
      onSaved();
      onClose();
    });
  return (
    <Dialog open onClose={onClose} maxWidth="md" fullWidth aria-labelledby="rule-title">
      <DialogTitle id="rule-title" sx={{ fontSize: 15, fontWeight: 620 }}>
        {rule ? `Rule ${rule.name}` : 'New rule'}
      </DialogTitle>
      <DialogContent sx={{ display: 'grid', gap: 3, pt: '8px !important' }}>
        <TextField
          label="Rule"
          multiline
          minRows={12}
          maxRows={20}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setTried(null);
          }}
          error={draft === null || problems.length > 0}
          helperText={draft === null ? 'This is no JSON object' : (problems[0] && `${problems[0].field}: ${problems[0].reason}`) ?? ' '}
          slotProps={{ htmlInput: { spellCheck: false, style: { fontFamily: 'var(--mono)', fontSize: 12 } } }}
        />
        {error !== null && problems.length === 0 && <Failure error={error} inline />}
        {tried && <Outcome tried={tried} />}
      </DialogContent>
      <DialogActions sx={{ px: 6, pb: 4 }}>
        {rule && (
          <Button color="error" onClick={() => onRemove(rule)} sx={{ mr: 'auto' }}>
            Remove…
          </Button>
        )}
        <Button variant="outlined" onClick={onClose}>
          Cancel
        </Button>
        <Button variant="outlined" disabled={draft === null || busy} onClick={attempt}>
          Dry run
        </Button>
        <Button variant="contained" disabled={draft === null || busy} onClick={save}>
          Save
        </Button>
      </DialogActions>
    </Dialog>
  );
});

function draftOf(rule: Rule | null): RuleDraft {
  if (!rule) return FIRST;
  return Object.fromEntries(Object.keys(FIRST).map((name) => [name, rule[name as keyof RuleDraft]])) as unknown as RuleDraft;
}

function parse(text: string): RuleDraft | null {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as RuleDraft) : null;
  } catch {
    return null;
  }
}

function Outcome({ tried }: { tried: DryRun }) {
  return (
    <Box role="status" aria-label="Dry run" sx={{ border: 1, borderColor: 'divider', borderRadius: 1, p: 3, maxHeight: 280, overflow: 'auto' }} tabIndex={0}>
      <b>{tried.total === 0 ? 'Nothing would change' : `${plural(tried.total, 'resource')} would change`}</b> of {count(tried.scanned)} that were looked at
      {!tried.complete && ', which are not all: looking at the rest would take too long'}.
      {tried.counts.map((transition) => (
        <Box key={`${transition.from ?? ''}>${transition.to ?? ''}`} sx={{ color: 'text.secondary' }}>
          {count(transition.count)} × {transition.from ?? 'none'} → {transition.to ?? 'none'}
        </Box>
      ))}
      {tried.changes.slice(0, 50).map((changed) => (
        <Box key={`${changed.resourceType}${changed.resourceId}`} sx={{ display: 'flex', gap: 2, py: 0.5, fontSize: 12 }}>
          <Box sx={{ minWidth: 0, flex: 1 }}>
            {word(changed.resourceType)} <Name text={changed.resourceName} />
          </Box>
          <Box sx={{ color: 'text.secondary' }}>
            {changed.from ?? 'none'} → {changed.to ?? 'none'}
          </Box>
        </Box>
      ))}
    </Box>
  );
}
