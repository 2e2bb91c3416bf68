import { Box } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect, useState } from 'react';

import { type ComputeSummary, readSummaries } from '../../api/inventory';
import { visible } from '../../format/text';
import { Loadable } from '../../stores/loadable';
import { FilterField } from '../FilterField';
import { Name } from '../Name';

interface Props {
  label: string;
  /** Never offered. */
  except: number;
  value: ComputeSummary | null;
  onChange: (compute: ComputeSummary) => void;
}

const OFFERED = 8;

/** Finds a compute by its name, host name or address. */
export const ComputePicker = observer(function ComputePicker({ label, except, value, onChange }: Props) {
  const [text, setText] = useState('');
  const [found] = useState(() => new Loadable<ComputeSummary[]>());
  useEffect(() => {
    if (text.trim() === '') found.clear();
    else void found.load(async () => (await readSummaries({ match: text.trim(), limit: OFFERED + 1 }, null, OFFERED + 1)).items);
  }, [found, text]);
  const offered = (found.value ?? []).filter((compute) => compute.id !== except).slice(0, OFFERED);
  return (
    <Box>
      <Box sx={{ display: 'flex' }}>
        <FilterField label={label} value={text} onChange={setText} width={420} />
      </Box>
      <Box role="radiogroup" aria-label={label} sx={{ mt: 1, display: 'grid' }}>
        {offered.map((compute) => (
          <Box component="label" key={compute.id} sx={{ display: 'flex', gap: 2, alignItems: 'center', py: 0.75, px: 1, minHeight: 28, borderRadius: 1, cursor: 'pointer', '&:hover': { bgcolor: 'action.hover' } }}>
            <input type="radio" name="compute" checked={value?.id === compute.id} onChange={() => onChange(compute)} />
            <Box sx={{ fontWeight: 500, minWidth: 0 }}>
              <Name text={compute.name} />
            </Box>
            <Box sx={{ color: 'text.secondary', fontSize: 12, minWidth: 0, flex: 1 }}>
              {visible([compute.hostname !== compute.name ? compute.hostname : null, compute.ipAddress].filter(Boolean).join(', '))}
            </Box>
            <Box sx={{ color: 'text.secondary', fontSize: 12, whiteSpace: 'nowrap' }}>
              compute {compute.id}, {compute.agentId ? 'has an agent' : 'typed in'}
            </Box>
          </Box>
        ))}
      </Box>
      {found.state === 'ready' && offered.length === 0 && <Box role="status" sx={{ color: 'text.secondary', mt: 1 }}>No compute contains this.</Box>}
    </Box>
  );
});
