import { InputBase } from '@mui/material';
import { type Ref, useEffect, useImperativeHandle, useRef, useState } from 'react';

import { Icon } from './Icon';

interface Props {
  label: string;
  value: string;
  /** Called when somebody stops typing, so that no letter is lost while the answer is on its way. */
  onChange: (value: string) => void;
  /** Where it is focused from elsewhere. */
  ref?: Ref<{ focus: () => void }>;
  width?: number;
  /** The main thing of its view. */
  large?: boolean;
}

const PAUSE = 160;

/** A field that narrows what is shown. Escape empties it. */
export function FilterField({ label, value, onChange, ref, width = 230, large = false }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(value);
  const told = useRef(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useImperativeHandle(ref, () => ({ focus: () => input.current?.focus() }));
  useEffect(() => {
    // Somebody else changed it, for example by the browser's button to go back.
    if (value === told.current) return;
    told.current = value;
    setText(value);
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const latest = useRef(onChange);
  useEffect(() => {
    latest.current = onChange;
  });

  const tell = (next: string, pause: number) => {
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      told.current = next;
      latest.current(next);
    }, pause);
  };
  return (
    <InputBase
      inputRef={input}
      value={text}
      onChange={(event) => tell(event.target.value, PAUSE)}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        tell('', 0);
        input.current?.blur();
      }}
      placeholder={label}
      autoFocus={large}
      startAdornment={large && <Icon name="search" size={16} tone="quiet" style={{ marginRight: 8 }} />}
      slotProps={{ input: { 'aria-label': label } }}
      sx={{ flex: `0 1 ${width}px`, minWidth: 90, height: large ? 36 : 28, px: 2.5, border: 1, borderColor: 'divider', borderRadius: 1.5, bgcolor: 'background.paper', fontSize: large ? 15 : 13, '&.Mui-focused': { borderColor: 'primary.main' } }}
    />
  );
}
