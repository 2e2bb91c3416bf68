import { Box, Button, Tab, Tabs, TextField } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { type KeyboardEvent, useEffect, useState } from 'react';

import { runQuery } from '../../api/query';
import { csv, download } from '../../format/csv';
import { JsonTree } from '../../components/JsonTree';
import { Icon } from '../../components/Icon';
import { Empty, Failure, Waiting } from '../../components/Notice';
import { plural } from '../../format/units';
import { Loadable } from '../../stores/loadable';
import { useStores } from '../../stores/root';
import { flatten, type FlatTable } from './flatten';
import { EXAMPLES } from './examples';

interface Result {
  rows: Record<string, unknown>[];
  milliseconds: number;
}

/** The nested query by hand, with its result as a table and as JSON. */
export default observer(function QueryView() {
  const { prefs, clock } = useStores();
  const [text, setText] = useState(() => prefs.kept.query ?? EXAMPLES[0]?.text ?? '');
  const [result] = useState(() => new Loadable<Result>());
  const [tab, setTab] = useState<'table' | 'json'>('table');
  const [wrong, setWrong] = useState<string | null>(null);
  useEffect(() => {
    document.title = 'Query · Orchestrix';
  }, []);

  const run = () => {
    let query: unknown;
    try {
      query = JSON.parse(text);
    } catch (error) {
      setWrong(error instanceof Error ? error.message : 'this is no JSON');
      return;
    }
    setWrong(null);
    prefs.setQuery(text);
    const begin = performance.now();
    void result.load(async () => ({ rows: await runQuery(inTime(query, clock.asOf)), milliseconds: performance.now() - begin }));
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      run();
    }
  };

  return (
    <Box sx={{ flex: 1, minHeight: 0, display: 'flex', flexDirection: { xs: 'column', md: 'row' } }}>
      <Box sx={{ width: { xs: 1, md: 440 }, flexShrink: 0, display: 'flex', flexDirection: 'column', gap: 2, p: 4, borderRight: { md: 1 }, borderColor: { md: 'divider' }, minHeight: { xs: 280, md: 0 } }}>
        <Box sx={{ display: 'flex', gap: 2, alignItems: 'center' }}>
          <Button variant="contained" startIcon={<Icon name="play" size={13} />} onClick={run}>
            Run
          </Button>
          <Box component="span" sx={{ color: 'text.secondary', fontSize: 12, whiteSpace: 'nowrap' }}>
            Ctrl Enter
          </Box>
          <Box sx={{ flex: 1 }} />
          <select className="plain" aria-label="Examples" style={{ minWidth: 0, flex: '0 1 200px' }} value="" onChange={(event) => setText(EXAMPLES[Number(event.target.value)]?.text ?? text)}>
            <option value="">Examples</option>
            {EXAMPLES.map((example, index) => (
              <option key={example.name} value={index}>
                {example.name}
              </option>
            ))}
          </select>
        </Box>
        <TextField
          label="Query"
          multiline
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={press}
          error={wrong !== null}
          helperText={wrong ?? ' '}
          slotProps={{ htmlInput: { spellCheck: false, style: { fontFamily: 'var(--mono)', fontSize: 12, lineHeight: 1.55 } } }}
          sx={{ flex: 1, minHeight: 0, '& .MuiInputBase-root': { flex: 1, minHeight: 0, alignItems: 'flex-start', overflow: 'auto', bgcolor: 'background.paper' } }}
        />
      </Box>
      <Box sx={{ flex: 1, minWidth: 0, minHeight: 0, display: 'flex', flexDirection: 'column' }}>
        {result.state === 'failed' ? (
          <Failure error={result.error} />
        ) : result.state === 'loading' ? (
          <Waiting rows={10} label="The query runs" />
        ) : result.value ? (
          <Shown result={result.value} tab={tab} onTab={setTab} />
        ) : (
          <Empty icon="code" title="Ask for anything that hangs together">
            One kind with what is related to it, to any depth, up or down. Names of kinds and fields that do not exist are answered with the nearest ones.
          </Empty>
        )}
      </Box>
    </Box>
  );
});

/** The query at the past time that is looked at, unless it names one itself. */
const inTime = (query: unknown, asOf: string | null): unknown => (asOf !== null && query !== null && typeof query === 'object' && !('asOf' in query) ? { ...query, asOf } : query);

function Shown({ result, tab, onTab }: { result: Result; tab: 'table' | 'json'; onTab: (tab: 'table' | 'json') => void }) {
  const table = flatten(result.rows);
  return (
    <>
      <Box sx={{ display: 'flex', alignItems: 'center', gap: 3, px: 2, borderBottom: 1, borderColor: 'divider', bgcolor: 'background.paper' }}>
        <Tabs value={tab} onChange={(_, chosen: 'table' | 'json') => onTab(chosen)} aria-label="Form of the result">
          <Tab value="table" label="Table" id="query-table" aria-controls="query-result" />
          <Tab value="json" label="JSON" id="query-json" aria-controls="query-result" />
        </Tabs>
        <Box sx={{ flex: 1 }} />
        <Box role="status" sx={{ color: 'text.secondary', fontSize: 12 }}>
          {plural(result.rows.length, 'row')} in {Math.round(result.milliseconds)} ms
        </Box>
        <Button startIcon={<Icon name="download" size={14} />} onClick={() => download('query.csv', 'text/csv;charset=utf-8', csv(table.head, table.rows))}>
          CSV
        </Button>
        <Button startIcon={<Icon name="download" size={14} />} onClick={() => download('query.json', 'application/json', JSON.stringify(result.rows, null, 2))}>
          JSON
        </Button>
      </Box>
      <Box role="tabpanel" id="query-result" aria-labelledby={`query-${tab}`} tabIndex={0} sx={{ flex: 1, minHeight: 0, overflow: 'auto', p: tab === 'json' ? 4 : 0, bgcolor: 'background.paper' }}>
        {tab === 'json' ? <JsonTree value={result.rows} open={result.rows.length <= OPEN ? 8 : 1} /> : <FlatTableView table={table} />}
      </Box>
    </>
  );
}

/** Up to so many rows are shown unfolded. */
const OPEN = 50;

/** Rows of the page at most: more are in the exported file. */
const MOST = 1_000;

function FlatTableView({ table }: { table: FlatTable }) {
  if (table.rows.length === 0) return <Empty icon="code" title="No row fits" />;
  return (
    <>
      <Box
        component="table"
        sx={{ borderCollapse: 'collapse', fontSize: 12, minWidth: 1, '& th, & td': { textAlign: 'left', px: 3, py: 1, borderBottom: '1px solid', borderColor: 'divider', whiteSpace: 'nowrap', maxWidth: 280, overflow: 'hidden', textOverflow: 'ellipsis' }, '& th': { position: 'sticky', top: 0, bgcolor: 'background.paper', color: 'text.secondary', fontWeight: 560, fontSize: 11 } }}
      >
        <thead>
          <tr>
            {table.head.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.slice(0, MOST).map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={table.head[column]}>{cell === null || cell === undefined ? <Box component="span" sx={{ color: 'text.secondary' }}>?</Box> : <bdi>{String(cell)}</bdi>}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </Box>
      {table.rows.length > MOST && <Box sx={{ p: 3, color: 'text.secondary' }}>The first {MOST} of {table.rows.length} lines; the exported files hold all.</Box>}
    </>
  );
}
