import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { FeedParser, type Change, type FeedEvent } from '../api/feed';
import { compareCells } from '../components/DataTable';
import { ClockStore } from './clock';
import { GLOW, LiveStore } from './live';
import { Loadable } from './loadable';
import { PrefsStore } from './prefs';

const change = (sequence: number, resourceId: number, computeId = 1): Change => ({
  sequence,
  recordedAt: '2026-03-01T12:00:00Z',
  happenedAt: '2026-03-01T12:00:00Z',
  actorKind: 'agent',
  actorId: 'a',
  changeKind: 'altered',
  resourceType: 'workload',
  resourceId,
  resourceName: 'web',
  computeId,
});

describe('the change feed', () => {
  it('is read in whatever pieces it comes', () => {
    const text = `event: ready\nid: 4\ndata: {"sequence":4}\n\n: alive\n\nevent: change\nid: 5\ndata: ${JSON.stringify(change(5, 7))}\n\n`;
    for (const size of [1, 7, 1_000]) {
      const parser = new FeedParser();
      const events: FeedEvent[] = [];
      for (let at = 0; at < text.length; at += size) events.push(...parser.push(text.slice(at, at + size)));
      expect(events.map((event) => event.kind)).toEqual(['ready', 'alive', 'change']);
    }
  });
});

describe('what changes while somebody looks', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const feed = (events: FeedEvent[]) =>
    async function* (_: number | null, signal: AbortSignal): AsyncGenerator<FeedEvent> {
      yield* events;
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    };

  it('glows once, together with its compute', async () => {
    const live = new LiveStore(feed([{ kind: 'ready', sequence: 4 }, { kind: 'change', change: change(5, 7) }]));
    live.start();
    await vi.advanceTimersByTimeAsync(200);
    expect([...live.glowing.keys()].sort()).toEqual(['compute:1', 'workload:7']);
    expect(live.state).toBe('live');
    await vi.advanceTimersByTimeAsync(GLOW + 10);
    expect(live.glowing.size).toBe(0);
    live.stop();
  });

  it('glows once for several changes of one thing', async () => {
    const slow = async function* (): AsyncGenerator<FeedEvent> {
      yield { kind: 'change', change: change(5, 7) };
      await new Promise((resolve) => setTimeout(resolve, 500));
      yield { kind: 'change', change: change(6, 7) };
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    };
    const live = new LiveStore(slow);
    live.start();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(live.told).toBe(2);
    expect(live.glowing.get('workload:7')).toBe(5);
    await vi.advanceTimersByTimeAsync(GLOW);
    expect(live.glowing.size).toBe(0);
    live.stop();
  });

  it('is told in bursts and kept in bounds', async () => {
    const many: FeedEvent[] = Array.from({ length: 1_000 }, (_, index) => ({ kind: 'change', change: change(index + 1, index) }));
    const live = new LiveStore(feed(many));
    const bursts: number[] = [];
    live.onChange((changes) => bursts.push(changes.length));
    live.start();
    await vi.advanceTimersByTimeAsync(200);
    expect(bursts).toEqual([1_000]);
    expect(live.recent).toHaveLength(200);
    expect(live.recent[0]?.sequence).toBe(1_000);
    await vi.advanceTimersByTimeAsync(GLOW + 10);
    expect(live.glowing.size).toBe(0);
    live.stop();
  });

  it('goes on where it was after an interruption', async () => {
    const asked: (number | null)[] = [];
    const broken = async function* (since: number | null): AsyncGenerator<FeedEvent> {
      asked.push(since);
      await Promise.resolve();
      yield { kind: 'change', change: change(9, 1) };
    };
    const live = new LiveStore(broken);
    live.start();
    await vi.advanceTimersByTimeAsync(3_000);
    live.stop();
    expect(asked.slice(0, 2)).toEqual([null, 9]);
  });
});

describe('something that is read', () => {
  it('takes the answer to the newest question', async () => {
    const loadable = new Loadable<string>();
    let answer: (text: string) => void = () => undefined;
    const first = loadable.load(() => new Promise<string>((resolve) => (answer = resolve)));
    await loadable.load(() => Promise.resolve('second'));
    answer('first');
    await first;
    expect(loadable.value).toBe('second');
  });

  it('keeps what it has when it cannot be read again', async () => {
    const loadable = new Loadable<string>();
    await loadable.load(() => Promise.resolve('known'));
    await loadable.load(() => Promise.reject(new Error('away')));
    expect([loadable.state, loadable.value]).toEqual(['failed', 'known']);
  });
});

describe('the clock', () => {
  it('looks at a time only when it is one', () => {
    const clock = new ClockStore();
    clock.look('2026-03-01T12:00:00Z');
    expect(clock.isLive).toBe(false);
    expect(clock.reference).toBe(Date.parse('2026-03-01T12:00:00Z'));
    clock.look('soon');
    expect(clock.isLive).toBe(true);
  });
});

describe('preferences', () => {
  it('survive a storage that is forbidden or holds something else', () => {
    const forbidden = { getItem: () => 'nonsense', setItem: () => { throw new Error('forbidden'); } };
    const prefs = new PrefsStore(forbidden);
    prefs.setColumns('tree', ['status', 'gone']);
    expect(prefs.columns('tree', ['status', 'cpu'], [])).toEqual(['status']);
  });
});

describe('sorting', () => {
  it('puts what is not known last, whichever way', () => {
    const cells = [null, 3, 1, undefined, 2];
    expect([...cells].sort((one, other) => compareCells(one, other, false))).toEqual([1, 2, 3, null, undefined]);
    expect([...cells].sort((one, other) => compareCells(one, other, true)).slice(0, 3)).toEqual([3, 2, 1]);
    expect(compareCells('host-2', 'host-10', false)).toBeLessThan(0);
  });
});
