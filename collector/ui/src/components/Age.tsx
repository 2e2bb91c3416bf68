import { observer } from 'mobx-react-lite';

import { ago, timestamp } from '../format/time';
import { useStores } from '../stores/root';
import { Unknown } from './Name';

/** How long ago; the time itself is in the hint. */
export const Age = observer(function Age({ at, unknown = 'not known' }: { at: string | null | undefined; unknown?: string }) {
  const { clock } = useStores();
  if (!at) return <Unknown why={unknown} />;
  return (
    <time className="age" dateTime={at} data-hint={timestamp(at)}>
      {ago(at, clock.reference)}
    </time>
  );
});
