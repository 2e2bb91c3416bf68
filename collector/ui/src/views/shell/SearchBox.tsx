import { Box, InputBase, Paper, Popper } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { type KeyboardEvent, useRef, useState } from 'react';

import { type Hit, pathOfHit } from '../../api/search';
import { useGo } from '../../components/Go';
import { HitIcon } from '../../components/HitIcon';
import { Icon } from '../../components/Icon';
import { Name } from '../../components/Name';
import { useShortcut } from '../../components/shortcuts';
import { word } from '../../format/text';
import { SuggestionsStore } from '../../stores/suggestions';

const LIST = 'search-suggestions';

const keyOf = (hit: Hit): string => `${hit.kind}${hit.id}${hit.name}`;

/** The search field with what it proposes. Enter without a choice opens the whole list of hits. */
export const SearchBox = observer(function SearchBox() {
  const [store] = useState(() => new SuggestionsStore());
  const [open, setOpen] = useState(false);
  // The hit itself: when others take its place while somebody types, none is chosen.
  const [choice, setChoice] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const go = useGo();
  useShortcut('/', () => field.current?.focus());

  const hits = store.found.value?.items ?? [];
  const chosen = choice === null ? -1 : hits.findIndex((hit) => keyOf(hit) === choice);
  const setChosen = (index: number) => setChoice(hits[index] ? keyOf(hits[index]) : null);

  const leave = () => {
    setOpen(false);
    setChoice(null);
    field.current?.blur();
  };
  const choose = (hit: Hit) => {
    leave();
    go(pathOfHit(hit));
  };
  const press = (event: KeyboardEvent) => {
    const hit = hits[chosen];
    if (event.key === 'Escape') leave();
    else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      setChosen(Math.max(-1, Math.min(hits.length - 1, chosen + step)));
    } else if (event.key === 'Enter' && hit) choose(hit);
    else if (event.key === 'Enter' && store.text.trim() !== '') {
      leave();
      go(`/search?q=${encodeURIComponent(store.text.trim())}`);
    }
  };

  const shown = open && store.text.trim() !== '';
  return (
    <Box ref={box} sx={{ flex: '0 1 440px', minWidth: 0 }}>
      <InputBase
        inputRef={field}
        placeholder="Search names, addresses, images, ports, tags"
        value={store.text}
        onChange={(event) => {
          store.type(event.target.value);
          setChoice(null);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={press}
        startAdornment={<Icon name="search" size={15} tone="quiet" style={{ marginRight: 8 }} />}
        endAdornment={
          <Box component="kbd" aria-hidden sx={{ display: { xs: 'none', sm: 'block' }, px: 1.5, border: 1, borderColor: 'divider', borderRadius: 1, fontSize: 11, fontFamily: 'var(--mono)', color: 'text.secondary' }}>
            /
          </Box>
        }
        slotProps={{
          input: {
            role: 'combobox',
            'aria-label': 'Search everything',
            'aria-expanded': shown,
            'aria-controls': LIST,
            'aria-autocomplete': 'list',
            'aria-activedescendant': chosen >= 0 ? `${LIST}-${chosen}` : undefined,
          },
        }}
        sx={{ width: 1, height: 32, px: 2.5, borderRadius: 1.5, border: 1, borderColor: 'divider', bgcolor: 'background.default', fontSize: 13, '&.Mui-focused': { borderColor: 'primary.main' } }}
      />
      <Popper open={shown} anchorEl={box.current} placement="bottom-start" sx={{ zIndex: 1300, width: { xs: 'calc(100vw - 16px)', sm: 520 } }}>
        <Paper elevation={6} sx={{ mt: 1, py: 1, border: 1, borderColor: 'divider', maxHeight: '70vh', overflow: 'auto' }}>
          <Box id={LIST} role="listbox" aria-label="Suggestions">
            {hits.map((hit, index) => (
              <Box
                key={keyOf(hit)}
                id={`${LIST}-${index}`}
                role="option"
                aria-selected={index === chosen}
                onMouseDown={(event) => {
                  event.preventDefault();
                  choose(hit);
                }}
                sx={{ display: 'flex', alignItems: 'center', gap: 2.5, px: 3, height: 32, cursor: 'pointer', bgcolor: index === chosen ? 'action.selected' : 'transparent', '&:hover': { bgcolor: 'action.hover' } }}
              >
                <HitIcon kind={hit.kind} />
                <Box sx={{ minWidth: 0, flex: '0 1 auto', fontWeight: 500 }}>
                  <Name text={hit.name} />
                </Box>
                <Box sx={{ minWidth: 0, flex: 1, color: 'text.secondary', fontSize: 12, display: 'flex', gap: 1 }}>
                  {hit.computeName ? <Name text={`on ${hit.computeName}`} /> : hit.detail && <Name text={hit.detail} />}
                </Box>
                <Box component="span" sx={{ color: 'text.secondary', fontSize: 11, whiteSpace: 'nowrap' }}>
                  {hit.matched === 'name' ? word(hit.kind) : `${word(hit.kind)} · ${hit.matched}`}
                </Box>
              </Box>
            ))}
          </Box>
          <Box sx={{ px: 3, py: 1.5, color: 'text.secondary', fontSize: 12 }} role="status">
            {store.found.state === 'failed' ? 'Search does not work at the moment.' : store.found.state === 'loading' && hits.length === 0 ? 'Searching…' : hits.length === 0 ? 'Nothing found.' : 'Enter shows everything that was found.'}
          </Box>
        </Paper>
      </Popper>
    </Box>
  );
});
