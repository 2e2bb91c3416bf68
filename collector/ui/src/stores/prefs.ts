// What one person likes on one machine: kept by the browser, never by the collector.

import { makeAutoObservable, toJS } from 'mobx';

const KEY = 'orchestrix-ui';

interface Kept {
  /** Columns that are shown, by table. */
  columns: Record<string, string[]>;
  /** Width of the detail pane. */
  detailWidth: number;
  /** Text of the query editor. */
  query: string | null;
}

const FIRST: Kept = { columns: {}, detailWidth: 584, query: null };

export class PrefsStore {
  kept: Kept;

  constructor(private readonly storage: Pick<Storage, 'getItem' | 'setItem'>) {
    this.kept = { ...FIRST, ...read(storage) };
    makeAutoObservable<this, 'storage'>(this, { storage: false });
  }

  columns(table: string, all: string[], first: string[]): string[] {
    // A column that a newer version no longer has must not come back as an empty one.
    return (this.kept.columns[table] ?? first).filter((column) => all.includes(column));
  }

  setColumns(table: string, columns: string[]): void {
    this.kept.columns[table] = columns;
    this.save();
  }

  setDetailWidth(width: number): void {
    this.kept.detailWidth = Math.round(Math.min(900, Math.max(360, width)));
    this.save();
  }

  setQuery(query: string): void {
    this.kept.query = query;
    this.save();
  }

  private save(): void {
    try {
      this.storage.setItem(KEY, JSON.stringify(toJS(this.kept)));
    } catch {
      // A full or forbidden storage loses a preference, nothing else.
    }
  }
}

function read(storage: Pick<Storage, 'getItem'>): Partial<Kept> {
  try {
    const kept: unknown = JSON.parse(storage.getItem(KEY) ?? '{}');
    return kept !== null && typeof kept === 'object' ? kept : {};
  } catch {
    return {};
  }
}
