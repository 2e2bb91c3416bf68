// Texts that hosts chose. They are shown as text, in their own direction, and with what cannot be seen made visible.

/** Characters that reorder or hide others: they could make one name look like another. */
// eslint-disable-next-line no-control-regex
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Makes what cannot be seen visible: `⟨202E⟩`. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, (letter) => `⟨${letter.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`);
}

/** Cuts in the middle, where names differ least. */
export function middle(text: string, most: number): string {
  if (text.length <= most) return text;
  const half = Math.floor((most - 1) / 2);
  return `${text.slice(0, half)}…${text.slice(text.length - half)}`;
}

const WORDS: Record<string, string> = {
  availability_zone: 'availability zone',
  k8s_namespace: 'namespace',
  k8s_cluster: 'cluster',
  k8s_pod: 'pod',
};

/** A word of the database for people. */
export const word = (text: string): string => WORDS[text] ?? text.replaceAll('_', ' ').toLowerCase();

/** `osDistribution` as `OS distribution`. */
export function fieldName(name: string): string {
  const spaced = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase()
    .replace(/\b(os|ip|cpu|id|gb|mb|mac|tb|dr|url)\b/g, (short) => short.toUpperCase());
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
