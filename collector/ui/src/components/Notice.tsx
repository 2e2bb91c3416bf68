import { Box, Button, Typography } from '@mui/material';
import type { ReactNode } from 'react';

import { ApiError } from '../api/client';
import { Icon, type IconName } from './Icon';

/** Nothing to show, and what to do about it. */
export function Empty({ icon = 'tree', title, children, action }: { icon?: IconName; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <Box role="status" sx={{ m: 'auto', py: 10, px: 6, maxWidth: 460, textAlign: 'center', color: 'text.secondary' }}>
      <Icon name={icon} size={28} tone="faint" />
      <Typography variant="h2" component="p" sx={{ mt: 2, color: 'text.primary' }}>
        {title}
      </Typography>
      {children && <Box sx={{ mt: 1.5, textWrap: 'pretty' }}>{children}</Box>}
      {action && <Box sx={{ mt: 4 }}>{action}</Box>}
    </Box>
  );
}

/** What went wrong, in the collector's own words, and a way on. */
export function Failure({ error, retry, inline = false }: { error: unknown; retry?: () => void; inline?: boolean }) {
  const problem = error instanceof ApiError ? error : null;
  const text = error instanceof Error ? error.message : String(error);
  return (
    <Box
      role="alert"
      sx={{
        display: 'flex',
        gap: 3,
        alignItems: 'flex-start',
        m: inline ? 0 : 4,
        p: 3,
        border: 1,
        borderColor: 'divider',
        borderLeft: 3,
        borderLeftColor: 'orx.bad',
        borderRadius: 1,
        bgcolor: 'background.paper',
        overflowWrap: 'anywhere',
      }}
    >
      <Box sx={{ flex: 1 }}>
        <Typography variant="h3" component="p">
          {problem?.status === 0 ? 'The collector does not answer' : problem?.status === 403 ? 'Your role does not allow this' : 'This did not work'}
        </Typography>
        <Box sx={{ color: 'text.secondary' }}>
          {problem?.field && <b>{problem.field}: </b>}
          {text}
          {problem?.expected && <> Expected: {problem.expected}.</>}
        </Box>
      </Box>
      {retry && (
        <Button variant="outlined" onClick={retry}>
          Try again
        </Button>
      )}
    </Box>
  );
}

/** Lines that stand where content will be, of its height: nothing jumps when it comes. */
export function Waiting({ rows = 6, label = 'Loading' }: { rows?: number; label?: string }) {
  return (
    <Box role="status" aria-label={label} sx={{ p: 4, display: 'grid', gap: 3 }}>
      {Array.from({ length: rows }, (_, row) => (
        <Box
          key={row}
          sx={{
            height: 12,
            width: `${85 - ((row * 37) % 50)}%`,
            borderRadius: 1,
            bgcolor: 'divider',
            animation: 'orx-wait 1.4s ease-in-out infinite alternate',
            animationDelay: `${row * 90}ms`,
            '@keyframes orx-wait': { from: { opacity: 0.35 }, to: { opacity: 0.8 } },
          }}
        />
      ))}
    </Box>
  );
}
