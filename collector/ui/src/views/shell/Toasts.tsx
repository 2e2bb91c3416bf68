import { Button, Snackbar } from '@mui/material';
import { observer } from 'mobx-react-lite';

import { useStores } from '../../stores/root';

export const Toasts = observer(function Toasts() {
  const { toast } = useStores();
  const { shown } = toast;
  return (
    <Snackbar
      open={shown !== null}
      autoHideDuration={8_000}
      onClose={(_, reason) => reason !== 'clickaway' && toast.close()}
      message={shown?.text ?? ''}
      action={
        shown?.undo && (
          <Button size="small" sx={{ color: 'inherit', textDecoration: 'underline' }} onClick={() => void toast.undo()}>
            Undo
          </Button>
        )
      }
    />
  );
});
