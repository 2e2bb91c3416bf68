// What changes while somebody looks: the change feed, and which rows glow because of it.

import { makeAutoObservable, observable, observableShallow, runInAction } from 'mobx';

import { type Change, type FeedEvent, follow } from '../api/feed';

/** How long a change glows. */
export const GLOW = 2_400;
/** Changes that are kept to be shown; older ones are in the history. */
const KEPT = 200;
const PAUSES = [500, 1_000, 2_000, 5_000, 10_000];

export type LiveState = 'off' | 'connecting' | 'live' | 'waiting';

export const resourceKey = (type: string, id: number | string): string => `${type}:${id}`;

type Listener = (changes: Change[]) => void;

export class LiveStore {
  state: LiveState = 'off';
  sequence: number | null = null;
  /** The newest first. */
  recent: Change[] = [];
  /** Changes since the page was opened. */
  told = 0;
  /** Rows that glow, with the number of the change that made them. */
  readonly glowing = observable.map<string, number>();

  private readonly listeners = new Set<Listener>();
  private readonly resets = new Set<() => void>();
  private abort: AbortController | null = null;
  private batch: Change[] = [];
  private flushing: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly feed: typeof follow = follow) {
    makeAutoObservable<this, 'listeners' | 'resets' | 'abort' | 'batch' | 'flushing' | 'feed'>(this, {
      recent: observableShallow,
      listeners: false,
      resets: false,
      abort: false,
      batch: false,
      flushing: false,
      feed: false,
    });
  }

  /** Calls back with what changed, several changes at once; returns how to stop it. */
  onChange(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Calls back when everything must be read again. */
  onReset(listener: () => void): () => void {
    this.resets.add(listener);
    return () => this.resets.delete(listener);
  }

  start(): void {
    if (this.abort) return;
    this.abort = new AbortController();
    void this.run(this.abort.signal);
  }

  stop(): void {
    this.abort?.abort();
    this.abort = null;
    this.state = 'off';
  }

  private async run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; failures += 1) {
      runInAction(() => (this.state = failures === 0 ? 'connecting' : 'waiting'));
      try {
        for await (const event of this.feed(this.sequence, signal)) {
          failures = 0;
          this.take(event);
        }
      } catch {
        // Told by the state; what failed is tried again.
      }
      if (signal.aborted) return;
      runInAction(() => (this.state = 'waiting'));
      const pause = PAUSES[Math.min(failures, PAUSES.length - 1)] ?? 0;
      await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
    }
  }

  private take(event: FeedEvent): void {
    this.state = 'live';
    if (event.kind === 'change') {
      this.sequence = event.change.sequence;
      this.batch.push(event.change);
      // A burst is shown as one step.
      this.flushing ??= setTimeout(() => this.flush(), 120);
    } else if (event.kind !== 'alive') {
      this.sequence = event.sequence;
      if (event.kind === 'reset') for (const listener of this.resets) listener();
    }
  }

  private flush(): void {
    this.flushing = undefined;
    const changes = this.batch;
    this.batch = [];
    this.told += changes.length;
    this.recent = [...changes.slice(-KEPT).reverse(), ...this.recent].slice(0, KEPT);
    const keys = new Map<string, number>();
    for (const change of changes) {
      keys.set(resourceKey(change.resourceType, change.resourceId), change.sequence);
      if (change.computeId !== null && change.computeId !== undefined) keys.set(resourceKey('compute', change.computeId), change.sequence);
    }
    // What glows already goes on: several changes of one thing at once are one glow.
    for (const [key, sequence] of keys) if (!this.glowing.has(key)) this.glowing.set(key, sequence);
    setTimeout(() => this.fade(keys), GLOW);
    for (const listener of this.listeners) listener(changes);
  }

  private fade(keys: Map<string, number>): void {
    for (const [key, sequence] of keys) if (this.glowing.get(key) === sequence) this.glowing.delete(key);
  }
}
