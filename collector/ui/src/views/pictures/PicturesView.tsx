import { Box } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect } from 'react';

import { PresentOnly } from '../../components/PresentOnly';
import { useStores } from '../../stores/root';
import { OverTime } from './OverTime';
import { Present } from './Present';

/** The inventory in pictures: over time, and as it is. */
export default observer(function PicturesView() {
  const { clock } = useStores();
  useEffect(() => {
    document.title = 'Pictures · Orchestrix';
  }, []);
  return (
    <Box tabIndex={0} role="region" aria-label="Pictures" sx={{ flex: 1, overflow: 'auto', p: { xs: 3, sm: 5 }, display: 'grid', gap: 4, alignContent: 'start' }}>
      <OverTime />
      {clock.isLive ? <Present /> : <PresentOnly what="Size and use of each compute are" />}
    </Box>
  );
});
