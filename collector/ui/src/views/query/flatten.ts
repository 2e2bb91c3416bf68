// A nested result as one table: a line for each leaf, with what it hangs on before it.

import type { Cell } from '../../format/csv';

export interface FlatTable {
  head: string[];
  rows: Cell[][];
}

type Row = Record<string, unknown>;
const isRow = (value: unknown): value is Row => value !== null && typeof value === 'object' && !Array.isArray(value);
const isRows = (value: unknown): value is Row[] => Array.isArray(value) && value.length > 0 && value.every(isRow);

/** Lines of a table at most, so that a query of millions of combinations ends. */
const MOST = 100_000;

export function flatten(rows: Row[]): FlatTable {
  const head: string[] = [];
  const lines: Map<string, Cell>[] = [];
  for (const row of rows) lines.push(...linesOf(row, '', head).slice(0, MOST - lines.length));
  return { head, rows: lines.map((line) => head.map((name) => line.get(name))) };
}

function linesOf(row: Row, path: string, head: string[]): Map<string, Cell>[] {
  const own = new Map<string, Cell>();
  const below: [string, Row[]][] = [];
  for (const [name, value] of Object.entries(row)) {
    if (isRows(value)) below.push([name, value]);
    else if (!(Array.isArray(value) && value.length === 0)) {
      const column = path + name;
      if (!head.includes(column)) head.push(column);
      own.set(column, cellOf(value));
    }
  }
  const lines: Map<string, Cell>[] = [];
  for (const [name, children] of below) {
    for (const child of children) for (const line of linesOf(child, `${path}${name}.`, head)) lines.push(new Map([...own, ...line]));
    if (lines.length >= MOST) break;
  }
  return lines.length > 0 ? lines : [own];
}

const cellOf = (value: unknown): Cell =>
  value === null || value === undefined || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : JSON.stringify(value);
