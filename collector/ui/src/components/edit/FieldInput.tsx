import { FormControlLabel, MenuItem, Switch, TextField } from '@mui/material';
import { observer } from 'mobx-react-lite';

import type { FieldProblem } from '../../api/edit';
import { useStores } from '../../stores/root';
import type { FormField } from './forms';

interface Props {
  field: FormField;
  value: string;
  onChange: (value: string) => void;
  problem: FieldProblem | undefined;
}

export const FieldInput = observer(function FieldInput({ field, value, onChange, problem }: Props) {
  const { tree } = useStores();
  const told = problem ? `${problem.reason}${problem.expected ? `; expected ${problem.expected}` : ''}` : undefined;
  if (field.type === 'flag') {
    return <FormControlLabel control={<Switch size="small" checked={value === 'true'} onChange={(event) => onChange(String(event.target.checked))} />} label={field.label} sx={{ ml: 0 }} />;
  }
  const refers = field.refers;
  const options = refers
    ? (tree.places.value?.items ?? []).filter((place) => place.kind === refers).map((place) => ({ value: String(place.id), label: place.name }))
    : field.options?.map((option) => ({ value: option, label: option.toLowerCase() }));
  const all = options && value !== '' && !options.some((option) => option.value === value) ? [...options, { value, label: value }] : options;
  return (
    <TextField
      label={field.label}
      required={field.required}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      error={problem !== undefined}
      helperText={told}
      select={all !== undefined}
      multiline={field.type === 'lines'}
      minRows={field.type === 'lines' ? 2 : undefined}
      slotProps={{ htmlInput: field.type === 'number' ? { inputMode: 'numeric' } : {} }}
      sx={{ gridColumn: field.type === 'lines' ? '1 / -1' : 'auto' }}
    >
      {all && <MenuItem value="">not known</MenuItem>}
      {all?.map((option) => (
        <MenuItem key={option.value} value={option.value}>
          {option.label}
        </MenuItem>
      ))}
    </TextField>
  );
});
