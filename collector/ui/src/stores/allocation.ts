// How computes are shared out: the computes page by page, their shares when they come in sight.

import { computed, makeAutoObservable, observable, runInAction } from 'mobx';

import { type Allocation, readAllocations } from '../api/environments';
import { type ComputeSummary, readSummaryPage } from '../api/inventory';
import { Loadable } from './loadable';

interface Api {
  readPage: typeof readSummaryPage;
  readAllocations: typeof readAllocations;
}

const API: Api = { readPage: readSummaryPage, readAllocations };
const PAGE = 200;
/** Shares that are asked for at once. */
const ROUND = 100;
const SOON = 60;

export class AllocationStore {
  readonly computes = new Loadable<ComputeSummary[]>();
  readonly byCompute = observable.map<number, Allocation>([], { deep: false });
  next: string | null = null;
  private text = '';
  private readonly asked = new Set<number>();
  private readonly wanted = new Set<number>();
  private soon: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly api: Api = API) {
    makeAutoObservable<this, 'api' | 'text' | 'asked' | 'wanted' | 'soon'>(this, {
      computes: false,
      api: false,
      text: false,
      asked: false,
      wanted: false,
      soon: false,
      sharedOnly: computed,
    });
  }

  /** Reads the first page of computes that contain a text, anew. */
  show(text: string): void {
    this.text = text;
    this.asked.clear();
    this.byCompute.clear();
    this.next = null;
    void this.page([]);
  }

  async more(): Promise<void> {
    const [known, cursor] = [this.computes.value ?? [], this.next];
    if (cursor === null) return;
    await this.page(known, cursor);
  }

  /** Reads a page behind those that are known, unless something else is asked for meanwhile. */
  private async page(known: ComputeSummary[], cursor?: string): Promise<void> {
    let next: string | null = null;
    const read = await this.computes.load(async () => {
      const page = await this.api.readPage({ match: this.text || undefined, limit: PAGE, cursor });
      next = page.next ?? null;
      return [...known, ...page.items];
    });
    if (read) runInAction(() => (this.next = next));
  }

  /** Of what was read, the computes that several environments share. */
  get sharedOnly(): Loadable<ComputeSummary[]> {
    const list = new Loadable<ComputeSummary[]>();
    list.state = this.computes.state;
    list.error = this.computes.error;
    list.value = this.computes.value?.filter((compute) => compute.environments.length > 1) ?? null;
    return list;
  }

  /** Asks for the shares of computes that came in sight, once. */
  want(computes: number[]): void {
    for (const id of computes) if (!this.asked.has(id)) this.wanted.add(id);
    if (this.wanted.size > 0) this.soon ??= setTimeout(() => void this.ask(), SOON);
  }

  private async ask(): Promise<void> {
    this.soon = undefined;
    const round = [...this.wanted].slice(0, ROUND);
    for (const id of round) {
      this.wanted.delete(id);
      this.asked.add(id);
    }
    try {
      const found = await this.api.readAllocations('compute', round);
      runInAction(() => {
        for (const allocation of found) this.byCompute.set(allocation.resourceId, allocation);
      });
    } catch {
      // Asked again when they are in sight again.
      for (const id of round) this.asked.delete(id);
    }
    if (this.wanted.size > 0) this.want([]);
  }
}
