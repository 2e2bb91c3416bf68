// Agents, join tokens, matches and targets: lists that are read again when something happens.

import { makeAutoObservable } from 'mobx';

import { type Agent, type JoinToken, type Match, readAgents, readJoinTokens, readMatches, readTargets, type Target } from '../api/automation';
import { type Operation, readOperations } from '../api/identity';
import type { LiveStore } from './live';
import { Loadable } from './loadable';

const EVERY = 15_000;
const SOON = 600;

export type Part = 'agents' | 'tokens' | 'matches' | 'operations' | 'targets';

export class AutomationStore {
  readonly agents = new Loadable<Agent[]>();
  readonly tokens = new Loadable<JoinToken[]>();
  readonly matches = new Loadable<Match[]>();
  readonly operations = new Loadable<Operation[]>();
  readonly targets = new Loadable<Target[]>();
  private shown: Part | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  private soon: ReturnType<typeof setTimeout> | undefined;

  constructor(live: LiveStore) {
    makeAutoObservable<this, 'shown' | 'timer' | 'soon'>(this, { agents: false, tokens: false, matches: false, operations: false, targets: false, shown: false, timer: false, soon: false });
    live.onChange(() => {
      if (this.shown) this.soon ??= setTimeout(() => this.again(), SOON);
    });
  }

  /** Shows a list and keeps it fresh: liveness is no change, so it is asked for from time to time. */
  show(part: Part): void {
    this.shown = part;
    void this.read(part);
    this.timer ??= setInterval(() => this.again(), EVERY);
  }

  leave(): void {
    this.shown = null;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  get openMatches(): Match[] {
    return (this.matches.value ?? []).filter((match) => match.state === 'OPEN');
  }

  agent(id: string): Agent | null {
    return this.agents.value?.find((agent) => agent.id === id) ?? null;
  }

  async read(part: Part): Promise<void> {
    if (part === 'agents') await this.agents.load(async () => (await readAgents()).items);
    else if (part === 'tokens') await this.tokens.load(async () => (await readJoinTokens()).items.sort((one, other) => other.createdAt.localeCompare(one.createdAt)));
    else if (part === 'matches') await this.matches.load(async () => (await readMatches()).items);
    else if (part === 'operations') await this.operations.load(async () => (await readOperations({ limit: 500 })).items);
    else await this.targets.load(async () => (await readTargets()).items);
  }

  private again(): void {
    this.soon = undefined;
    if (this.shown) void this.read(this.shown);
  }
}
