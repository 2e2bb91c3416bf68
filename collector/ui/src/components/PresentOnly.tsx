import { observer } from 'mobx-react-lite';

import { useStores } from '../stores/root';

/** Says of what is kept without a past that it is the present, while people look at the past. */
export const PresentOnly = observer(function PresentOnly({ what }: { what: string }) {
  const { clock } = useStores();
  if (clock.isLive) return null;
  return (
    <p role="note" className="present-only">
      {what} told for the present, not for the time above.
    </p>
  );
});
