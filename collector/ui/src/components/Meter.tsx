import { NOT_KNOWN, percent } from '../format/units';

interface Props {
  /** What is used. */
  part: number | null | undefined;
  /** Of how much. */
  whole: number | null | undefined;
  /** What it is, for the hint. */
  label: string;
  width?: number;
}

/** Use of something as a bar and a number. Unknown is an empty outline and a question mark, never a bar of length zero. */
export function Meter({ part, whole, label, width = 44 }: Props) {
  const share = part !== null && part !== undefined && whole ? Math.min(1, part / whole) : null;
  const text = percent(part, whole);
  const tone = share === null ? 'none' : share > 0.9 ? 'bad' : share > 0.75 ? 'warn' : 'accent';
  return (
    <span className="meter" data-hint={text === NOT_KNOWN ? `${label}: not known` : `${label}: ${text}`}>
      <span className={`bar ${tone}`} style={{ width }}>
        {share !== null && <span style={{ width: `${Math.max(2, share * 100)}%` }} />}
      </span>
      <span className="figure">{text}</span>
    </span>
  );
}
