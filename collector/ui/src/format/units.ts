// Quantities with their units. `null` and `undefined` are not known and are shown as `?`.

export const NOT_KNOWN = '?';

type Amount = number | null | undefined;

const known = (amount: Amount): amount is number => amount !== null && amount !== undefined && Number.isFinite(amount);

/** `1 234`, grouped by thin spaces, so that columns of numbers can be compared. */
export function count(amount: Amount): string {
  if (!known(amount)) return NOT_KNOWN;
  return String(Math.round(amount)).replace(/\B(?=(\d{3})+$)/g, '\u2009');
}

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Bytes with three digits at most: `1.5 GiB`. */
export function bytes(amount: Amount): string {
  if (!known(amount)) return NOT_KNOWN;
  let value = Math.abs(amount);
  let unit = 0;
  while (value >= 1_024 && unit < BINARY.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${amount < 0 ? '-' : ''}${Number(value.toFixed(digits))} ${BINARY[unit] ?? ''}`;
}

/** The largest unit that an amount of bytes is shown in. */
export const byteUnit = (amount: number): number => 1_024 ** Math.max(0, Math.min(BINARY.length - 1, Math.floor(Math.log(Math.max(1, amount)) / Math.log(1_024))));

export const mebibytes = (amount: Amount): string => (known(amount) ? bytes(amount * 1_048_576) : NOT_KNOWN);
export const gibibytes = (amount: Amount): string => (known(amount) ? `${count(amount)} GiB` : NOT_KNOWN);

/** Thousandths of a core: `0.25 cores`. */
export function cores(millicores: Amount): string {
  if (!known(millicores)) return NOT_KNOWN;
  const value = millicores / 1_000;
  return value >= 1_000 ? count(value) : `${Number(value.toFixed(value < 10 ? 2 : 1))}`;
}

/** A share as per cent, rounded down near the end: 100 % means all of it. */
export function percent(part: Amount, whole: Amount): string {
  if (!known(part) || !known(whole) || whole <= 0) return NOT_KNOWN;
  const share = (part / whole) * 100;
  if (share > 0 && share < 1) return '< 1 %';
  if (share < 100 && share > 99) return '99 %';
  return `${Math.round(share)} %`;
}

/** `1 compute`, `2 computes`. */
export const plural = (amount: number, one: string, many = `${one}s`): string =>
  `${count(amount)} ${amount === 1 ? one : many}`;
