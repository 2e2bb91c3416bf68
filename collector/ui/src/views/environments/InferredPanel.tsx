import { Box, Button, Checkbox } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect, useState } from 'react';

import type { Association, Verdict } from '../../api/environments';
import { pathOfResource } from '../../api/search';
import { DataTable, type TableColumn } from '../../components/DataTable';
import { Go } from '../../components/Go';
import { Name } from '../../components/Name';
import { Empty } from '../../components/Notice';
import { visible, word } from '../../format/text';
import { plural } from '../../format/units';
import { useStores } from '../../stores/root';

/** What a rule decided by, in words. */
export function evidenceText(evidence: unknown): string {
  if (!Array.isArray(evidence)) return '';
  return evidence
    .map((one: unknown) => {
      if (one === null || typeof one !== 'object') return String(one);
      const { evidence: kind, key, value } = one as Record<string, unknown>;
      return [kind, key, value].filter((part) => typeof part === 'string' && part !== '').join(' ');
    })
    .join('; ');
}

/** Associations that rules inferred, for a person to accept, change or refuse, one by one or many. */
export const InferredPanel = observer(function InferredPanel() {
  const { environments, session, toast } = useStores();
  const [other, setOther] = useState('');
  const [busy, setBusy] = useState(false);
  useEffect(() => void environments.readInferred(), [environments]);
  const may = session.may('operator');
  const codeOf = (row: Association) => environments.byId(row.environmentId)?.code ?? `environment ${row.environmentId}`;

  const columns: TableColumn<Association>[] = [
    ...(may
      ? [
          {
            id: 'pick',
            label: 'Picked',
            width: 66,
            value: (row: Association) => environments.picked.has(row.id),
            cell: (row: Association) => <Pick row={row} />,
          },
        ]
      : []),
    { id: 'resource', label: 'Resource', width: 170, grow: true, value: (row) => `${row.resourceType} ${row.resourceId}`, cell: (row) => <Go to={`${pathOfResource(row.resourceType, row.resourceId)}?tab=environments`}>{word(row.resourceType)} {row.resourceId}</Go> },
    { id: 'environment', label: 'Environment', width: 120, value: codeOf, cell: (row) => <Name text={codeOf(row)} /> },
    { id: 'rule', label: 'Rule', width: 170, value: (row) => row.ruleName ?? '', cell: (row) => <Name text={row.ruleName} /> },
    { id: 'confidence', label: 'Sure', width: 70, numeric: true, value: (row) => row.confidence ?? null, cell: (row) => (row.confidence === null || row.confidence === undefined ? '?' : `${Math.round(row.confidence * 100)} %`) },
    { id: 'evidence', label: 'Because of', width: 320, value: (row) => evidenceText(row.evidence), cell: (row) => <Name text={evidenceText(row.evidence)} /> },
  ];

  const picked = environments.picked.size;
  const run = (decision: Verdict['decision'], environment?: number) => {
    setBusy(true);
    environments
      .decidePicked(decision, environment)
      .then((refused) => toast.tell(refused.length === 0 ? 'Decided.' : `${plural(refused.length, 'decision')} could not be carried out: ${refused[0] ?? ''}`))
      .catch((error: unknown) => toast.tell(error instanceof Error ? error.message : String(error)))
      .finally(() => setBusy(false));
  };
  return (
    <DataTable
      name="inferred"
      label="Inferred associations"
      data={environments.inferred}
      columns={columns}
      keyOf={(row) => row.id}
      retry={() => void environments.readInferred()}
      tools={
        may && (
          <Box sx={{ display: 'flex', gap: 2, alignItems: 'center', flexWrap: 'wrap', py: 1 }}>
            <Button variant="outlined" onClick={() => environments.pickAll(picked === 0)}>
              {picked === 0 ? 'Pick all' : 'Pick none'}
            </Button>
            <Button variant="contained" disabled={picked === 0 || busy} onClick={() => run('accept')}>
              Accept {picked > 0 ? picked : ''}
            </Button>
            <Button variant="outlined" disabled={picked === 0 || busy} onClick={() => run('refuse')}>
              Refuse
            </Button>
            <select className="plain" aria-label="Other environment" value={other} onChange={(event) => setOther(event.target.value)}>
              <option value="">Change to…</option>
              {(environments.list.value ?? []).map((environment) => (
                <option key={environment.id} value={environment.id}>
                  {visible(environment.code)}
                </option>
              ))}
            </select>
            <Button variant="outlined" disabled={picked === 0 || other === '' || busy} onClick={() => run('change', Number(other))}>
              Change
            </Button>
          </Box>
        )
      }
      empty={<Empty icon="layers" title="Rules have inferred nothing">Or a person judged all of it already.</Empty>}
    />
  );
});

const Pick = observer(function Pick({ row }: { row: Association }) {
  const { environments } = useStores();
  return (
    <Checkbox
      size="small"
      sx={{ p: 0 }}
      checked={environments.picked.has(row.id)}
      onClick={(event) => event.stopPropagation()}
      onChange={(event) => environments.pick(row.id, event.target.checked)}
      slotProps={{ input: { 'aria-label': `Pick ${row.resourceType} ${row.resourceId}` } }}
    />
  );
});
