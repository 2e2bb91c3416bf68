import { Box, Dialog, DialogContent, DialogTitle } from '@mui/material';

const KEYS: [keys: string[], what: string][] = [
  [['/'], 'Search'],
  [['j', '↓'], 'Next row'],
  [['k', '↑'], 'Row before'],
  [['l', '→'], 'Open a branch'],
  [['h', '←'], 'Close a branch, or go to its parent'],
  [['Enter'], 'Show the row’s details'],
  [['Esc'], 'Close details, or clear the filter'],
  [['f'], 'Filter the tree'],
  [['t'], 'Look at another time'],
  [['?'], 'This list'],
];

export function HelpDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} maxWidth="xs" fullWidth aria-labelledby="help-title">
      <DialogTitle id="help-title" sx={{ fontSize: 15, fontWeight: 620 }}>
        Keyboard
      </DialogTitle>
      <DialogContent>
        <Box component="dl" sx={{ display: 'grid', gridTemplateColumns: '110px 1fr', rowGap: 2, m: 0 }}>
          {KEYS.map(([keys, what]) => (
            <Box key={what} sx={{ display: 'contents' }}>
              <Box component="dt">
                {keys.map((key) => (
                  <Box component="kbd" key={key} sx={{ display: 'inline-block', minWidth: 22, textAlign: 'center', px: 1.5, mr: 1, border: 1, borderColor: 'divider', borderRadius: 1, fontFamily: 'var(--mono)', fontSize: 12 }}>
                    {key}
                  </Box>
                ))}
              </Box>
              <Box component="dd" sx={{ m: 0 }}>
                {what}
              </Box>
            </Box>
          ))}
        </Box>
      </DialogContent>
    </Dialog>
  );
}
