import { Box, Typography } from '@mui/material';
import type { ReactNode } from 'react';

/** A picture with its title, and with what it shows in a sentence. */
export function Card({ title, about, tools, children }: { title: string; about: string; tools?: ReactNode; children: ReactNode }) {
  return (
    <Box component="section" sx={{ border: 1, borderColor: 'divider', borderRadius: 2, bgcolor: 'background.paper', p: 4, minWidth: 0 }}>
      <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 2, alignItems: 'center' }}>
        <Typography variant="h2" sx={{ flex: 1 }}>
          {title}
        </Typography>
        {tools}
      </Box>
      <Typography variant="body2" sx={{ color: 'text.secondary', mb: 3 }}>
        {about}
      </Typography>
      {children}
    </Box>
  );
}
