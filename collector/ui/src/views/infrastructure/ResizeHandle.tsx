import { Box } from '@mui/material';
import { observer } from 'mobx-react-lite';
import type { KeyboardEvent, PointerEvent } from 'react';

import { useStores } from '../../stores/root';

const STEP = 24;

/** Makes the detail pane wider or narrower, by pointer or arrow keys. */
export const ResizeHandle = observer(function ResizeHandle() {
  const { prefs } = useStores();
  const width = prefs.kept.detailWidth;
  const drag = (event: PointerEvent) => {
    const begin = { x: event.clientX, width };
    const handle = event.currentTarget as HTMLElement;
    handle.setPointerCapture(event.pointerId);
    const move = (moved: globalThis.PointerEvent) => prefs.setDetailWidth(begin.width + begin.x - moved.clientX);
    handle.addEventListener('pointermove', move);
    handle.addEventListener('pointerup', () => handle.removeEventListener('pointermove', move), { once: true });
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === 'ArrowLeft') prefs.setDetailWidth(width + STEP);
    if (event.key === 'ArrowRight') prefs.setDetailWidth(width - STEP);
  };
  return (
    <Box
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the details"
      aria-valuenow={width}
      aria-valuemin={360}
      aria-valuemax={900}
      tabIndex={0}
      onPointerDown={drag}
      onKeyDown={press}
      sx={{ display: { xs: 'none', md: 'block' }, width: 7, mr: '-7px', zIndex: 2, cursor: 'col-resize', '&:hover, &:focus-visible': { bgcolor: 'primary.main', opacity: 0.35 } }}
    />
  );
});
