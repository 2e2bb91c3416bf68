import { Box, IconButton, Menu, MenuItem, Tooltip, Typography, useColorScheme } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useState } from 'react';

import { Icon } from '../../components/Icon';
import { useStores } from '../../stores/root';
import { LiveMark } from './LiveMark';
import { SearchBox } from './SearchBox';
import { TimeButton } from './TimeButton';

export const TopBar = observer(function TopBar({ onHelp }: { onHelp: () => void }) {
  return (
    <Box
      component="header"
      sx={{ gridColumn: { xs: 1, sm: 2 }, gridRow: 1, height: 48, display: 'flex', alignItems: 'center', gap: 2, px: { xs: 2, sm: 4 }, bgcolor: 'background.paper', borderBottom: 1, borderColor: 'divider', minWidth: 0 }}
    >
      <SearchBox />
      <Box sx={{ flex: 1 }} />
      <LiveMark />
      <TimeButton />
      <SchemeButton />
      <Tooltip title="Keyboard shortcuts (?)">
        <IconButton aria-label="Keyboard shortcuts" onClick={onHelp} sx={{ color: 'text.secondary', width: 30, fontWeight: 600, fontSize: 14, display: { xs: 'none', sm: 'inline-flex' } }}>
          ?
        </IconButton>
      </Tooltip>
      <PersonButton />
    </Box>
  );
});

function SchemeButton() {
  const { mode, systemMode, setMode } = useColorScheme();
  const dark = (mode === 'system' ? systemMode : mode) === 'dark';
  const label = dark ? 'Light colours' : 'Dark colours';
  return (
    <Tooltip title={label}>
      <IconButton aria-label={label} onClick={() => setMode(dark ? 'light' : 'dark')} sx={{ color: 'text.secondary' }}>
        <Icon name={dark ? 'sun' : 'moon'} />
      </IconButton>
    </Tooltip>
  );
}

const PersonButton = observer(function PersonButton() {
  const { session } = useStores();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  return (
    <>
      <IconButton aria-label={`Signed in as ${session.who?.name ?? ''}`} aria-haspopup="menu" onClick={(event) => setAnchor(event.currentTarget)} sx={{ color: 'text.secondary' }}>
        <Icon name="user" />
      </IconButton>
      <Menu open={anchor !== null} anchorEl={anchor} onClose={() => setAnchor(null)}>
        <Box component="li" sx={{ px: 4, py: 1.5, minWidth: 200, borderBottom: 1, borderColor: 'divider', mb: 1, outline: 0 }} role="none">
          <Typography variant="h3" component="p">
            {session.who?.name}
          </Typography>
          <Typography variant="caption" sx={{ color: 'text.secondary' }}>
            role {session.who?.role}
          </Typography>
        </Box>
        <MenuItem onClick={() => void session.signOut()}>Sign out</MenuItem>
      </Menu>
    </>
  );
});
