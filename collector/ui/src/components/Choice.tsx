import { ToggleButton, ToggleButtonGroup } from '@mui/material';

interface Props<T extends string> {
  label: string;
  options: [value: T, label: string][];
  value: T;
  onChoose: (value: T) => void;
}

/** One of a few, side by side. */
export function Choice<T extends string>({ label, options, value, onChoose }: Props<T>) {
  return (
    <ToggleButtonGroup exclusive size="small" aria-label={label} value={value} onChange={(_, chosen: T | null) => chosen !== null && onChoose(chosen)}>
      {options.map(([known, text]) => (
        <ToggleButton key={known} value={known} sx={{ px: 2.5, py: 0.5, fontSize: 12, textTransform: 'none', lineHeight: 1.5 }}>
          {text}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}
