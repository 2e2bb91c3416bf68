// Who a compute is: why its host was matched, what was done to it, and whether something else could be it.

import { makeAutoObservable } from 'mobx';

import { type Explanation, explainMatch, type Fit, type Operation, readAgentsOf, readOperations } from '../api/identity';
import type { Agent } from '../api/automation';
import { Loadable } from './loadable';

interface Api {
  explainMatch: typeof explainMatch;
  readOperations: typeof readOperations;
  readAgentsOf: typeof readAgentsOf;
}

const API: Api = { explainMatch, readOperations, readAgentsOf };
const MOST = 200;

export class IdentityStore {
  compute = 0;
  readonly agents = new Loadable<Agent[]>();
  readonly explanation = new Loadable<Explanation | null>();
  readonly operations = new Loadable<Operation[]>();
  readonly asked = new Loadable<Fit | null>();

  constructor(private readonly api: Api = API) {
    makeAutoObservable<this, 'api'>(this, { agents: false, explanation: false, operations: false, asked: false, api: false });
  }

  /** Shows a compute; reads everything anew when it is shown already. */
  show(compute: number): void {
    if (this.compute !== compute) for (const part of [this.agents, this.explanation, this.operations, this.asked]) part.clear();
    this.compute = compute;
    void this.read();
  }

  async read(): Promise<void> {
    const { compute } = this;
    const agents = this.agents.load(() => this.api.readAgentsOf(compute));
    const operations = this.operations.load(async () => (await this.api.readOperations({ computeId: compute, limit: MOST })).items);
    const found = await agents;
    const speaker = speakerOf(found ?? []);
    await this.explanation.load(async () => (speaker ? this.api.explainMatch(speaker.id) : null));
    await operations;
  }

  /** Why the host is not another compute, or why it may be. */
  async ask(other: number): Promise<void> {
    const speaker = this.speaker;
    if (speaker) await this.asked.load(async () => (await this.api.explainMatch(speaker.id, other)).asked ?? null);
  }

  get speaker(): Agent | null {
    return speakerOf(this.agents.value ?? []);
  }
}

/** The agent that speaks for a compute: one that is in force, the newest of them. */
export function speakerOf(agents: Agent[]): Agent | null {
  const inForce = agents.filter((agent) => agent.state !== 'REVOKED').sort((one, other) => other.enrolledAt.localeCompare(one.enrolledAt));
  return inForce[0] ?? agents[0] ?? null;
}

/** What can be undone now: the newest thing that was done and stands. */
export const canUndo = (operation: Operation): boolean => operation.state === 'DONE';
