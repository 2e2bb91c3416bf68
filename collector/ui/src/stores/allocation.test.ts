import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Page } from '../api/client';
import type { Allocation } from '../api/environments';
import type { ComputeSummary } from '../api/inventory';
import { AllocationStore } from './allocation';

const compute = (id: number, environments = 1) => ({ id, name: `c${id}`, environments: Array.from({ length: environments }, () => ({})) }) as ComputeSummary;
const allocation = (resourceId: number) => ({ resourceId, idle: 100 }) as Allocation;
const page = (items: ComputeSummary[], next: string | null = null): Page<ComputeSummary> => ({ items, next, sequence: 1 });
const settled = () => vi.advanceTimersByTimeAsync(0);

describe('how computes are shared out', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is read page by page, and the answer to an older question is dropped', async () => {
    const answers = new Map<string, (page: Page<ComputeSummary>) => void>();
    const store = new AllocationStore({
      readPage: (query) => new Promise((resolve) => answers.set(`${String(query.match ?? '')}${String(query.cursor ?? '')}`, resolve)),
      readAllocations: () => Promise.resolve([]),
    });
    store.show('a');
    store.show('b');
    answers.get('b')?.(page([compute(2)], 'after-2'));
    await settled();
    answers.get('a')?.(page([compute(1)], 'after-1'));
    await settled();
    expect([store.computes.value?.map((one) => one.id), store.next]).toEqual([[2], 'after-2']);
    const more = store.more();
    answers.get('bafter-2')?.(page([compute(3)]));
    await more;
    expect([store.computes.value?.map((one) => one.id), store.next]).toEqual([[2, 3], null]);
    await store.more();
    expect(store.computes.value).toHaveLength(2);
  });

  it('asks for shares of what is in sight once, a hundred at a time', async () => {
    const asked: number[][] = [];
    const store = new AllocationStore({
      readPage: () => Promise.resolve(page([])),
      readAllocations: (_, ids) => {
        asked.push(ids);
        return Promise.resolve(ids.map(allocation));
      },
    });
    store.want(Array.from({ length: 130 }, (_, index) => index));
    store.want([5, 129]);
    await vi.advanceTimersByTimeAsync(500);
    expect(asked.map((ids) => ids.length)).toEqual([100, 30]);
    expect(store.byCompute.size).toBe(130);
    store.want([5]);
    await vi.advanceTimersByTimeAsync(500);
    expect(asked).toHaveLength(2);
  });

  it('asks again for what could not be read', async () => {
    let fails = true;
    const store = new AllocationStore({
      readPage: () => Promise.resolve(page([])),
      readAllocations: (_, ids) => (fails ? Promise.reject(new Error('no')) : Promise.resolve(ids.map(allocation))),
    });
    store.want([7]);
    await vi.advanceTimersByTimeAsync(500);
    expect(store.byCompute.has(7)).toBe(false);
    fails = false;
    store.want([7]);
    await vi.advanceTimersByTimeAsync(500);
    expect(store.byCompute.get(7)?.idle).toBe(100);
  });

  it('shows those that several environments share', async () => {
    const store = new AllocationStore({ readPage: () => Promise.resolve(page([compute(1), compute(2, 2), compute(3, 0)])), readAllocations: () => Promise.resolve([]) });
    store.show('');
    await settled();
    expect(store.sharedOnly.value?.map((one) => one.id)).toEqual([2]);
    expect(store.sharedOnly.state).toBe('ready');
  });
});
