import { observer } from 'mobx-react-lite';
import { useEffect } from 'react';

import { useStores } from '../../stores/root';

/** Narrows the tree to what belongs to an environment, by itself or inherited. */
export const EnvironmentFilter = observer(function EnvironmentFilter({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { environments } = useStores();
  useEffect(() => void environments.open(), [environments]);
  const codes = [...new Set((environments.list.value ?? []).map((environment) => environment.code))].sort();
  if (codes.length === 0 && value === '') return null;
  return (
    <select className="plain" aria-label="Environment" value={value} onChange={(event) => onChange(event.target.value)}>
      <option value="">Any environment</option>
      {[...new Set([...codes, ...(value === '' ? [] : [value])])].map((code) => (
        <option key={code} value={code}>
          {code}
        </option>
      ))}
    </select>
  );
});
