import { Box, IconButton, Tooltip } from '@mui/material';

import type { Condition } from '../../api/environments';
import { Icon } from '../../components/Icon';
import { EVIDENCE, hasKey, OPERATORS } from './ruleText';

interface Props {
  condition: Condition;
  number: number;
  onChange: (condition: Condition) => void;
  /** Absent for the only one. */
  onRemove?: () => void;
}

/** One condition of a rule: what is looked at, how it is compared, with what. */
export function ConditionRow({ condition, number, onChange, onRemove }: Props) {
  const { evidence, key, operator, values } = condition;
  const set = (change: Partial<Condition>) => {
    const next = { ...condition, ...change };
    if (hasKey(next.evidence)) onChange({ ...next, key: next.key ?? '' });
    else onChange({ evidence: next.evidence, operator: next.operator, values: next.values });
  };
  const about = `condition ${number}`;
  return (
    <Box role="group" aria-label={`Condition ${number}`} sx={{ display: 'flex', flexWrap: 'wrap', gap: 1.5, alignItems: 'center' }}>
      <select className="plain" aria-label={`What ${about} looks at`} value={evidence} onChange={(event) => set({ evidence: event.target.value })}>
        {Object.entries(EVIDENCE).map(([word, name]) => (
          <option key={word} value={word}>
            {name}
          </option>
        ))}
      </select>
      {hasKey(evidence) && <input className="plain" aria-label={`Key of ${about}`} placeholder="key" value={key ?? ''} onChange={(event) => set({ key: event.target.value })} style={{ width: 130 }} />}
      <select className="plain" aria-label={`Comparison of ${about}`} value={operator} onChange={(event) => set({ operator: event.target.value })}>
        {Object.entries(OPERATORS).map(([word, name]) => (
          <option key={word} value={word}>
            {name}
          </option>
        ))}
      </select>
      <input
        className="plain"
        aria-label={`Value of ${about}`}
        placeholder={operator === 'in' ? 'prod, production' : 'value'}
        value={operator === 'in' ? values.join(', ') : (values[0] ?? '')}
        onChange={(event) => set({ values: operator === 'in' ? event.target.value.split(/, ?/) : [event.target.value] })}
        style={{ flex: '1 1 140px', minWidth: 0 }}
      />
      {onRemove && (
        <Tooltip title="Remove this condition">
          <IconButton aria-label={`Remove ${about}`} onClick={onRemove} sx={{ color: 'text.secondary' }}>
            <Icon name="trash" size={14} />
          </IconButton>
        </Tooltip>
      )}
    </Box>
  );
}
