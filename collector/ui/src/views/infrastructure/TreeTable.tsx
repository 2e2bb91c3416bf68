import { Box } from '@mui/material';
import { useVirtualizer } from '@tanstack/react-virtual';
import { observer } from 'mobx-react-lite';
import { type KeyboardEvent, useCallback, useEffect, useRef } from 'react';
import { useNavigate, useSearchParams } from 'react-router';

import { Empty, Failure } from '../../components/Notice';
import { useShortcut } from '../../components/shortcuts';
import { useWidth } from '../../components/useWidth';
import { useStores } from '../../stores/root';
import type { TreeNode } from '../../stores/tree';
import { ROW } from '../../theme/tokens';
import { COLUMNS, type Column, FIRST_COLUMNS, PRESENT_ONLY } from './columns';
import { TreeRow } from './TreeRow';

const rowHeight = (): number => ROW;

/** Rows of the page: one that leaves on one side is filled anew on the other, which is much cheaper than making it. */
const SLOTS = 96;

/** Width that the name has at least, in pixels. */
const nameWidth = (room: number | null): number => (room === null || room >= 940 ? 260 : room >= 620 ? 200 : 140);

/** Beside an open detail pane, and on small screens, columns give way one after the other. */
function fitting(columns: Column[], room: number | null): Column[] {
  const kept = room === null || room >= 940 ? null : room >= 620 ? ['environment', 'status', 'workloads'] : ['status'];
  const left = kept ? columns.filter((column) => kept.includes(column.id)) : columns;
  return room !== null && room < 400 ? left.map((column) => ({ ...column, width: Math.min(column.width, 112) })) : left;
}

const rowId = (key: string): string => `row-${key.replaceAll(/[^\w-]/g, '-')}`;

/** The rows of the tree; only those in sight exist in the page. */
export const TreeTable = observer(function TreeTable({ selected }: { selected: string | null }) {
  const { clock, tree, prefs } = useStores();
  const scroller = useRef<HTMLDivElement>(null);
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const rows = tree.rows;
  const shown = prefs.columns('tree', COLUMNS.map((column) => column.id), FIRST_COLUMNS);
  const room = useWidth(scroller);
  const columns = fitting(COLUMNS.filter((column) => shown.includes(column.id) && (clock.isLive || !PRESENT_ONLY.includes(column.id))), room);

  // Another function each time would have all rows measured anew while somebody scrolls.
  const getItemKey = useCallback((index: number) => rows[index]?.key ?? index, [rows]);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: useCallback(() => scroller.current, []), estimateSize: rowHeight, overscan: 6, getItemKey });

  const items = virtual.getVirtualItems();
  const at = rows.findIndex((row) => row.key === tree.cursor);
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at, { align: 'auto' });
    // Rows that come and go above must not pull the view: only the cursor does.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [tree.cursor, at >= 0]);

  // Known before the page has followed the address: keys come faster.
  const isOpen = useRef(selected !== null);
  useEffect(() => {
    isOpen.current = selected !== null;
  }, [selected]);
  const open = (node: TreeNode) => {
    tree.setCursor(node.key);
    if (node.kind === 'unplaced' || node.kind === 'note') return;
    isOpen.current = true;
    void navigate({ pathname: `/infrastructure/${node.key.replace(':', '/')}`, search: params.toString() });
  };
  const step = (by: number) => {
    const node = tree.move(by);
    if (node && isOpen.current) open(node);
    scroller.current?.focus({ preventScroll: true });
  };
  const current = () => rows[at] ?? null;
  const right = () => {
    const node = current();
    if (node?.expandable && !node.expanded) void tree.expand(node.key);
    else if (node?.expanded) step(1);
  };
  const left = () => {
    const node = current();
    if (node?.expanded) tree.collapse(node.key);
    else if (node?.parent) tree.setCursor(node.parent);
  };
  const close = () => {
    if (!isOpen.current) return;
    isOpen.current = false;
    void navigate({ pathname: '/infrastructure', search: withoutTab(params) });
  };
  useShortcut('j', () => step(1));
  useShortcut('k', () => step(-1));
  useShortcut('l', right);
  useShortcut('h', left);
  useShortcut('Escape', close);

  const press = (event: KeyboardEvent) => {
    const node = current();
    const keys: Record<string, () => void> = {
      ArrowDown: () => step(1),
      ArrowUp: () => step(-1),
      ArrowRight: right,
      ArrowLeft: left,
      PageDown: () => step(20),
      PageUp: () => step(-20),
      Home: () => step(-rows.length),
      End: () => step(rows.length),
      Enter: () => node && open(node),
      ' ': () => node && void tree.toggle(node.key),
    };
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  };

  const name = nameWidth(room);
  const template = `minmax(${name}px, 1fr) ${columns.map((column) => `${column.width}px`).join(' ')}`;
  const minWidth = `max(100%, ${columns.reduce((sum, column) => sum + column.width, name)}px)`;
  if (tree.isFiltered && tree.matches.state === 'failed') return <Failure error={tree.matches.error} retry={() => void tree.reload()} />;
  return (
    <Box
      ref={scroller}
      role="treegrid"
      aria-label="Infrastructure"
      aria-rowcount={rows.length + 1}
      aria-activedescendant={at >= 0 ? rowId(rows[at]?.key ?? '') : undefined}
      tabIndex={0}
      onKeyDown={press}
      sx={{ flex: 1, minHeight: 0, overflow: 'auto', borderTop: 1, borderColor: 'divider', bgcolor: 'background.paper', '&:focus-visible': { outlineOffset: -2 } }}
    >
      <Header columns={columns} template={template} minWidth={minWidth} />
      {rows.length === 0 && (
        <div role="row">
          <div role="gridcell">
            <Empty icon="search" title={tree.isFiltered ? 'No compute or place fits this filter' : 'Nothing here'}>
              {tree.isFiltered && 'Workloads, images and addresses are found by the search field above.'}
            </Empty>
          </div>
        </div>
      )}
      <div role="presentation" style={{ position: 'relative', height: virtual.getTotalSize(), minWidth }}>
        {items.map((item) => {
          const node = rows[item.index];
          return (
            node && (
              <TreeRow
                key={item.index % Math.max(SLOTS, items.length)}
                id={rowId(node.key)}
                node={node}
                index={item.index}
                top={item.start}
                columns={columns}
                template={template}
                selected={node.key === selected}
                atCursor={node.key === tree.cursor}
                onOpen={open}
              />
            )
          );
        })}
      </div>
    </Box>
  );
});

function withoutTab(params: URLSearchParams): string {
  const rest = new URLSearchParams(params);
  rest.delete('tab');
  return rest.toString();
}

function Header({ columns, template, minWidth }: { columns: Column[]; template: string; minWidth: string }) {
  const cell = { color: 'text.secondary', fontSize: 11, fontWeight: 560, letterSpacing: '0.02em', whiteSpace: 'nowrap', px: 2 } as const;
  return (
    <Box
      role="row"
      aria-rowindex={1}
      className="tree-grid"
      style={{ gridTemplateColumns: template, minWidth }}
      sx={{ height: 28, position: 'sticky', top: 0, zIndex: 1, bgcolor: 'background.paper', borderBottom: 1, borderColor: 'divider' }}
    >
      <Box role="columnheader" sx={{ ...cell, pl: 4 }}>
        Name
      </Box>
      {columns.map((column) => (
        <Box key={column.id} role="columnheader" data-column={column.id} sx={{ ...cell, textAlign: column.numeric ? 'right' : 'left' }}>
          {column.label}
        </Box>
      ))}
    </Box>
  );
}
