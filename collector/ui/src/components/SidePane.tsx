import { Box, IconButton, Tooltip, Typography } from '@mui/material';
import type { ReactNode } from 'react';

import { Icon } from './Icon';
import { useShortcut } from './shortcuts';

/** What is selected in a list, beside it; in its place on a phone. */
export function SidePane({ title, kind, onClose, children, width = 480 }: { title: ReactNode; kind: string; onClose: () => void; children: ReactNode; width?: number }) {
  useShortcut('Escape', onClose);
  return (
    <Box component="aside" aria-label="Details" sx={{ width: { xs: 1, md: width }, flexShrink: 0, display: 'flex', flexDirection: 'column', minHeight: 0, bgcolor: 'background.paper', borderLeft: { md: 1 }, borderColor: { md: 'divider' } }}>
      <Box sx={{ display: 'flex', alignItems: 'center', gap: 2, px: 4, py: 2.5, borderBottom: 1, borderColor: 'divider' }}>
        <Box sx={{ flex: 1, minWidth: 0 }}>
          <Typography variant="h2" component="h2" sx={{ display: 'flex', minWidth: 0 }}>
            {title}
          </Typography>
          <Typography variant="caption" sx={{ color: 'text.secondary' }}>
            {kind}
          </Typography>
        </Box>
        <Tooltip title="Close (Esc)">
          <IconButton aria-label="Close details" onClick={onClose} sx={{ color: 'text.secondary' }}>
            <Icon name="close" />
          </IconButton>
        </Tooltip>
      </Box>
      <Box tabIndex={0} role="region" aria-label={kind} sx={{ flex: 1, minHeight: 0, overflow: 'auto', p: 4 }}>
        {children}
      </Box>
    </Box>
  );
}
