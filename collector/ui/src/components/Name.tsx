import { visible } from '../format/text';

/** From this length on a name may be cut, and is whole in the hint. */
const LONG = 14;

/** A name that a host chose: text in its own direction, cut where the room ends, whole in the hint. */
export function Name({ text, mono = false, wrap = false }: { text: string | null | undefined; mono?: boolean; wrap?: boolean }) {
  if (text === null || text === undefined || text === '') return <Unknown />;
  const shown = visible(text);
  return (
    <bdi className={`name${wrap ? ' wrap' : ''}${mono ? ' mono' : ''}`} data-hint={shown.length > LONG && !wrap ? shown.slice(0, 1_000) : undefined} data-hint-cut="">
      {shown}
    </bdi>
  );
}

/** What is not known: never a zero, never left out. */
export function Unknown({ why }: { why?: string }) {
  return (
    <span className="quiet" role="img" aria-label={why ? `not known: ${why}` : 'not known'} data-hint={why}>
      ?
    </span>
  );
}
