import { Box, IconButton, Menu, MenuItem, Tooltip } from '@mui/material';
import { useVirtualizer } from '@tanstack/react-virtual';
import { observer } from 'mobx-react-lite';
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';

import { type Cell, csv, download } from '../format/csv';
import { plural } from '../format/units';
import type { Loadable } from '../stores/loadable';
import { useStores } from '../stores/root';
import { ROW } from '../theme/tokens';
import { ColumnChooser } from './ColumnChooser';
import { Icon } from './Icon';
import { Empty, Failure, Waiting } from './Notice';

export interface TableColumn<T> {
  id: string;
  label: string;
  width: number;
  /** Takes the room that is left. */
  grow?: boolean;
  numeric?: boolean;
  /** What is sorted by and exported; `null` is not known. */
  value: (row: T) => Cell;
  /** What is shown, when that is more than the value. */
  cell?: (row: T) => ReactNode;
}

interface Props<T> {
  /** Names the table in the preferences and in exported files. */
  name: string;
  label: string;
  data: Loadable<T[]>;
  columns: TableColumn<T>[];
  first?: string[];
  keyOf: (row: T) => string | number;
  onOpen?: (row: T) => void;
  retry: () => void;
  empty: ReactNode;
  tools?: ReactNode;
  selected?: string | number | null;
  glowOf?: (row: T) => string;
  /** Called with the rows that are in sight, for what is read of them only then. */
  onSeen?: (rows: T[]) => void;
  /** Reads the next page; absent when there is none. */
  more?: (() => void) | undefined;
}

const rowHeight = (): number => ROW;

interface Sort {
  column: string;
  down: boolean;
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** What is not known comes last, whichever way a table is sorted. */
export function compareCells(one: Cell, other: Cell, down: boolean): number {
  const none = (cell: Cell) => cell === null || cell === undefined || cell === '';
  if (none(one) || none(other)) return Number(none(one)) - Number(none(other));
  const order = typeof one === 'number' && typeof other === 'number' ? one - other : collator.compare(String(one), String(other));
  return down ? -order : order;
}

/** A table of thousands: sorted, with chosen columns, exported as CSV and JSON, walked with the keyboard. */
export const DataTable = observer(function DataTable<T>({ name, label, data, columns, first, keyOf, onOpen, retry, empty, tools, selected, glowOf, onSeen, more }: Props<T>) {
  const { prefs, live } = useStores();
  const scroller = useRef<HTMLDivElement>(null);
  const [sort, setSort] = useState<Sort | null>(null);
  const [cursor, setCursor] = useState(-1);
  const all = columns.map((column) => column.id);
  const chosen = prefs.columns(name, all, first ?? all);
  const shown = columns.filter((column) => chosen.includes(column.id));

  const rows = useMemo(() => {
    const column = columns.find((known) => known.id === sort?.column);
    const list = data.value ?? [];
    return column && sort ? [...list].sort((one, other) => compareCells(column.value(one), column.value(other), sort.down)) : list;
  }, [data.value, columns, sort]);

  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: rowHeight, overscan: 6 });
  const wide = shown.reduce((sum, column) => sum + column.width, 0);
  const template = shown.map((column) => (column.grow ? `minmax(${column.width}px, 1fr)` : `${column.width}px`)).join(' ');

  const items = virtual.getVirtualItems();
  const [from, to] = [items[0]?.index ?? 0, items.at(-1)?.index ?? -1];
  useEffect(() => onSeen?.(rows.slice(from, to + 1)), [onSeen, rows, from, to]);

  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 20, PageUp: -20 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const next = Math.max(0, Math.min(rows.length - 1, cursor + step));
      setCursor(next);
      virtual.scrollToIndex(next, { align: 'auto' });
    }
    const row = rows[cursor];
    if (event.key === 'Enter' && row && onOpen) onOpen(row);
  };
  const order = (column: TableColumn<T>) => setSort((known) => (known?.column !== column.id ? { column: column.id, down: false } : known.down ? null : { column: column.id, down: true }));

  if (data.state === 'failed' && !data.value) return <Failure error={data.error} retry={retry} />;
  return (
    <Box sx={{ flex: 1, minHeight: 0, minWidth: 0, display: 'flex', flexDirection: 'column' }}>
      <Box sx={{ display: 'flex', alignItems: 'center', gap: 2, px: 4, minHeight: 38, flexShrink: 0 }}>
        {tools}
        <Box sx={{ flex: 1 }} />
        <Box role="status" sx={{ color: 'text.secondary', fontSize: 12, whiteSpace: 'nowrap' }}>
          {data.value ? `${plural(rows.length, 'row')}${more ? ', more to come' : ''}` : ''}
        </Box>
        <ExportButton name={name} columns={shown} rows={rows} />
        <ColumnChooser table={name} columns={columns} first={first ?? all} />
      </Box>
      <Box
        ref={scroller}
        role="grid"
        aria-label={label}
        aria-rowcount={rows.length + 1}
        tabIndex={0}
        onKeyDown={press}
        sx={{ flex: 1, minHeight: 0, overflow: 'auto', borderTop: 1, borderColor: 'divider', bgcolor: 'background.paper', '&:focus-visible': { outlineOffset: -2 } }}
      >
        <Box role="row" aria-rowindex={1} className="tree-grid" sx={{ height: 28, position: 'sticky', top: 0, zIndex: 1, bgcolor: 'background.paper', borderBottom: 1, borderColor: 'divider' }} style={{ gridTemplateColumns: template, minWidth: `max(100%, ${wide}px)` }}>
          {shown.map((column) => (
            <Box
              key={column.id}
              role="columnheader"
              aria-sort={sort?.column === column.id ? (sort.down ? 'descending' : 'ascending') : 'none'}
              sx={{ px: 2, '&:first-of-type': { pl: 4 }, textAlign: column.numeric ? 'right' : 'left' }}
            >
              <Box
                component="button"
                type="button"
                onClick={() => order(column)}
                sx={{ all: 'unset', cursor: 'pointer', color: 'text.secondary', fontSize: 11, fontWeight: 560, whiteSpace: 'nowrap', '&:focus-visible': { outline: '2px solid', borderRadius: 1 } }}
              >
                {column.label}
                {sort?.column === column.id && <span aria-hidden> {sort.down ? '↓' : '↑'}</span>}
              </Box>
            </Box>
          ))}
        </Box>
        {data.isFirst && (
          <div role="row">
            <div role="gridcell">
              <Waiting rows={8} />
            </div>
          </div>
        )}
        {data.value && rows.length === 0 && (
          <div role="row">
            <div role="gridcell">{typeof empty === 'string' ? <Empty title={empty} /> : empty}</div>
          </div>
        )}
        <Box role="presentation" sx={{ position: 'relative' }} style={{ height: virtual.getTotalSize(), minWidth: `max(100%, ${wide}px)` }}>
          {items.map((item) => {
            const row = rows[item.index];
            if (row === undefined) return null;
            const key = keyOf(row);
            const glow = glowOf ? live.glowing.get(glowOf(row)) : undefined;
            return (
              <div
                key={key}
                role="row"
                aria-rowindex={item.index + 2}
                aria-selected={key === selected}
                className={`tree-grid tree-row${key === selected ? ' selected' : ''}${item.index === cursor ? ' cursor' : ''}`}
                onClick={() => {
                  setCursor(item.index);
                  onOpen?.(row);
                }}
                style={{ transform: `translateY(${item.start}px)`, height: ROW, gridTemplateColumns: template }}
              >
                {glow !== undefined && <span key={glow} className="glow" aria-hidden />}
                {shown.map((column, index) => (
                  <div key={column.id} role="gridcell" className={`cell${index === 0 ? ' first' : ''}${column.numeric ? ' number' : ''}`}>
                    {column.cell ? column.cell(row) : shownValue(column.value(row))}
                  </div>
                ))}
              </div>
            );
          })}
        </Box>
        {more && (
          <div role="row">
            <Box role="gridcell" sx={{ p: 3 }}>
              <button type="button" className="plain" onClick={more}>
                Read more
              </button>
            </Box>
          </div>
        )}
      </Box>
    </Box>
  );
}) as <T>(props: Props<T>) => ReactNode;

const shownValue = (value: Cell): ReactNode => (value === null || value === undefined ? '?' : typeof value === 'boolean' ? (value ? 'yes' : 'no') : value);

function ExportButton<T>({ name, columns, rows }: { name: string; columns: TableColumn<T>[]; rows: T[] }) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const save = (write: () => void) => {
    setAnchor(null);
    write();
  };
  return (
    <>
      <Tooltip title="Export">
        <IconButton aria-label="Export" aria-haspopup="menu" disabled={rows.length === 0} onClick={(event) => setAnchor(event.currentTarget)} sx={{ color: 'text.secondary' }}>
          <Icon name="download" />
        </IconButton>
      </Tooltip>
      <Menu open={anchor !== null} anchorEl={anchor} onClose={() => setAnchor(null)}>
        <MenuItem
          onClick={() =>
            save(() =>
              download(`${name}.csv`, 'text/csv;charset=utf-8', csv(columns.map((column) => column.label), rows.map((row) => columns.map((column) => column.value(row))))),
            )
          }
        >
          CSV, the columns shown
        </MenuItem>
        <MenuItem onClick={() => save(() => download(`${name}.json`, 'application/json', JSON.stringify(rows, null, 2)))}>JSON, everything</MenuItem>
      </Menu>
    </>
  );
}
