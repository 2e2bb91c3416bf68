import { Box, Button, IconButton, Tooltip } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect, useRef, useState } from 'react';
import { useSearchParams } from 'react-router';

import { ColumnChooser } from '../../components/ColumnChooser';
import { EditDialog } from '../../components/edit/EditDialog';
import { FilterField } from '../../components/FilterField';
import { useGo } from '../../components/Go';
import { Icon } from '../../components/Icon';
import { useShortcut } from '../../components/shortcuts';
import { count, percent, plural } from '../../format/units';
import { useStores } from '../../stores/root';
import { COLUMNS, FIRST_COLUMNS } from './columns';
import { EnvironmentFilter } from './EnvironmentFilter';

const STATUSES: [value: string, label: string][] = [
  ['', 'Any status'],
  ['ACTIVE', 'Up'],
  ['UNREACHABLE', 'Unreachable'],
  ['INACTIVE', 'Inactive'],
  ['MAINTENANCE', 'In maintenance'],
];

/** The tree's filter, which lives in the address, and what the inventory comes to. */
export const TreeToolbar = observer(function TreeToolbar() {
  const { tree, session, clock } = useStores();
  const [making, setMaking] = useState(false);
  const go = useGo();
  const [params, setParams] = useSearchParams();
  const field = useRef<{ focus: () => void }>(null);
  const text = params.get('q') ?? '';
  const status = params.get('status') ?? '';
  const environment = params.get('env') ?? '';

  useEffect(() => tree.setFilter({ text, status, environment }), [tree, text, status, environment]);
  useShortcut('f', () => field.current?.focus());

  const set = (name: string, value: string) =>
    setParams(
      (known) => {
        if (value === '') known.delete(name);
        else known.set(name, value);
        return known;
      },
      { replace: true },
    );

  return (
    <Box sx={{ display: 'flex', flexWrap: { xs: 'wrap', md: 'nowrap' }, alignItems: 'center', gap: { xs: 1, sm: 2 }, px: { xs: 2, sm: 4 }, py: 2, '& select': { minWidth: 0, flex: '0 1 auto' }, '& button': { flexShrink: 0 } }}>
      <FilterField ref={field} label="Filter computes and places" value={text} onChange={(value) => set('q', value)} />
      <select className="plain" aria-label="Status" value={status} onChange={(event) => set('status', event.target.value)}>
        {STATUSES.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      <EnvironmentFilter value={environment} onChange={(value) => set('env', value)} />
      {tree.isFiltered && (
        <Button
          onClick={() =>
            setParams(
              (known) => {
                for (const name of ['q', 'status', 'env']) known.delete(name);
                return known;
              },
              { replace: true },
            )
          }
          startIcon={<Icon name="close" size={13} />}
        >
          Clear
        </Button>
      )}
      <Matches />
      <Box sx={{ flex: 1 }} />
      <Totals />
      {session.may('operator') && clock.isLive && (
        <Tooltip title="New partner">
          <IconButton aria-label="New partner" onClick={() => setMaking(true)} sx={{ color: 'text.secondary' }}>
            <Icon name="plus" />
          </IconButton>
        </Tooltip>
      )}
      {making && <EditDialog kind="partner" onClose={() => setMaking(false)} onSaved={(row) => void tree.reload().then(() => go(`/infrastructure/partner/${Number(row.id)}`))} />}
      <Tooltip title="Open every place">
        <IconButton aria-label="Open every place" onClick={() => void tree.expandAll()} sx={{ color: 'text.secondary' }}>
          <Icon name="expand" />
        </IconButton>
      </Tooltip>
      <Tooltip title="Close everything">
        <IconButton aria-label="Close everything" onClick={() => tree.collapseAll()} sx={{ color: 'text.secondary' }}>
          <Icon name="collapse" />
        </IconButton>
      </Tooltip>
      <ColumnChooser table="tree" columns={COLUMNS} first={FIRST_COLUMNS} />
    </Box>
  );
});

const Matches = observer(function Matches() {
  const { tree } = useStores();
  if (!tree.isFiltered) return null;
  const { matches } = tree;
  if (matches.state === 'failed') return <Box role="alert" sx={{ color: 'orx.bad' }}>{String(matches.error instanceof Error ? matches.error.message : matches.error)}</Box>;
  const found = matches.value;
  if (!found) return <Box role="status" sx={{ color: 'text.secondary' }}>Looking…</Box>;
  return (
    <Box role="status" sx={{ color: 'text.secondary' }}>
      {found.more ? `the first ${count(found.items.length)} of more computes` : plural(found.items.length, 'compute')}
    </Box>
  );
});

const Totals = observer(function Totals() {
  const { tree } = useStores();
  const total = tree.places.value?.total;
  if (!total) return null;
  return (
    <Box sx={{ display: { xs: 'none', xl: 'flex' }, gap: 4, color: 'text.secondary', fontSize: 12, mr: 2, whiteSpace: 'nowrap' }}>
      <span>{plural(total.computes, 'compute')}</span>
      <span>{plural(total.workloads, 'workload')}</span>
      <span>{percent(total.covered, total.computes)} seen in full</span>
    </Box>
  );
});
