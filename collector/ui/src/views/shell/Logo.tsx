import { Box } from '@mui/material';

export function Logo({ small = false }: { small?: boolean }) {
  return (
    <Box sx={{ display: 'flex', alignItems: 'center', gap: 2.5 }}>
      <Box component="svg" viewBox="0 0 32 32" sx={{ width: small ? 22 : 28, height: small ? 22 : 28, flexShrink: 0 }} aria-hidden>
        <rect width="32" height="32" rx="8" fill="var(--orx-palette-orx-accent)" />
        <g fill="none" stroke="var(--orx-palette-orx-accentText)" strokeWidth="2.2">
          <path d="M16 9v6M16 15H9v6M16 15h7v6" />
        </g>
        <g fill="var(--orx-palette-orx-accentText)">
          <circle cx="16" cy="8.500" r="3" />
          <circle cx="9" cy="22.500" r="3" />
          <circle cx="23" cy="22.500" r="3" />
        </g>
      </Box>
      <Box component="span" sx={{ fontWeight: 650, fontSize: small ? 14 : 17, letterSpacing: '-0.015em' }}>
        Orchestrix
      </Box>
    </Box>
  );
}
