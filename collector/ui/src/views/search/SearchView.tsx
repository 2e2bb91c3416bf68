import { Box, FormControlLabel, Switch } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect, useState } from 'react';
import { useSearchParams } from 'react-router';

import { type Hit, pathOfHit, search, SEARCH_KINDS } from '../../api/search';
import { DataTable, type TableColumn } from '../../components/DataTable';
import { FilterField } from '../../components/FilterField';
import { useGo } from '../../components/Go';
import { HitIcon } from '../../components/HitIcon';
import { Name } from '../../components/Name';
import { Empty } from '../../components/Notice';
import { PresentOnly } from '../../components/PresentOnly';
import { Status } from '../../components/Status';
import { word } from '../../format/text';
import { Loadable } from '../../stores/loadable';

const LIMIT = 500;
const PAUSE = 200;

const COLUMNS: TableColumn<Hit>[] = [
  { id: 'kind', label: 'Kind', width: 150, value: (row) => word(row.kind), cell: (row) => <span className="with-icon"><HitIcon kind={row.kind} />{word(row.kind)}</span> },
  { id: 'name', label: 'Name', width: 200, grow: true, value: (row) => row.name, cell: (row) => <Name text={row.name} /> },
  { id: 'detail', label: 'What it is', width: 220, value: (row) => row.detail ?? '', cell: (row) => (row.detail ? <Name text={row.detail} /> : null) },
  { id: 'compute', label: 'On', width: 150, value: (row) => row.computeName ?? '', cell: (row) => (row.computeName ? <Name text={row.computeName} /> : null) },
  { id: 'status', label: 'Status', width: 120, value: (row) => row.status ?? '', cell: (row) => row.status && <Status status={row.status} /> },
  { id: 'matched', label: 'Found by', width: 100, value: (row) => row.matched },
];

/** Everything that contains a text, kind by kind. */
export default observer(function SearchView() {
  const [params, setParams] = useSearchParams();
  const go = useGo();
  const [data] = useState(() => new Loadable<Hit[]>());
  const [more, setMore] = useState<string[]>([]);
  const q = params.get('q') ?? '';
  const kind = params.get('kind') ?? '';
  const ended = params.get('ended') === 'true';

  useEffect(() => {
    document.title = q ? `${q} · Search · Orchestrix` : 'Search · Orchestrix';
    if (q.trim() === '') {
      data.clear();
      return undefined;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      void data
        .load(async () => {
          const found = await search(q, { kinds: kind || undefined, limit: LIMIT, ended: ended || undefined, signal: abort.signal });
          setMore(found.more);
          return found.items;
        });
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [data, q, kind, ended]);

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
    <>
      <PresentOnly what="What is found is" />
      <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 2, alignItems: 'center', px: 4, pt: 3, pb: 1 }}>
        <FilterField large width={560} label="Name, address, image, :port, key=value" value={q} onChange={(value) => set('q', value)} />
        <select className="plain" aria-label="Kind" value={kind} onChange={(event) => set('kind', event.target.value)}>
          <option value="">Everything</option>
          {SEARCH_KINDS.map((known) => (
            <option key={known} value={known}>
              {word(known)}
            </option>
          ))}
        </select>
        <FormControlLabel control={<Switch size="small" checked={ended} onChange={(event) => set('ended', event.target.checked ? 'true' : '')} />} label="also what ended" sx={{ mx: 0, '& .MuiFormControlLabel-label': { fontSize: 12 } }} />
      </Box>
      {q.trim() === '' ? (
        <Empty icon="search" title="What are you looking for?">
          A piece of a name, an address or an image is enough. <code>:8080</code> finds who holds a port, <code>team=payments</code> a label or tag.
        </Empty>
      ) : (
        <DataTable
          name="search"
          label="What was found"
          data={data}
          columns={COLUMNS}
          keyOf={(row) => `${row.kind}${row.id}${row.name}`}
          onOpen={(row) => go(pathOfHit(row))}
          retry={() => set('q', q)}
          tools={more.length > 0 && <Box role="status" sx={{ color: 'text.secondary' }}>The first {LIMIT} of each kind; there are more of: {more.map(word).join(', ')}.</Box>}
          empty={<Empty icon="search" title={`Nothing contains “${q}”`}>{ended ? 'Not even among what ended.' : 'Perhaps among what ended?'}</Empty>}
        />
      )}
    </>
  );
});
