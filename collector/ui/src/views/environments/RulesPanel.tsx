import { Button } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect, useState } from 'react';

import { removeRule, type Rule } from '../../api/environments';
import { Confirm } from '../../components/Confirm';
import { DataTable, type TableColumn } from '../../components/DataTable';
import { Icon } from '../../components/Icon';
import { Name } from '../../components/Name';
import { Empty } from '../../components/Notice';
import { StatusMark } from '../../components/Status';
import { useStores } from '../../stores/root';
import { RuleDialog } from './RuleDialog';
import { conditionsText, givesText } from './ruleText';

const COLUMNS: TableColumn<Rule>[] = [
  { id: 'priority', label: 'Priority', width: 72, numeric: true, value: (row) => row.priority },
  { id: 'enabled', label: 'In force', width: 90, value: (row) => row.enabled, cell: (row) => <span className="with-icon"><StatusMark is={row.enabled ? 'well' : 'ended'} />{row.enabled ? 'yes' : 'no'}</span> },
  { id: 'name', label: 'Rule', width: 230, value: (row) => row.name, cell: (row) => <Name text={row.name} /> },
  { id: 'environment', label: 'Gives', width: 150, value: givesText, cell: (row) => <Name text={givesText(row)} /> },
  { id: 'conditions', label: 'When', width: 300, grow: true, value: conditionsText, cell: (row) => <Name text={conditionsText(row)} /> },
  { id: 'confidence', label: 'Sure', width: 64, numeric: true, value: (row) => row.confidence, cell: (row) => `${Math.round(row.confidence * 100)} %` },
];

/** Rules over evidence: the first by priority that matches decides, below what a person set. */
export const RulesPanel = observer(function RulesPanel() {
  const { environments, session } = useStores();
  const [edited, setEdited] = useState<Rule | 'new' | null>(null);
  const [removed, setRemoved] = useState<Rule | null>(null);
  useEffect(() => void environments.readRules(), [environments]);
  const may = session.may('operator');
  return (
    <>
      <DataTable
        name="rules"
        label="Rules"
        data={environments.rules}
        columns={COLUMNS}
        keyOf={(row) => row.id}
        onOpen={may ? (row) => setEdited(row) : undefined}
        retry={() => void environments.readRules()}
        tools={
          may && (
            <Button variant="outlined" startIcon={<Icon name="plus" size={14} />} onClick={() => setEdited('new')}>
              New rule
            </Button>
          )
        }
        empty={<Empty icon="layers" title="No rule">Without rules only what people say counts.</Empty>}
      />
      {edited !== null && (
        <RuleDialog
          rule={edited === 'new' ? null : edited}
          onClose={() => setEdited(null)}
          onSaved={() => void environments.readRules()}
          onRemove={(rule) => {
            setEdited(null);
            setRemoved(rule);
          }}
        />
      )}
      {removed && (
        <Confirm title={`Remove the rule ${removed.name}?`} action="Remove" danger run={() => removeRule(removed.id).then(() => environments.readRules())} onClose={() => setRemoved(null)}>
          What it alone inferred goes with it, tags too; what people accepted or set stays.
        </Confirm>
      )}
    </>
  );
});
