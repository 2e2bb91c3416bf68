import { Box, Button } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useState } from 'react';
import { useParams } from 'react-router';

import { activateAgent, type Agent, refreshAgent, revokeAgent } from '../../api/automation';
import { Age } from '../../components/Age';
import { Confirm } from '../../components/Confirm';
import { CopyButton } from '../../components/CopyButton';
import { DataTable, type TableColumn } from '../../components/DataTable';
import { FactList } from '../../components/FactList';
import { Go, useGo } from '../../components/Go';
import { Icon } from '../../components/Icon';
import { Name } from '../../components/Name';
import { Empty, Failure } from '../../components/Notice';
import { SidePane } from '../../components/SidePane';
import { Status } from '../../components/Status';
import { timestamp } from '../../format/time';
import { count, plural } from '../../format/units';
import { useStores } from '../../stores/root';

const troubled = (agent: Agent) => agent.coverage.filter((source) => source.health !== 'healthy' && source.health !== 'absent');

/** One word for what an agent is worth at the moment. */
function stateOf(agent: Agent): string {
  if (agent.state !== 'ACTIVE') return agent.state.toLowerCase();
  if (!agent.connected) return 'unreachable';
  return troubled(agent).length > 0 ? 'degraded' : 'healthy';
}

const COLUMNS: TableColumn<Agent>[] = [
  { id: 'host', label: 'Host', width: 170, grow: true, value: (row) => row.computeName ?? row.hostname, cell: (row) => <Name text={row.computeName ?? row.hostname} /> },
  { id: 'state', label: 'State', width: 128, value: stateOf, cell: (row) => <Status status={stateOf(row)} why={row.stateReason ?? (troubled(row).map((source) => `${source.source}: ${source.reason ?? source.health}`).join('; ') || null)} /> },
  { id: 'version', label: 'Version', width: 80, value: (row) => row.version },
  { id: 'seen', label: 'Last heard of', width: 112, value: (row) => row.lastSeenAt, cell: (row) => <Age at={row.lastSeenAt} /> },
  { id: 'reported', label: 'Last report', width: 112, value: (row) => row.reportedAt ?? '', cell: (row) => <Age at={row.reportedAt} unknown="it never reported" /> },
  { id: 'reports', label: 'Reports', width: 76, numeric: true, value: (row) => row.appliedSequence, cell: (row) => count(row.appliedSequence) },
  { id: 'lost', label: 'Lost', width: 60, numeric: true, value: (row) => row.lostReports, cell: (row) => <Box component="span" sx={{ color: row.lostReports > 0 ? 'orx.warn' : 'text.secondary' }}>{count(row.lostReports)}</Box> },
  { id: 'certificate', label: 'Certificate ends', width: 124, value: (row) => row.certificate?.expiresAt ?? '', cell: (row) => <Age at={row.certificate?.expiresAt} unknown="it has none in force" /> },
  { id: 'skew', label: 'Clock off by', width: 96, numeric: true, value: (row) => row.clockSkewMs ?? null, cell: (row) => (row.clockSkewMs === null || row.clockSkewMs === undefined ? '?' : `${count(row.clockSkewMs)} ms`) },
  { id: 'sources', label: 'Sources in trouble', width: 150, value: (row) => troubled(row).map((source) => source.source).join(', ') },
  { id: 'enrolled', label: 'Enrolled', width: 112, value: (row) => row.enrolledAt, cell: (row) => <Age at={row.enrolledAt} /> },
];
const FIRST = ['host', 'state', 'version', 'seen', 'reported', 'lost', 'certificate', 'sources'];

export const AgentsPanel = observer(function AgentsPanel() {
  const { automation, session } = useStores();
  const { id } = useParams();
  const go = useGo();
  const agent = id ? automation.agent(id) : null;
  return (
    <>
      <Box sx={{ flex: 1, minWidth: 0, display: agent ? { xs: 'none', md: 'flex' } : 'flex' }}>
        <DataTable
          name="agents"
          label="Agents"
          data={automation.agents}
          columns={COLUMNS}
          first={FIRST}
          keyOf={(row) => row.id}
          selected={id ?? null}
          onOpen={(row) => go(`/automation/agents/${row.id}`)}
          retry={() => void automation.read('agents')}
          tools={
            session.may('operator') && (
              <Button variant="outlined" startIcon={<Icon name="plus" size={14} />} onClick={() => go('/automation/tokens?new=1')}>
                Add an agent
              </Button>
            )
          }
          empty={
            <Empty icon="agent" title="No agent yet">
              An agent looks at a host and tells what runs there. Make a join token and paste its command on the host.
            </Empty>
          }
        />
      </Box>
      {agent && <AgentPane agent={agent} onClose={() => go('/automation/agents')} />}
    </>
  );
});

type Asked = 'revoke' | 'activate' | null;

const AgentPane = observer(function AgentPane({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const { automation, session } = useStores();
  const [asked, setAsked] = useState<Asked>(null);
  const [told, setTold] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const again = () => automation.read('agents');
  const look = () => {
    setTold('Looking…');
    setError(null);
    refreshAgent(agent.id).then(
      (result) => {
        setTold(result.done ? 'It looked again, and what it saw is stored.' : result.message);
        void again();
      },
      (failed: unknown) => {
        setTold(null);
        setError(failed);
      },
    );
  };
  return (
    <SidePane title={<Name text={agent.hostname} />} kind="agent" onClose={onClose}>
      <Box sx={{ display: 'flex', gap: 2, mb: 4, flexWrap: 'wrap' }}>
        {session.may('operator') && (
          <Button variant="outlined" startIcon={<Icon name="refresh" size={14} />} onClick={look} disabled={!agent.connected}>
            Look again
          </Button>
        )}
        {session.may('admin') && agent.state === 'QUARANTINED' && (
          <Button variant="outlined" onClick={() => setAsked('activate')}>
            Let it report again
          </Button>
        )}
        {session.may('admin') && agent.state !== 'REVOKED' && (
          <Button variant="outlined" color="error" onClick={() => setAsked('revoke')}>
            Revoke…
          </Button>
        )}
      </Box>
      {told && <Box role="status" sx={{ mb: 3, color: 'text.secondary' }}>{told}</Box>}
      {error !== null && <Box sx={{ mb: 3 }}><Failure error={error} inline /></Box>}
      <FactList
        title="Health"
        facts={[
          { label: 'State', value: <Status status={stateOf(agent)} /> },
          ...(agent.stateReason ? [{ label: 'Why', value: agent.stateReason }] : []),
          { label: 'Compute', value: agent.computeId ? <Go to={`/infrastructure/compute/${agent.computeId}`}><Name text={agent.computeName} /></Go> : null, why: 'it has none yet' },
          { label: 'Last heard of', value: <Age at={agent.lastSeenAt} /> },
          { label: 'Last report stored', value: agent.reportedAt && <Age at={agent.reportedAt} /> },
          { label: 'Reports stored', value: count(agent.appliedSequence) },
          { label: 'Reports lost', value: agent.lostReports > 0 ? `${plural(agent.lostReports, 'report')}: its outbox was full; their history is missing` : 'none' },
          { label: 'Clock', value: agent.clockSkewMs === null || agent.clockSkewMs === undefined ? null : `${count(agent.clockSkewMs)} ms off` },
        ]}
      />
      <FactList
        title="Sources"
        facts={agent.coverage.map((source) => ({
          label: source.source,
          value: (
            <>
              <Status status={agent.connected ? source.health : 'unknown'} shown={source.health} />
              {source.reason && <Box sx={{ color: 'text.secondary' }}><Name text={source.reason} wrap /></Box>}
            </>
          ),
        }))}
      />
      <FactList
        title="Identity"
        facts={[
          { label: 'Identifier', value: <><Name text={agent.id} mono wrap /><CopyButton text={agent.id} /></> },
          { label: 'Version', value: agent.version },
          { label: 'Enrolled', value: timestamp(agent.enrolledAt) },
          { label: 'Join token', value: agent.joinTokenId },
          { label: 'Certificate', value: agent.certificate && <Name text={agent.certificate.serial} mono wrap />, why: 'it has none in force' },
          { label: 'Certificate ends', value: agent.certificate && <Age at={agent.certificate.expiresAt} /> },
          { label: 'Sessions so far', value: count(agent.epoch) },
        ]}
      />
      {asked === 'revoke' && (
        <Confirm title={`Revoke ${agent.hostname}?`} action="Revoke" danger reason="Reason, for the audit log" run={(reason) => revokeAgent(agent.id, reason).then(again)} onClose={() => setAsked(null)}>
          Its identity is withdrawn for good and its sessions end at once. The host must enrol again with a new join token.
        </Confirm>
      )}
      {asked === 'activate' && (
        <Confirm title="Let it report again?" action="Let it report" run={() => activateAgent(agent.id).then(again)} onClose={() => setAsked(null)}>
          Make sure that its identity exists on one host only: a copied disk image has the same one.
        </Confirm>
      )}
    </SidePane>
  );
});
