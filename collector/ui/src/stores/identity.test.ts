import { describe, expect, it } from 'vitest';

import type { Agent } from '../api/automation';
import type { Explanation, Fit, Operation } from '../api/identity';
import { canUndo, IdentityStore, speakerOf } from './identity';

const agent = (id: string, enrolledAt: string, state = 'ACTIVE') => ({ id, enrolledAt, state }) as Agent;
const operation = (id: number, state: string) => ({ id, state }) as unknown as Operation;

describe('the agent that speaks for a compute', () => {
  it('is the newest that is in force', () => {
    const old = agent('old', '2026-01-01T00:00:00Z');
    const young = agent('young', '2026-02-01T00:00:00Z');
    const revoked = agent('revoked', '2026-03-01T00:00:00Z', 'REVOKED');
    expect(speakerOf([old, young, revoked])).toBe(young);
    expect(speakerOf([revoked])).toBe(revoked);
    expect(speakerOf([])).toBeNull();
  });
});

describe('who a compute is', () => {
  const explained: [string, number | undefined][] = [];
  const api = {
    readAgentsOf: (compute: number) => Promise.resolve(compute === 9 ? [] : [agent(`of-${compute}`, '2026-01-01T00:00:00Z')]),
    readOperations: () => Promise.resolve({ items: [operation(1, 'DONE')], next: null, sequence: 1 }),
    explainMatch: (id: string, other?: number) => {
      explained.push([id, other]);
      return Promise.resolve({ asked: other === undefined ? null : ({ computeId: other } as unknown as Fit) } as Explanation);
    },
  };

  it('is told by the agent that speaks for it', async () => {
    const store = new IdentityStore(api);
    store.show(4);
    await store.read();
    expect(store.speaker?.id).toBe('of-4');
    expect(store.operations.value?.map(canUndo)).toEqual([true]);
    expect(explained.at(-1)).toEqual(['of-4', undefined]);
    await store.ask(12);
    expect(explained.at(-1)).toEqual(['of-4', 12]);
    expect(store.asked.value).toEqual({ computeId: 12 });
  });

  it('is not known of a compute without an agent, and nothing is left of the one before', async () => {
    const store = new IdentityStore(api);
    store.show(4);
    await store.read();
    await store.ask(12);
    const before = explained.length;
    store.show(9);
    expect(store.asked.value).toBeNull();
    expect(store.agents.value).toBeNull();
    await store.read();
    expect(store.explanation.value).toBeNull();
    await store.ask(12);
    expect(explained).toHaveLength(before);
  });

  it('offers to undo only what stands', () => {
    expect(canUndo(operation(1, 'UNDONE'))).toBe(false);
  });
});
