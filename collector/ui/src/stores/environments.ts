// Environments with what belongs to each; what rules infer, for people to judge; the rules.

import { makeAutoObservable, observable, runInAction } from 'mobx';

import { type Association, decide, type EnvironmentSummary, readInferred, readRules, readSummary, readViolations, type Rule, type Verdict, type Violation } from '../api/environments';
import { type Environment, readEnvironments } from '../api/inventory';
import type { ClockStore } from './clock';
import type { LiveStore } from './live';
import { Loadable } from './loadable';

const SOON = 1_500;

export class EnvironmentsStore {
  readonly list = new Loadable<Environment[]>();
  readonly summaries = observable.map<number, Loadable<EnvironmentSummary>>([], { deep: false });
  readonly inferred = new Loadable<Association[]>();
  readonly rules = new Loadable<Rule[]>();
  readonly violations = new Loadable<Violation[]>();
  /** Associations that are picked to be decided together. */
  readonly picked = observable.set<number>();
  private soon: ReturnType<typeof setTimeout> | undefined;
  private summarising = false;

  constructor(
    private readonly clock: ClockStore,
    live: LiveStore,
  ) {
    makeAutoObservable<this, 'clock' | 'soon' | 'summarising'>(this, { summarising: false, list: false, inferred: false, rules: false, violations: false, clock: false, soon: false });
    live.onChange((changes) => {
      const ours = changes.some((change) => change.resourceType.startsWith('environment'));
      if (ours && this.list.state !== 'idle') this.soon ??= setTimeout(() => this.again(), SOON);
    });
  }

  async open(): Promise<void> {
    if (this.list.state === 'idle') await this.reload();
  }

  async reload(): Promise<void> {
    await this.list.load(async () => (await readEnvironments(this.clock.asOf)).items.sort((one, other) => one.code.localeCompare(other.code)));
  }

  byId(id: number): Environment | null {
    return this.list.value?.find((environment) => environment.id === id) ?? null;
  }

  summary(id: number): Loadable<EnvironmentSummary> | undefined {
    return this.summaries.get(id);
  }

  async readSummary(id: number): Promise<void> {
    const known = this.summaries.get(id) ?? new Loadable<EnvironmentSummary>();
    runInAction(() => this.summaries.set(id, known));
    await known.load(() => readSummary(id));
  }

  /** Reads what each environment has, one after the other: that takes a while where there are many computes. */
  async readSummaries(): Promise<void> {
    if (this.summarising) return;
    this.summarising = true;
    try {
      await this.open();
      for (const environment of this.list.value ?? []) {
        if (this.summaries.get(environment.id)?.state !== 'ready') await this.readSummary(environment.id);
      }
    } finally {
      this.summarising = false;
    }
  }

  async readInferred(): Promise<void> {
    await this.inferred.load(async () => (await readInferred()).items);
    runInAction(() => {
      const there = new Set(this.inferred.value?.map((association) => association.id));
      for (const id of [...this.picked]) if (!there.has(id)) this.picked.delete(id);
    });
  }

  async readRules(): Promise<void> {
    await this.rules.load(async () => (await readRules()).sort((one, other) => one.priority - other.priority));
  }

  async readViolations(): Promise<void> {
    await this.violations.load(readViolations);
  }

  pick(id: number, picked: boolean): void {
    if (picked) this.picked.add(id);
    else this.picked.delete(id);
  }

  pickAll(picked: boolean): void {
    this.picked.clear();
    if (picked) for (const association of this.inferred.value ?? []) this.picked.add(association.id);
  }

  /** Decides what is picked; returns what was not done, with the reason. */
  async decidePicked(decision: Verdict['decision'], environmentId?: number): Promise<string[]> {
    const verdicts = [...this.picked].map((associationId) => ({ associationId, decision, ...(environmentId === undefined ? {} : { environmentId }) }));
    const refused: string[] = [];
    for (let at = 0; at < verdicts.length; at += 500) {
      const results = await decide(verdicts.slice(at, at + 500));
      refused.push(...results.filter((result) => !result.done).map((result) => result.reason ?? 'not done'));
    }
    runInAction(() => this.picked.clear());
    await this.readInferred();
    return refused;
  }

  private again(): void {
    this.soon = undefined;
    void this.reload();
    for (const id of this.summaries.keys()) void this.readSummary(id);
    if (this.inferred.state !== 'idle') void this.readInferred();
  }
}
