import { Box, Button, Dialog, DialogActions, DialogContent, DialogTitle } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useState } from 'react';

import { type DryRun, dryRun, type Rule, type RuleDraft, saveRule } from '../../api/environments';
import { fieldProblems } from '../../api/edit';
import { Name } from '../../components/Name';
import { Failure } from '../../components/Notice';
import { visible, word } from '../../format/text';
import { count, plural } from '../../format/units';
import { useStores } from '../../stores/root';
import { RuleForm } from './RuleForm';
import { NEW_CONDITION, shownTags, type TagRow } from './ruleText';

const FIRST: RuleDraft = {
  kind: 'assign',
  name: '',
  description: null,
  priority: 500,
  enabled: true,
  environmentCode: '',
  otherCode: null,
  confidence: 0.8,
  tags: {},
  match: 'all',
  conditions: [NEW_CONDITION],
  scope: {},
};

/** Fields that the form shows a problem beside. */
const SHOWN = new Set(['name', 'priority', 'confidence', 'environmentCode', 'otherCode', 'tags']);

interface Props {
  rule: Rule | null;
  onClose: () => void;
  onSaved: () => void;
  onRemove: (rule: Rule) => void;
}

/** A rule, tried on the whole inventory before it is saved. */
export const RuleDialog = observer(function RuleDialog({ rule, onClose, onSaved, onRemove }: Props) {
  const { toast } = useStores();
  const [draft, setDraft] = useState<RuleDraft>(() => draftOf(rule));
  const [tags, setTags] = useState<TagRow[]>(() => shownTags(rule?.tags));
  const [tried, setTried] = useState<DryRun | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const problems = fieldProblems(error);
  const unfinished = draft.name.trim() === '' || (draft.kind === 'tag' ? tags.every((tag) => tag.key.trim() === '') : (draft.environmentCode ?? '') === '');

  const act = (run: (draft: RuleDraft) => Promise<void>) => {
    setBusy(true);
    setError(null);
    run(finished(draft, tags))
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
        {rule ? `Rule ${visible(rule.name)}` : 'New rule'}
      </DialogTitle>
      <DialogContent sx={{ display: 'grid', gap: 3, pt: '8px !important' }}>
        <RuleForm
          draft={draft}
          tags={tags}
          problems={problems}
          onTags={(next) => {
            setTags(next);
            setTried(null);
          }}
          onChange={(next) => {
            setDraft(next);
            setTried(null);
          }}
        />
        {error !== null && !problems.some((problem) => SHOWN.has(problem.field)) && <Failure error={error} inline />}
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
        <Button variant="outlined" disabled={unfinished || busy} onClick={attempt}>
          Dry run
        </Button>
        <Button variant="contained" disabled={unfinished || busy} onClick={save}>
          Save
        </Button>
      </DialogActions>
    </Dialog>
  );
});

function draftOf(rule: Rule | null): RuleDraft {
  if (!rule) return FIRST;
  return Object.fromEntries(Object.entries(FIRST).map(([name, first]) => [name, rule[name as keyof RuleDraft] ?? first])) as unknown as RuleDraft;
}

/** Without what is left over from typing, and from another kind of rule. */
const finished = ({ environmentCode, ...draft }: RuleDraft, tags: TagRow[]): RuleDraft => ({
  ...draft,
  // A rule that is changed to one that tags gives its environment up.
  environmentCode: draft.kind === 'tag' ? '' : environmentCode,
  tags: draft.kind === 'tag' ? Object.fromEntries(tags.map((tag): [string, string] => [tag.key.trim(), tag.value]).filter(([key]) => key !== '')) : {},
  name: draft.name.trim(),
  conditions: draft.conditions.map((condition) => ({ ...condition, values: condition.values.map((value) => value.trim()).filter((value) => value !== '') })),
});

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
            {changed.from !== changed.to && `${changed.from ?? 'none'} → ${changed.to ?? 'none'} `}
            {changed.tags.map((tag) => (
              <Box key={tag.key}>
                <Name text={`${tag.key}: ${tag.from ?? 'none'} → ${tag.to ?? 'none'}`} />
              </Box>
            ))}
          </Box>
        </Box>
      ))}
    </Box>
  );
}
