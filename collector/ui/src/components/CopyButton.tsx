import { IconButton, Tooltip } from '@mui/material';
import { useEffect, useState } from 'react';

import { Icon } from './Icon';

/** Copies a text; says so where it was clicked. */
export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return undefined;
    const timer = setTimeout(() => setDone(false), 1_500);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <Tooltip title={done ? 'Copied' : label}>
      <IconButton
        aria-label={label}
        onClick={(event) => {
          event.stopPropagation();
          void navigator.clipboard?.writeText(text).then(() => setDone(true));
        }}
        sx={{ p: 0.5, color: 'text.secondary' }}
      >
        <Icon name={done ? 'check' : 'copy'} size={14} />
      </IconButton>
    </Tooltip>
  );
}
