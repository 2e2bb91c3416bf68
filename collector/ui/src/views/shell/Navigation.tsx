import { Box } from '@mui/material';
import { NavLink, useSearchParams } from 'react-router';

import { Icon, type IconName } from '../../components/Icon';
import { Logo } from './Logo';

/** The last word is for the row of a phone. */
const VIEWS: [path: string, icon: IconName, name: string, short?: string][] = [
  ['/infrastructure', 'tree', 'Infrastructure', 'Infra'],
  ['/environments', 'layers', 'Environments', 'Envs'],
  ['/automation', 'robot', 'Automation', 'Agents'],
  ['/search', 'search', 'Search'],
  ['/query', 'code', 'Query'],
  ['/pictures', 'chart', 'Pictures'],
  ['/settings', 'settings', 'Settings'],
];

/** The views: a column beside the content, a row below it on a phone. */
export function Navigation() {
  const [params] = useSearchParams();
  const asOf = params.get('asOf');
  // The past is looked at in every view until somebody comes back to the present.
  const search = asOf ? `?asOf=${encodeURIComponent(asOf)}` : '';
  return (
    <Box
      component="nav"
      aria-label="Views"
      sx={{
        gridRow: { xs: 3, sm: '1 / 3' },
        gridColumn: 1,
        width: { xs: 'auto', sm: 60, lg: 178 },
        display: 'flex',
        flexDirection: { xs: 'row', sm: 'column' },
        justifyContent: { xs: 'space-between', sm: 'flex-start' },
        gap: 0.5,
        p: { xs: 1, sm: 2 },
        bgcolor: 'background.paper',
        borderRight: { sm: 1 },
        borderTop: { xs: 1, sm: 0 },
        borderColor: { xs: 'divider', sm: 'divider' },
      }}
    >
      <Box sx={{ display: { xs: 'none', sm: 'block' }, px: 1.5, pt: 1, pb: 4, overflow: 'hidden' }}>
        <Logo small />
      </Box>
      {VIEWS.map(([path, icon, name, short = name]) => (
        <Box
          key={path}
          component={NavLink}
          to={{ pathname: path, search }}
          // Where neither word is shown, this is what the link is called.
          title={name}
          sx={{
            display: 'flex',
            flexDirection: { xs: 'column', sm: 'row' },
            alignItems: 'center',
            justifyContent: { xs: 'center', sm: 'flex-start' },
            gap: { xs: 0, sm: 2.5 },
            px: { xs: 1, sm: 2.5 },
            py: { xs: 0.5, sm: 0 },
            height: { sm: 32 },
            minWidth: 0,
            borderRadius: 1.5,
            color: 'text.secondary',
            fontWeight: 500,
            fontSize: { xs: 10.5, sm: 13 },
            textDecoration: 'none',
            '&:hover': { bgcolor: 'action.hover', color: 'text.primary' },
            '&.active': { bgcolor: 'action.selected', color: 'text.primary', '& svg': { color: 'primary.main' } },
          }}
        >
          <Icon name={icon} size={17} />
          <Box component="span" sx={{ display: { xs: 'none', lg: 'block' }, overflow: 'hidden', textOverflow: 'ellipsis' }}>
            {name}
          </Box>
          <Box component="span" sx={{ display: { xs: 'block', sm: 'none' }, overflow: 'hidden', whiteSpace: 'nowrap' }}>
            {short}
          </Box>
        </Box>
      ))}
    </Box>
  );
}
