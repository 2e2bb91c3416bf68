// Times as people read them. What is not known is said, never shown as the beginning of 1970.

export const UNKNOWN = 'unknown';

const parse = (text: string | null | undefined): number | null => {
  const at = text ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : at;
};

const UNITS: [seconds: number, one: string][] = [
  [86_400 * 365, 'y'],
  [86_400 * 30, 'mo'],
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
];

/** A length of time in its two largest units: `3 d 4 h`, `12 s`. */
export function duration(milliseconds: number): string {
  let seconds = Math.max(0, Math.round(milliseconds / 1_000));
  const parts: string[] = [];
  for (const [size, unit] of UNITS) {
    const count = Math.floor(seconds / size);
    if (count > 0 || parts.length > 0) {
      if (count > 0) parts.push(`${count} ${unit}`);
      seconds -= count * size;
      if (parts.length === 2 || (parts.length === 1 && count === 0)) return parts.join(' ');
    }
  }
  if (parts.length > 0) return parts.join(' ');
  return `${seconds} s`;
}

/** The page's clock moves every few seconds: what just happened may be ahead of it by as much. */
const AHEAD = 6_000;

/** How long ago, or how far ahead. */
export function ago(text: string | null | undefined, now: number): string {
  const at = parse(text);
  if (at === null) return UNKNOWN;
  const difference = now - at;
  if (difference < 1_500 && difference > -AHEAD) return 'now';
  return difference > 0 ? `${duration(difference)} ago` : `in ${duration(-difference)}`;
}

const two = (number: number) => String(number).padStart(2, '0');

/** `2026-03-01 12:00:05`, in the zone of whoever looks. */
export function timestamp(text: string | null | undefined): string {
  const at = parse(text);
  if (at === null) return UNKNOWN;
  const date = new Date(at);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** What `<input type="datetime-local">` holds. */
export const toLocalInput = (at: number): string => timestamp(new Date(at).toISOString()).replace(' ', 'T');
