import { word } from '../format/text';

/** What a status means for whoever must act. Each has a shape of its own besides its colour. */
export type Meaning = 'well' | 'warn' | 'bad' | 'unknown' | 'ended';

const WORDS: Record<string, Meaning> = {
  active: 'well',
  connected: 'well',
  healthy: 'well',
  running: 'well',
  open: 'warn',
  starting: 'warn',
  degraded: 'warn',
  paused: 'warn',
  restarting: 'warn',
  pending: 'warn',
  held: 'warn',
  created: 'warn',
  failing: 'bad',
  failed: 'bad',
  unreachable: 'bad',
  quarantined: 'bad',
  revoked: 'bad',
  unhealthy: 'bad',
  dead: 'bad',
  unknown: 'unknown',
  unwatched: 'unknown',
  ended: 'ended',
  exited: 'ended',
  stopped: 'ended',
  inactive: 'ended',
  expired: 'ended',
  absent: 'ended',
  resolved: 'ended',
};

export const meaning = (status: string | null | undefined): Meaning => (status ? (WORDS[status.toLowerCase()] ?? 'unknown') : 'unknown');

const SHAPE: Record<Meaning, React.ReactNode> = {
  well: <circle cx="5" cy="5" r="4" fill="currentColor" />,
  warn: <path d="M5 .8 9.600 9H.400z" fill="currentColor" />,
  bad: <path d="M5 0l5 5-5 5-5-5z" fill="currentColor" />,
  unknown: <circle cx="5" cy="5" r="3.600" fill="none" stroke="currentColor" strokeWidth="1.500" strokeDasharray="2 1.500" />,
  ended: <rect x="1.500" y="1.500" width="7" height="7" rx="1" fill="none" stroke="currentColor" strokeWidth="1.500" />,
};

export function StatusMark({ is, label }: { is: Meaning; label?: string }) {
  return (
    <svg className={`mark ${is}`} viewBox="0 0 10 10" role={label ? 'img' : undefined} aria-label={label} aria-hidden={label ? undefined : true}>
      {SHAPE[is]}
    </svg>
  );
}

/** Words of the database that people say differently. */
const SHOWN: Record<string, string> = { ACTIVE: 'up' };

/** A status as a mark and its word. */
export function Status({ status, why, shown }: { status: string | null | undefined; why?: string | null; shown?: string }) {
  const is = meaning(status);
  return (
    <span className={`status ${is}`} data-hint={why ?? undefined}>
      <StatusMark is={is} />
      <span>{shown ?? (status ? (SHOWN[status] ?? word(status)) : 'unknown')}</span>
    </span>
  );
}
