import { Box, Button } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useState } from 'react';
import { useSearchParams } from 'react-router';

import { type JoinToken, revokeJoinToken } from '../../api/automation';
import { Age } from '../../components/Age';
import { Confirm } from '../../components/Confirm';
import { DataTable, type TableColumn } from '../../components/DataTable';
import { Icon } from '../../components/Icon';
import { Name } from '../../components/Name';
import { Empty } from '../../components/Notice';
import { type Meaning, StatusMark } from '../../components/Status';
import { useStores } from '../../stores/root';
import { NewTokenDialog } from './NewTokenDialog';

const MEANING: Record<string, Meaning> = { usable: 'well', used: 'ended', expired: 'ended', revoked: 'bad' };

export const TokensPanel = observer(function TokensPanel() {
  const { automation, session } = useStores();
  const [params, setParams] = useSearchParams();
  const [revoked, setRevoked] = useState<JoinToken | null>(null);
  if (!session.may('operator')) {
    return (
      <Empty icon="key" title="Join tokens are for operators">
        Your role is {session.who?.role}. An operator can make the token and the command for you.
      </Empty>
    );
  }
  const columns: TableColumn<JoinToken>[] = [
    { id: 'description', label: 'For', width: 180, grow: true, value: (row) => row.description, cell: (row) => (row.description ? <Name text={row.description} /> : <Box component="span" sx={{ color: 'text.secondary' }}>no description</Box>) },
    { id: 'state', label: 'State', width: 110, value: (row) => row.state, cell: (row) => <span className="with-icon"><StatusMark is={MEANING[row.state] ?? 'unknown'} />{row.state}</span> },
    { id: 'uses', label: 'Uses left', width: 84, numeric: true, value: (row) => row.usesLeft, cell: (row) => `${row.usesLeft} of ${row.usesAllowed}` },
    { id: 'ends', label: 'Ends', width: 110, value: (row) => row.expiresAt, cell: (row) => <Age at={row.expiresAt} /> },
    { id: 'made', label: 'Made', width: 110, value: (row) => row.createdAt, cell: (row) => <Age at={row.createdAt} /> },
    { id: 'by', label: 'By', width: 120, value: (row) => row.createdBy, cell: (row) => <Name text={row.createdBy} /> },
    { id: 'id', label: 'Identifier', width: 130, value: (row) => row.id, cell: (row) => <Name text={row.id} mono /> },
    { id: 'tags', label: 'Tags', width: 150, value: (row) => Object.entries(row.tags).map(([key, value]) => `${key}=${value}`).join(' ') },
    {
      id: 'revoke',
      label: 'Withdraw',
      width: 92,
      value: () => '',
      cell: (row) =>
        row.state === 'usable' && (
          <Button
            onClick={(event) => {
              event.stopPropagation();
              setRevoked(row);
            }}
            sx={{ py: 0 }}
          >
            Withdraw
          </Button>
        ),
    },
  ];
  const open = (shown: boolean) =>
    setParams((known) => {
      if (shown) known.set('new', '1');
      else known.delete('new');
      return known;
    });
  return (
    <Box sx={{ flex: 1, minWidth: 0, display: 'flex' }}>
      <DataTable
        name="tokens"
        label="Join tokens"
        data={automation.tokens}
        columns={columns}
        keyOf={(row) => row.id}
        retry={() => void automation.read('tokens')}
        tools={
          <Button variant="contained" startIcon={<Icon name="plus" size={14} />} onClick={() => open(true)}>
            New join token
          </Button>
        }
        empty={<Empty icon="key" title="No join token yet">A join token lets a host enrol once. It is shown once, and ends after 15 minutes unless you say otherwise.</Empty>}
      />
      {params.get('new') === '1' && <NewTokenDialog onClose={() => open(false)} onMade={() => void automation.read('tokens')} />}
      {revoked && (
        <Confirm title="Withdraw this token?" action="Withdraw" danger run={() => revokeJoinToken(revoked.id).then(() => automation.read('tokens'))} onClose={() => setRevoked(null)}>
          Nobody can enrol with it any more. Hosts that did stay.
        </Confirm>
      )}
    </Box>
  );
});
