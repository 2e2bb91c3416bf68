import { Box, Button, FormControlLabel, MenuItem, Switch, TextField } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect } from 'react';

import type { RuleDraft } from '../../api/environments';
import type { FieldProblem } from '../../api/edit';
import { Icon } from '../../components/Icon';
import { useStores } from '../../stores/root';
import { ConditionRow } from './ConditionRow';
import { NEW_CONDITION, type TagRow } from './ruleText';

interface Props {
  draft: RuleDraft;
  tags: TagRow[];
  onChange: (draft: RuleDraft) => void;
  onTags: (tags: TagRow[]) => void;
  problems: FieldProblem[];
}

/** What a rule says, field by field. */
export const RuleForm = observer(function RuleForm({ draft, tags, onChange, onTags, problems }: Props) {
  const { environments } = useStores();
  useEffect(() => void environments.open(), [environments]);
  const set = (change: Partial<RuleDraft>) => onChange({ ...draft, ...change });
  const told = (field: string) => {
    const problem = problems.find((known) => known.field === field);
    return { error: problem !== undefined, helperText: problem ? `${problem.reason}${problem.expected ? `; expected ${problem.expected}` : ''}` : undefined };
  };
  const codes = [...new Set([...(environments.list.value ?? []).map((environment) => environment.code), draft.environmentCode ?? '', draft.otherCode ?? ''])].filter((code) => code !== '').sort();
  const options = codes.map((code) => (
    <MenuItem key={code} value={code}>
      <bdi>{code}</bdi>
    </MenuItem>
  ));
  const conditions = (at: number, next: RuleDraft['conditions'][number] | null) =>
    set({ conditions: draft.conditions.flatMap((known, index) => (index === at ? (next ? [next] : []) : [known])) });
  return (
    <Box sx={{ display: 'grid', gridTemplateColumns: { xs: '1fr', sm: '2fr 1fr 1fr' }, gap: 3, alignItems: 'start' }}>
      <TextField label="Name" required value={draft.name} onChange={(event) => set({ name: event.target.value })} {...told('name')} />
      <TextField label="Priority" type="number" value={draft.priority} onChange={(event) => set({ priority: Number(event.target.value) })} {...told('priority')} helperText={told('priority').helperText ?? 'the smallest decides'} />
      <TextField
        label="Sure, in per cent"
        type="number"
        value={Math.round(draft.confidence * 100)}
        onChange={(event) => set({ confidence: Number(event.target.value) / 100 })}
        slotProps={{ htmlInput: { min: 0, max: 100 } }}
        {...told('confidence')}
      />
      <TextField label="Kind" select value={draft.kind} onChange={(event) => set(kindOf(event.target.value as RuleDraft['kind'], draft))}>
        <MenuItem value="assign">infers an environment</MenuItem>
        <MenuItem value="separate">keeps two environments apart</MenuItem>
        <MenuItem value="tag">sets tags</MenuItem>
      </TextField>
      {draft.kind !== 'tag' && (
        <TextField label="Environment" required select value={draft.environmentCode ?? ''} onChange={(event) => set({ environmentCode: event.target.value })} {...told('environmentCode')}>
          {options}
        </TextField>
      )}
      {draft.kind === 'separate' ? (
        <TextField label="Apart from" required select value={draft.otherCode ?? ''} onChange={(event) => set({ otherCode: event.target.value })} {...told('otherCode')}>
          {options}
        </TextField>
      ) : (
        <TextField label="When" select value={draft.match} onChange={(event) => set({ match: event.target.value as RuleDraft['match'] })}>
          <MenuItem value="all">all conditions hold</MenuItem>
          <MenuItem value="any">any condition holds</MenuItem>
        </TextField>
      )}
      {draft.kind === 'tag' && <TagRows rows={tags} problem={told('tags')} onChange={onTags} />}
      {draft.kind !== 'separate' && (
        <Box component="fieldset" sx={{ gridColumn: '1 / -1', border: 1, borderColor: 'divider', borderRadius: 1, m: 0, p: 3, display: 'grid', gap: 2 }}>
          <Box component="legend" sx={{ px: 1, fontSize: 11, color: 'text.secondary' }}>
            Conditions; case never matters
          </Box>
          {draft.conditions.map((condition, index) => (
            <ConditionRow key={index} number={index + 1} condition={condition} onChange={(next) => conditions(index, next)} onRemove={draft.conditions.length > 1 ? () => conditions(index, null) : undefined} />
          ))}
          <Button variant="outlined" startIcon={<Icon name="plus" size={14} />} onClick={() => set({ conditions: [...draft.conditions, NEW_CONDITION] })} sx={{ justifySelf: 'start' }}>
            Another condition
          </Button>
        </Box>
      )}
      <TextField label="Description" multiline value={draft.description ?? ''} onChange={(event) => set({ description: event.target.value === '' ? null : event.target.value })} sx={{ gridColumn: '1 / -1' }} />
      <FormControlLabel control={<Switch size="small" checked={draft.enabled} onChange={(event) => set({ enabled: event.target.checked })} />} label="It is in force" sx={{ ml: 0, gridColumn: '1 / -1' }} />
    </Box>
  );
});

/** A rule of the other kind has none of the fields that only the first has. */
const kindOf = (kind: RuleDraft['kind'], draft: RuleDraft): Partial<RuleDraft> =>
  kind === 'separate' ? { kind, conditions: [], otherCode: draft.otherCode ?? '' } : { kind, otherCode: null, conditions: draft.conditions.length > 0 ? draft.conditions : [NEW_CONDITION] };

/** The tags that a rule sets; keys that somebody else has set are left alone. */
function TagRows({ rows, problem, onChange }: { rows: TagRow[]; problem: { error: boolean; helperText?: string }; onChange: (rows: TagRow[]) => void }) {
  const change = (at: number, next: TagRow | null) => onChange(rows.flatMap((row, index) => (index === at ? (next ? [next] : []) : [row])));
  return (
    <Box component="fieldset" sx={{ gridColumn: '1 / -1', border: 1, borderColor: 'divider', borderRadius: 1, m: 0, p: 3, display: 'grid', gap: 2 }}>
      <Box component="legend" sx={{ px: 1, fontSize: 11, color: 'text.secondary' }}>
        Tags; where somebody else has set one, theirs stays
      </Box>
      {rows.map((row, index) => (
        <Box key={index} sx={{ display: 'grid', gridTemplateColumns: '1fr 1fr auto', gap: 2 }}>
          <TextField label={`Key ${index + 1}`} required value={row.key} onChange={(event) => change(index, { ...row, key: event.target.value })} {...(index === 0 ? problem : {})} />
          <TextField label={`Value ${index + 1}`} value={row.value} onChange={(event) => change(index, { ...row, value: event.target.value })} />
          <Button variant="outlined" aria-label={`Remove tag ${index + 1}`} disabled={rows.length === 1} onClick={() => change(index, null)}>
            Remove
          </Button>
        </Box>
      ))}
      <Button variant="outlined" startIcon={<Icon name="plus" size={14} />} onClick={() => onChange([...rows, { key: '', value: '' }])} sx={{ justifySelf: 'start' }}>
        Another tag
      </Button>
    </Box>
  );
}
