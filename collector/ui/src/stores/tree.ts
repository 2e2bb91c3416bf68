// The infrastructure as rows of a tree. Places are read at once, computes when their place is opened, workloads when
// their compute is: what is shown stays as it is while it is read again.

import { computed, makeAutoObservable, observable, runInAction } from 'mobx';

import type { Change } from '../api/feed';
import { type ComputeSummary, type Counts, type Place, type Places, readOne, readPlaces, readSummaries, readWorkloads, type Workload } from '../api/inventory';
import type { ClockStore } from './clock';
import { type LiveStore, resourceKey } from './live';
import { Loadable } from './loadable';

/** Computes in no place hang under a node of their own. */
export const UNPLACED = 'unplaced:0';

export type TreeNode = { key: string; depth: number; expandable: boolean; expanded: boolean; parent: string | null } & (
  | { kind: 'place'; place: Place }
  | { kind: 'unplaced'; counts: Counts }
  | { kind: 'compute'; compute: ComputeSummary }
  | { kind: 'workload'; workload: Workload }
  | { kind: 'note'; text: string; failed: boolean }
);

export interface TreeFilter {
  text: string;
  status: string;
  environment: string;
}

const NO_FILTER: TreeFilter = { text: '', status: '', environment: '' };
/** Computes that a filter shows at most. */
const MOST_MATCHES = 5_000;
/** Computes that are read again at a time: as many as a list takes values of one parameter. */
const ROUND = 100;
const SOON = 350;
const PLACES_EVERY = 4_000;

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
export const byName = (one: { name: string }, other: { name: string }): number => collator.compare(one.name, other.name);

export const placeKey = (place: { kind: string; id: number }): string => resourceKey(place.kind, place.id);

/** The place in whose list a compute stands. */
export const homeOf = (compute: ComputeSummary, known: (key: string) => boolean): string => {
  const datacenter = compute.datacenterId ? resourceKey('datacenter', compute.datacenterId) : null;
  const cloud = compute.cloudId ? resourceKey('cloud', compute.cloudId) : null;
  return [datacenter, cloud].find((key) => key !== null && known(key)) ?? UNPLACED;
};

export class TreeStore {
  readonly places = new Loadable<Places>();
  readonly computes = observable.map<string, Loadable<ComputeSummary[]>>([], { deep: false });
  readonly workloads = observable.map<number, Loadable<Workload[]>>([], { deep: false });
  readonly matches = new Loadable<{ items: ComputeSummary[]; more: boolean }>();
  readonly expanded = observable.set<string>();
  /** While a filter is on everything is open, but for these. */
  readonly folded = observable.set<string>();
  filter: TreeFilter = NO_FILTER;
  cursor: string | null = null;

  private opening: Promise<void> | null = null;
  private readonly stale = new Set<number>();
  private soon: ReturnType<typeof setTimeout> | undefined;
  private counted = 0;
  private counting: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly clock: ClockStore,
    live: LiveStore,
  ) {
    makeAutoObservable<this, 'clock' | 'opening' | 'stale' | 'soon' | 'counted' | 'counting'>(this, {
      places: false,
      matches: false,
      clock: false,
      opening: false,
      stale: false,
      soon: false,
      counted: false,
      counting: false,
      // They are asked for thousands of times at once, also where nobody watches.
      placeByKey: computed({ keepAlive: true }),
      childPlaces: computed({ keepAlive: true }),
    });
    live.onChange((changes) => this.changed(changes));
    live.onReset(() => void this.reload());
  }

  /** Reads the places unless they are there or on their way. */
  async open(): Promise<void> {
    this.opening ??= this.reload();
    await this.opening;
  }

  /** Reads everything again that is shown, for example at another time. */
  reload(): Promise<void> {
    this.opening = this.readAll();
    return this.opening;
  }

  private async readAll(): Promise<void> {
    const first = this.places.value === null;
    const places = await this.places.load(() => readPlaces(this.clock.asOf));
    if (!places) return;
    if (first) {
      this.openFirst(places);
      if (this.isFiltered) await this.findMatches();
      return;
    }
    runInAction(() => {
      for (const key of [...this.computes.keys()]) if (!this.expanded.has(key)) this.computes.delete(key);
      for (const id of [...this.workloads.keys()]) if (!this.expanded.has(resourceKey('compute', id))) this.workloads.delete(id);
    });
    await Promise.all([
      ...[...this.computes.keys()].map((key) => this.loadComputes(key)),
      ...[...this.workloads.keys()].map((id) => this.loadWorkloads(id)),
      this.isFiltered ? this.findMatches() : Promise.resolve(),
    ]);
  }

  /** Opens single branches down to where there is a choice, so that a small inventory shows its computes at once. */
  private openFirst(places: Places): void {
    const roots = places.items.filter((place) => !place.parentId);
    let level = roots;
    for (let guard = 0; level.length > 0 && level.length <= 6 && guard < 6; guard += 1) {
      for (const place of level) if (level.length <= 2 || place.kind !== 'datacenter') void this.expand(placeKey(place));
      level = level.flatMap((place) => this.childPlaces.get(placeKey(place)) ?? []);
    }
    if (places.total.computes === places.unplaced.computes) void this.expand(UNPLACED);
  }

  get isFiltered(): boolean {
    return this.filter.text !== '' || this.filter.status !== '' || this.filter.environment !== '';
  }

  get placeByKey(): Map<string, Place> {
    return new Map((this.places.value?.items ?? []).map((place) => [placeKey(place), place]));
  }

  get childPlaces(): Map<string, Place[]> {
    const children = new Map<string, Place[]>();
    for (const place of this.places.value?.items ?? []) {
      if (!place.parentKind || !place.parentId) continue;
      const key = resourceKey(place.parentKind, place.parentId);
      children.set(key, [...(children.get(key) ?? []), place]);
    }
    for (const list of children.values()) list.sort(byName);
    return children;
  }

  private get matchesByHome(): Map<string, ComputeSummary[]> {
    const homes = new Map<string, ComputeSummary[]>();
    for (const compute of this.matches.value?.items ?? []) {
      const home = homeOf(compute, (key) => this.placeByKey.has(key));
      const list = homes.get(home);
      if (list) list.push(compute);
      else homes.set(home, [compute]);
    }
    return homes;
  }

  /** Places that a filter leaves: with a match in them, or called so themselves. */
  private get keptPlaces(): Set<string> {
    const kept = new Set<string>();
    const keep = (key: string | null) => {
      for (let at = key; at !== null && !kept.has(at); at = this.parentOf(at)) kept.add(at);
    };
    for (const home of this.matchesByHome.keys()) keep(home);
    const text = this.filter.text.toLowerCase();
    if (text !== '' && this.filter.status === '' && this.filter.environment === '') {
      for (const place of this.places.value?.items ?? []) {
        if (`${place.name} ${place.label ?? ''}`.toLowerCase().includes(text)) keep(placeKey(place));
      }
    }
    return kept;
  }

  private parentOf(key: string): string | null {
    const place = this.placeByKey.get(key);
    return place?.parentKind && place.parentId ? resourceKey(place.parentKind, place.parentId) : null;
  }

  /** What the table shows, from top to bottom. */
  get rows(): TreeNode[] {
    const rows: TreeNode[] = [];
    const places = this.places.value;
    if (!places) return rows;
    const kept = this.isFiltered ? this.keptPlaces : null;
    const roots = places.items.filter((place) => !place.parentId).sort(byName);
    for (const place of roots) this.addPlace(rows, place, 0, null, kept);
    if (places.unplaced.computes > 0 && (!kept || kept.has(UNPLACED))) {
      const expanded = this.isExpanded(UNPLACED);
      rows.push({ key: UNPLACED, kind: 'unplaced', counts: places.unplaced, depth: 0, expandable: true, expanded, parent: null });
      if (expanded) this.addComputes(rows, UNPLACED, 1);
    }
    return rows;
  }

  isExpanded(key: string): boolean {
    if (!this.isFiltered) return this.expanded.has(key);
    return key.startsWith('compute:') ? this.expanded.has(key) : !this.folded.has(key);
  }

  private addPlace(rows: TreeNode[], place: Place, depth: number, parent: string | null, kept: Set<string> | null): void {
    const key = placeKey(place);
    if (kept && !kept.has(key)) return;
    const children = this.childPlaces.get(key) ?? [];
    const own = this.ownComputes(place);
    const expandable = children.length > 0 || own > 0;
    const expanded = expandable && this.isExpanded(key);
    rows.push({ key, kind: 'place', place, depth, expandable, expanded, parent });
    if (!expanded) return;
    for (const child of children) this.addPlace(rows, child, depth + 1, key, kept);
    if (own > 0) this.addComputes(rows, key, depth + 1);
  }

  /** Computes that are in a place itself, and in none below it. */
  private ownComputes(place: Place): number {
    const children = this.childPlaces.get(placeKey(place)) ?? [];
    return children.reduce((left, child) => left - child.counts.computes, place.counts.computes);
  }

  private addComputes(rows: TreeNode[], home: string, depth: number): void {
    const list = this.isFiltered ? this.matchesByHome.get(home) : this.listed(rows, home, depth);
    for (const compute of list ?? []) {
      const key = resourceKey('compute', compute.id);
      const expandable = compute.workloads > 0;
      const expanded = expandable && this.expanded.has(key);
      rows.push({ key, kind: 'compute', compute, depth, expandable, expanded, parent: home });
      if (expanded) this.addWorkloads(rows, compute.id, depth + 1);
    }
  }

  private listed(rows: TreeNode[], home: string, depth: number): ComputeSummary[] {
    const loaded = this.computes.get(home);
    if (loaded?.value) return loaded.value;
    this.note(rows, home, depth, loaded);
    return [];
  }

  private addWorkloads(rows: TreeNode[], compute: number, depth: number): void {
    const parent = resourceKey('compute', compute);
    const loaded = this.workloads.get(compute);
    if (!loaded?.value) {
      this.note(rows, parent, depth, loaded);
      return;
    }
    for (const workload of loaded.value) {
      rows.push({ key: resourceKey('workload', workload.id), kind: 'workload', workload, depth, expandable: false, expanded: false, parent });
    }
  }

  private note(rows: TreeNode[], parent: string, depth: number, loaded: Loadable<unknown> | undefined): void {
    const failed = loaded?.state === 'failed';
    const text = failed ? `could not be read: ${loaded.error instanceof Error ? loaded.error.message : ''}` : 'loading…';
    rows.push({ key: `${parent}/note`, kind: 'note', text, failed, depth, expandable: false, expanded: false, parent });
  }

  async toggle(key: string): Promise<void> {
    if (this.isExpanded(key)) this.collapse(key);
    else await this.expand(key);
  }

  collapse(key: string): void {
    if (this.isFiltered && !key.startsWith('compute:')) this.folded.add(key);
    else this.expanded.delete(key);
  }

  async expand(key: string): Promise<void> {
    this.folded.delete(key);
    this.expanded.add(key);
    const [kind, id] = key.split(':');
    if (kind === 'compute') await this.loadWorkloads(Number(id), true);
    else await this.loadComputes(key, true);
  }

  /** Opens every place; computes of all of them are read at once. */
  async expandAll(): Promise<void> {
    const keys = [...this.placeByKey.keys(), UNPLACED];
    runInAction(() => {
      this.folded.clear();
      for (const key of keys) this.expanded.add(key);
    });
    if (this.isFiltered || keys.every((key) => this.computes.get(key)?.value)) return;
    const { items } = await readSummaries({}, this.clock.asOf, 100_000);
    const homes = new Map<string, ComputeSummary[]>(keys.map((key) => [key, []]));
    for (const compute of items) homes.get(homeOf(compute, (key) => this.placeByKey.has(key)))?.push(compute);
    runInAction(() => {
      for (const [key, list] of homes) this.list(key, list.sort(byName));
    });
  }

  collapseAll(): void {
    this.expanded.clear();
    if (this.isFiltered) for (const key of this.placeByKey.keys()) this.folded.add(key);
  }

  private list(key: string, computes: ComputeSummary[]): void {
    const loadable = this.computes.get(key) ?? new Loadable<ComputeSummary[]>();
    loadable.value = computes;
    loadable.state = 'ready';
    this.computes.set(key, loadable);
  }

  private async loadComputes(key: string, missing = false): Promise<void> {
    const known = this.computes.get(key);
    if (missing && known && known.state !== 'failed' && known.value?.length !== 0) return;
    const loadable = known ?? new Loadable<ComputeSummary[]>();
    runInAction(() => this.computes.set(key, loadable));
    const [kind, id] = key.split(':');
    const query =
      kind === 'datacenter' ? { datacenterId: Number(id) } : kind === 'cloud' ? { cloudId: Number(id), placed: 'cloud' } : key === UNPLACED ? { placed: 'none' } : null;
    const place = this.placeByKey.get(key);
    if (query === null || (place && this.ownComputes(place) === 0)) {
      runInAction(() => this.list(key, []));
      return;
    }
    await loadable.load(async () => (await readSummaries(query, this.clock.asOf, 100_000)).items.sort(byName));
  }

  private async loadWorkloads(compute: number, missing = false): Promise<void> {
    const known = this.workloads.get(compute);
    if (missing && known && known.state !== 'failed') return;
    const loadable = known ?? new Loadable<Workload[]>();
    runInAction(() => this.workloads.set(compute, loadable));
    const name = (workload: Workload) => ({ name: workload.workloadName });
    await loadable.load(async () =>
      (await readWorkloads({ computeId: compute }, this.clock.asOf)).items.sort((one, other) => byName(name(one), name(other))),
    );
  }

  setFilter(filter: Partial<TreeFilter>): void {
    const next = { ...this.filter, ...filter };
    if (next.text === this.filter.text && next.status === this.filter.status && next.environment === this.filter.environment) return;
    this.filter = next;
    this.folded.clear();
    if (this.isFiltered) void this.findMatches();
    else this.matches.clear();
  }

  private async findMatches(): Promise<void> {
    const { text, status, environment } = this.filter;
    const query = { match: text || undefined, status: status || undefined, environment: environment || undefined };
    await this.matches.load(async () => {
      const { items, more } = await readSummaries(query, this.clock.asOf, MOST_MATCHES);
      return { items: items.sort(byName), more };
    });
  }

  /** Opens what a resource is in, so that its row is there. */
  async reveal(kind: string, id: number): Promise<void> {
    await this.open();
    const key = resourceKey(kind, id);
    // A place that was just made is in no list that was read before: it is read again.
    if (kind !== 'compute' && kind !== 'workload' && !this.placeByKey.has(key)) await this.reload();
    let compute: number | null = kind === 'compute' ? id : null;
    if (kind === 'workload') compute = ((await readOne('workload', id, this.clock.asOf)).item as Workload).computeId;
    let at: string | null = compute === null ? this.parentOf(key) : null;
    if (compute !== null) {
      const [summary] = (await readSummaries({ id: compute }, this.clock.asOf)).items;
      if (!summary) return;
      at = homeOf(summary, (home) => this.placeByKey.has(home));
      // Nor does what was read before count the first compute of a place.
      const home = this.placeByKey.get(at);
      if (home && this.ownComputes(home) === 0) await this.reload();
    }
    const opened: Promise<void>[] = [];
    for (; at !== null; at = this.parentOf(at)) opened.push(this.expand(at));
    if (kind === 'workload' && compute !== null) opened.push(this.expand(resourceKey('compute', compute)));
    await Promise.all(opened);
    runInAction(() => (this.cursor = key));
  }

  /** Moves the cursor by rows that can be chosen. */
  move(step: number): TreeNode | null {
    const rows = this.rows.filter((row) => row.kind !== 'note');
    const at = rows.findIndex((row) => row.key === this.cursor);
    const next = rows[at < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, at + step))] ?? null;
    this.cursor = next?.key ?? null;
    return next;
  }

  setCursor(key: string | null): void {
    this.cursor = key;
  }

  private changed(changes: Change[]): void {
    if (!this.clock.isLive || this.places.state === 'idle') return;
    for (const change of changes) {
      const compute = change.resourceType === 'compute' ? change.resourceId : change.computeId;
      if (compute !== null && compute !== undefined) this.stale.add(compute);
    }
    this.soon ??= setTimeout(() => void this.refresh(), SOON);
    this.countSoon();
  }

  private async refresh(): Promise<void> {
    const round = [...this.stale].slice(0, ROUND);
    for (const id of round) this.stale.delete(id);
    if (round.length > 0) {
      const [{ items }] = await Promise.all([
        readSummaries({ id: round }, null).catch(() => ({ items: [] as ComputeSummary[] })),
        ...round.filter((id) => this.workloads.has(id)).map((id) => this.loadWorkloads(id)),
      ]);
      runInAction(() => this.replace(items));
    }
    this.soon = this.stale.size > 0 ? setTimeout(() => void this.refresh(), SOON) : undefined;
  }

  /** Puts computes where they belong now. Lists that hold none of them stay the same object, so nothing is drawn again. */
  private replace(fresh: ComputeSummary[]): void {
    const byId = new Map(fresh.map((compute) => [compute.id, compute]));
    for (const [key, loadable] of this.computes) {
      const list = loadable.value;
      if (!list) continue;
      const staying = list.filter((compute) => !byId.has(compute.id));
      const arriving = fresh.filter((compute) => homeOf(compute, (known) => this.placeByKey.has(known)) === key);
      if (staying.length === list.length && arriving.length === 0) continue;
      loadable.value = [...staying, ...arriving].sort(byName);
    }
    const matches = this.matches.value;
    if (matches) this.matches.value = { ...matches, items: matches.items.map((compute) => byId.get(compute.id) ?? compute) };
  }

  private async countAgain(): Promise<void> {
    const wasEmpty = this.places.value?.total.computes === 0;
    const places = await this.places.load(() => readPlaces(this.clock.asOf));
    // The first host of all is shown at once.
    if (wasEmpty && places) this.openFirst(places);
  }

  /** Counts change with every workload, but nobody reads them that fast. */
  private countSoon(): void {
    const wait = Math.max(SOON, this.counted + PLACES_EVERY - Date.now());
    this.counting ??= setTimeout(() => {
      this.counting = undefined;
      this.counted = Date.now();
      void this.countAgain();
    }, wait);
  }
}
