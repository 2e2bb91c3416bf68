// One resource in full: what it is at once, the rest when its tab is opened.

import { makeAutoObservable, observable } from 'mobx';

import type { Change } from '../api/feed';
import {
  type Answer,
  type Association,
  type Capability,
  type HistoryEntry,
  type Kind,
  readAssociations,
  readCapabilities,
  readHistory,
  readOne,
  readTags,
  readWorkloads,
  type Tag,
  type Workload,
} from '../api/inventory';
import type { ClockStore } from './clock';
import type { LiveStore } from './live';
import { Loadable } from './loadable';

const HISTORY_PAGE = 50;
const SOON = 400;

export class DetailStore {
  kind: Kind | null = null;
  id = 0;
  readonly resource = new Loadable<Answer<Record<string, unknown>>>();
  readonly workloads = new Loadable<Workload[]>();
  readonly capabilities = new Loadable<Capability[]>();
  readonly tags = new Loadable<Tag[]>();
  readonly associations = new Loadable<Association[]>();
  readonly history = new Loadable<{ items: HistoryEntry[]; next: string | null }>();
  /** Also workloads that ended. */
  ended = false;
  /** What was opened and is read again when it changes. */
  private readonly opened = observable.set<Part>();
  private soon: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly clock: ClockStore,
    live: LiveStore,
  ) {
    makeAutoObservable<this, 'clock' | 'soon' | 'opened'>(this, {
      resource: false,
      workloads: false,
      capabilities: false,
      tags: false,
      associations: false,
      history: false,
      clock: false,
      soon: false,
      opened: false,
    });
    live.onChange((changes) => {
      if (changes.some((change) => this.concerns(change))) this.soon ??= setTimeout(() => this.refresh(), SOON);
    });
    live.onReset(() => this.refresh());
  }

  show(kind: Kind, id: number): void {
    if (this.kind === kind && this.id === id) return;
    this.kind = kind;
    this.id = id;
    this.opened.clear();
    for (const part of [this.resource, this.workloads, this.capabilities, this.tags, this.associations, this.history]) part.clear();
    void this.reload();
  }

  async reload(): Promise<void> {
    const { kind, id } = this;
    if (kind !== null) await this.resource.load(() => readOne(kind, id, this.clock.asOf));
  }

  /** Reads what a tab shows, once. */
  open(part: Part): void {
    if (this.opened.has(part)) return;
    this.opened.add(part);
    void this.read(part);
  }

  setEnded(ended: boolean): void {
    this.ended = ended;
    void this.read('workloads');
  }

  async moreHistory(): Promise<void> {
    const known = this.history.value;
    if (!known?.next) return;
    await this.history.load(async () => {
      const page = await readHistory({ ...this.historyOf, limit: HISTORY_PAGE, cursor: known.next ?? undefined });
      return { items: [...known.items, ...page.items], next: page.next ?? null };
    });
  }

  /** A compute's history tells of what runs on it, too. */
  private get historyOf(): Record<string, string | number> {
    if (this.kind === 'compute') return { computeId: this.id };
    return { resourceType: this.kind ?? '', resourceId: this.id };
  }

  async read(part: Part): Promise<void> {
    const { kind, id, clock } = this;
    if (kind === null) return;
    const items = async <T>(list: Promise<{ items: T[] }>) => (await list).items;
    if (part === 'workloads') {
      await this.workloads.load(() => items(readWorkloads({ computeId: id, ended: this.ended ? 'any' : undefined }, clock.asOf)));
    } else if (part === 'capabilities') await this.capabilities.load(() => items(readCapabilities(id, clock.asOf)));
    else if (part === 'tags') await this.tags.load(() => items(readTags(kind, id, clock.asOf)));
    else if (part === 'associations') {
      await this.associations.load(() => items(readAssociations({ resourceType: kind, resourceId: id }, clock.asOf)));
    } else {
      await this.history.load(async () => {
        const page = await readHistory({ ...this.historyOf, limit: HISTORY_PAGE });
        return { items: page.items, next: page.next ?? null };
      });
    }
  }

  private concerns(change: Change): boolean {
    if (this.kind === null || !this.clock.isLive) return false;
    if (change.resourceType === this.kind && change.resourceId === this.id) return true;
    return this.kind === 'compute' && change.computeId === this.id;
  }

  refresh(): void {
    this.soon = undefined;
    void this.reload();
    for (const part of this.opened) void this.read(part);
  }
}

export type Part = 'workloads' | 'capabilities' | 'tags' | 'associations' | 'history';
