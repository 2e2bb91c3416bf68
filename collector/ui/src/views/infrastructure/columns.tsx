import type { ReactNode } from 'react';

import type { Counts } from '../../api/inventory';
import { Age } from '../../components/Age';
import { Meter } from '../../components/Meter';
import { Name, Unknown } from '../../components/Name';
import { Status, StatusMark } from '../../components/Status';
import { count, percent, plural } from '../../format/units';
import type { TreeNode } from '../../stores/tree';
import { EnvironmentCell } from './EnvironmentCell';

export interface Column {
  id: string;
  label: string;
  width: number;
  /** Numbers stand at the right, so that they can be compared. */
  numeric?: boolean;
  cell: (node: TreeNode) => ReactNode;
}

const GIB = 1_073_741_824;

export const COLUMNS: Column[] = [
  { id: 'environment', label: 'Environment', width: 146, cell: (node) => <EnvironmentCell node={node} /> },
  { id: 'status', label: 'Status', width: 156, cell: statusCell },
  { id: 'computes', label: 'Computes', width: 78, numeric: true, cell: (node) => withCounts(node, (counts) => count(counts.computes)) },
  { id: 'workloads', label: 'Workloads', width: 82, numeric: true, cell: workloadsCell },
  { id: 'coverage', label: 'Coverage', width: 76, cell: coverageCell },
  {
    id: 'cpu',
    label: 'CPU',
    width: 94,
    cell: (node) =>
      node.kind === 'compute' && (
        <Meter label="Processors in use" part={node.compute.cpuMillicores} whole={node.compute.cpuCores ? node.compute.cpuCores * 1_000 : null} />
      ),
  },
  {
    id: 'memory',
    label: 'Memory',
    width: 94,
    cell: (node) =>
      node.kind === 'compute' && (
        <Meter label="Memory in use" part={node.compute.memoryBytes} whole={node.compute.memoryGb ? node.compute.memoryGb * GIB : null} />
      ),
  },
  {
    id: 'address',
    label: 'Address',
    width: 112,
    cell: (node) =>
      node.kind === 'compute' ? <Name text={node.compute.ipAddress} mono /> : node.kind === 'workload' && node.workload.ipAddress && <Name text={node.workload.ipAddress} mono />,
  },
  {
    id: 'system',
    label: 'System or image',
    width: 158,
    cell: (node) =>
      node.kind === 'compute' ? <Name text={node.compute.operatingSystem} /> : node.kind === 'workload' && node.workload.image && <Name text={node.workload.image} />,
  },
  {
    id: 'seen',
    label: 'Last seen',
    width: 96,
    cell: (node) => node.kind === 'compute' && <Age at={node.compute.lastSeenAt} unknown="no agent ever looked at it" />,
  },
];

export const FIRST_COLUMNS = ['environment', 'status', 'workloads', 'coverage', 'cpu', 'memory', 'address', 'system'];

/** What is only known of the present: as of the past these columns would be empty. */
export const PRESENT_ONLY = ['coverage', 'cpu', 'memory', 'seen'];

function withCounts(node: TreeNode, show: (counts: Counts) => ReactNode): ReactNode {
  if (node.kind === 'place') return show(node.place.counts);
  return node.kind === 'unplaced' && show(node.counts);
}

function statusCell(node: TreeNode): ReactNode {
  if (node.kind === 'compute') {
    const { compute } = node;
    if (compute.connected === false) return <Status status="unreachable" why="Its agent is not heard of: what runs on it is not known" />;
    if (compute.connected === null || compute.connected === undefined) {
      return <Status status="unwatched" shown={`${compute.status ? compute.status.toLowerCase() : '?'} (typed in)`} why="No agent ever looked at it: this is what somebody entered" />;
    }
    const troubled = compute.troubledSources;
    return troubled.length > 0 ? <Status status="degraded" shown={troubled.join(', ')} why={`Cannot be looked at in full: ${troubled.join(', ')}`} /> : <Status status="active" shown="up" />;
  }
  if (node.kind === 'workload') {
    const { workload } = node;
    return <Status status={workload.status} why={workload.lastKnownStatus ? `last known: ${workload.lastKnownStatus}` : null} />;
  }
  return withCounts(node, summary);
}

function summary(counts: Counts): ReactNode {
  if (counts.computes === 0) return <span className="quiet">–</span>;
  const parts: [number, 'well' | 'bad' | 'unknown', string][] = [
    [counts.connected, 'well', 'up'],
    [counts.unreachable, 'bad', 'unreachable'],
    [counts.unwatched, 'unknown', 'without agent'],
  ];
  const told = parts.filter(([number]) => number > 0);
  return (
    <span className="tallies" data-hint={told.map(([number, , what]) => `${count(number)} ${what}`).join(', ')}>
      {told.map(([number, is, what]) => (
        <span key={what} className={is}>
          <StatusMark is={is} label={what} />
          {count(number)}
        </span>
      ))}
    </span>
  );
}

function workloadsCell(node: TreeNode): ReactNode {
  if (node.kind === 'compute') {
    const { compute } = node;
    // Nobody looked, so none is no answer.
    if (compute.connected === null || compute.connected === undefined) return compute.workloads > 0 ? count(compute.workloads) : <Unknown why="no agent ever looked" />;
    return compute.connected ? count(compute.workloads) : <span data-hint="As last seen">{count(compute.workloads)} ?</span>;
  }
  return withCounts(node, (counts) =>
    counts.workloadsUnknown > 0 ? (
      <span data-hint={`of ${plural(counts.workloadsUnknown, 'workload')} the present state is not known`}>{count(counts.workloads)} ?</span>
    ) : (
      count(counts.workloads)
    ),
  );
}

function coverageCell(node: TreeNode): ReactNode {
  return withCounts(node, ({ covered, computes }) =>
    computes === 0 ? null : (
      <span className={covered === computes ? 'quiet' : 'part-seen'} data-hint={`${count(covered)} of ${plural(computes, 'compute')} seen in full`}>
        {percent(covered, computes)}
      </span>
    ),
  );
}
