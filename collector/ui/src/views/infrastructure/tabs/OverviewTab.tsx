import { Box } from '@mui/material';
import { observer } from 'mobx-react-lite';

import type { Compute, Place, Workload } from '../../../api/inventory';
import { Age } from '../../../components/Age';
import { CopyButton } from '../../../components/CopyButton';
import { type Fact, FactList } from '../../../components/FactList';
import { Go } from '../../../components/Go';
import { JsonTree } from '../../../components/JsonTree';
import { Meter } from '../../../components/Meter';
import { Name } from '../../../components/Name';
import { Status } from '../../../components/Status';
import { fieldName, word } from '../../../format/text';
import { timestamp } from '../../../format/time';
import { bytes, cores, count, gibibytes, mebibytes, percent } from '../../../format/units';
import { useStores } from '../../../stores/root';
import { PortList } from './PortList';

const GIB = 1_073_741_824;

/** What is known of a resource. */
export const OverviewTab = observer(function OverviewTab() {
  const { detail } = useStores();
  const item = detail.resource.value?.item;
  if (!item) return null;
  if (detail.kind === 'compute') return <ComputeOverview compute={item as Compute} />;
  if (detail.kind === 'workload') return <WorkloadOverview workload={item as Workload} />;
  return <PlaceOverview item={item} />;
});

const copied = (text: string | null | undefined) =>
  text ? (
    <Box component="span" sx={{ display: 'inline-flex', alignItems: 'center', maxWidth: 1 }}>
      <Name text={text} mono wrap />
      <CopyButton text={text} />
    </Box>
  ) : null;

function ComputeOverview({ compute }: { compute: Compute }) {
  const { agent, usage } = compute;
  return (
    <>
      <FactList
        title="State"
        facts={[
          { label: 'Status', value: <Status status={compute.status} /> },
          {
            label: 'Agent',
            why: 'no agent ever looked at it',
            value: agent && (
              <Go to={`/automation/agents/${agent.id}`}>
                {agent.connected ? 'connected' : 'not heard of'}, version {agent.version}
              </Go>
            ),
          },
          { label: 'Last seen', value: agent && <Age at={agent.lastSeenAt} /> },
          {
            label: 'CPU in use',
            why: 'it was never measured',
            value: usage && (
              <Box sx={{ maxWidth: 220 }}>
                <Meter label="CPU" part={usage.cpuMillicores} whole={compute.cpuCores ? compute.cpuCores * 1_000 : null} width={90} /> {cores(usage.cpuMillicores)} of {count(compute.cpuCores)} cores
              </Box>
            ),
          },
          {
            label: 'Memory in use',
            why: 'it was never measured',
            value: usage && (
              <Box sx={{ maxWidth: 220 }}>
                <Meter label="Memory" part={usage.memoryBytes} whole={compute.memoryGb ? compute.memoryGb * GIB : null} width={90} /> {bytes(usage.memoryBytes)} of {gibibytes(compute.memoryGb)}
              </Box>
            ),
          },
        ]}
      />
      <FactList
        title="Machine"
        fold
        facts={[
          { label: 'Host name', value: copied(compute.hostname) },
          { label: 'Address', value: copied(compute.ipAddress) },
          { label: 'Hardware address', value: copied(compute.primaryMacAddress) },
          { label: 'Operating system', value: compute.operatingSystem },
          { label: 'Kernel', value: compute.kernelVersion },
          { label: 'Processors', value: compute.cpuCores === null ? null : count(compute.cpuCores) },
          { label: 'Memory', value: compute.memoryGb === null ? null : gibibytes(compute.memoryGb) },
          { label: 'Disks', value: compute.diskGb === null || compute.diskGb === undefined ? null : `${count(compute.diskGb)} GB` },
          { label: 'Virtualisation', value: compute.virtualizationType ?? (compute.isPhysical ? 'none: a machine of its own' : null) },
          { label: 'Maker and model', value: [compute.brand, compute.model].filter(Boolean).join(' ') || null },
          { label: 'Serial number', value: copied(compute.serialNumber) },
          { label: 'Containers', value: compute.containerRuntime },
        ]}
      />
      <FactList
        title="Inventory"
        fold
        facts={[
          { label: 'Description', value: compute.description },
          { label: 'Purpose', value: compute.purpose },
          { label: 'Notes', value: compute.notes },
          { label: 'Entered', value: compute.createdAt ? timestamp(compute.createdAt) : null },
          { label: 'Altered', value: compute.updatedAt ? timestamp(compute.updatedAt) : null },
        ]}
      />
      {compute.facts !== null && compute.facts !== undefined && (
        <Box component="section" sx={{ mt: 5 }}>
          <Box component="h3" sx={{ fontSize: 13, fontWeight: 620, m: 0, mb: 1 }}>
            Everything the host told
          </Box>
          <JsonTree value={compute.facts} />
        </Box>
      )}
    </>
  );
}

function WorkloadOverview({ workload }: { workload: Workload }) {
  const { usage } = workload;
  return (
    <>
      <FactList
        title="State"
        facts={[
          {
            label: 'Status',
            value: (
              <>
                <Status status={workload.status} />
                {workload.unknownSince && (
                  <Box sx={{ color: 'text.secondary' }}>
                    since <Age at={workload.unknownSince} />, last known: {workload.lastKnownStatus ?? '?'}
                  </Box>
                )}
                {workload.stale && <Box sx={{ color: 'orx.warn' }}>Its source cannot be looked at: {workload.stale.reason}</Box>}
              </>
            ),
          },
          { label: 'On', value: <Go to={`/infrastructure/compute/${workload.computeId}`}><Name text={workload.computeName ?? `compute ${workload.computeId}`} /></Go> },
          { label: 'Type', value: `${workload.workloadType}${workload.isolationMethod ? `, isolated by ${workload.isolationMethod}` : ''}` },
          { label: 'Image', value: workload.image ? copied(workload.image) : workload.workloadType === 'container' ? null : <span>none</span> },
          { label: 'Started', value: workload.startedAt && <Age at={workload.startedAt} /> },
          { label: 'First seen', value: <Age at={workload.firstSeenAt} /> },
          ...(workload.endedAt ? [{ label: 'Ended', value: <><Age at={workload.endedAt} /> {workload.endReason}</> }] : []),
        ]}
      />
      <FactList
        title="Use and limits"
        facts={[
          { label: 'CPU in use', value: usage ? `${cores(usage.cpuMillicores)} cores` : null, why: 'it was never measured' },
          { label: 'CPU limit', value: workload.cpuCores === null || workload.cpuCores === undefined ? <span>none known</span> : `${count(workload.cpuCores)} cores` },
          { label: 'Memory in use', value: usage ? bytes(usage.memoryBytes) : null, why: 'it was never measured' },
          {
            label: 'Memory limit',
            value: workload.memoryMb ? `${mebibytes(workload.memoryMb)}${usage ? ` (${percent(usage.memoryBytes, workload.memoryMb * 1_048_576)} used)` : ''}` : <span>none known</span>,
          },
          { label: 'Address', value: workload.ipAddress ? copied(workload.ipAddress) : null },
        ]}
      />
      <PortList ports={workload.ports} />
      <Labels labels={workload.labels} />
      {workload.isolationDetails !== null && workload.isolationDetails !== undefined && (
        <Box component="section" sx={{ mt: 5 }}>
          <Box component="h3" sx={{ fontSize: 13, fontWeight: 620, m: 0, mb: 1 }}>
            Details
          </Box>
          <JsonTree value={workload.isolationDetails} />
        </Box>
      )}
    </>
  );
}

function Labels({ labels }: { labels: Record<string, string> }) {
  const entries = Object.entries(labels);
  if (entries.length === 0) return null;
  const facts: Fact[] = entries.map(([label, value]) => ({ label, value: value === '' ? <span>(empty)</span> : value }));
  return <FactList title="Labels" facts={facts} />;
}

const HIDDEN = new Set(['id', 'name']);

/** Fields that name another resource. */
const REFERS: Record<string, string> = { partnerId: 'partner', cloudId: 'cloud', regionId: 'region', availabilityZoneId: 'availability_zone', drPairedWith: 'datacenter' };

const PlaceOverview = observer(function PlaceOverview({ item }: { item: Record<string, unknown> }) {
  const { tree, detail } = useStores();
  const place: Place | undefined = tree.placeByKey.get(`${detail.kind ?? ''}:${detail.id}`);
  const shown = (name: string, value: unknown): Fact['value'] => {
    if (value === null || value === undefined || value === '') return null;
    const refers = REFERS[name];
    if (refers && typeof value === 'number') return <Go to={`/infrastructure/${refers}/${value}`}><Name text={tree.placeByKey.get(`${refers}:${value}`)?.name ?? `${word(refers)} ${value}`} /></Go>;
    if (name === 'environmentId' && typeof value === 'number') return <Go to={`/environments/${value}`}>environment {value}</Go>;
    if (name === 'status') return <Status status={value as string} />;
    if (typeof value === 'boolean') return value ? 'yes' : 'no';
    if (name.endsWith('At') && typeof value === 'string') return timestamp(value);
    return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
  };
  const facts = Object.entries(item)
    .filter(([name, value]) => !HIDDEN.has(name) && (value === null || typeof value !== 'object'))
    .map(([name, value]) => ({ label: fieldName(REFERS[name] ? name.replace(/Id$/, '') : name), value: shown(name, value) }));
  return (
    <>
      {place && (
        <FactList
          title="In it"
          facts={[
            { label: 'Computes', value: count(place.counts.computes) },
            { label: 'Up', value: count(place.counts.connected) },
            { label: 'Unreachable', value: place.counts.unreachable > 0 ? <Status status="unreachable" shown={count(place.counts.unreachable)} /> : '0' },
            { label: 'Without an agent', value: count(place.counts.unwatched) },
            { label: 'Seen in full', value: place.counts.computes > 0 ? percent(place.counts.covered, place.counts.computes) : <span>nothing to see</span> },
            { label: 'Workloads', value: place.counts.workloadsUnknown > 0 ? `${count(place.counts.workloads)}, of ${count(place.counts.workloadsUnknown)} the state is not known` : count(place.counts.workloads) },
          ]}
        />
      )}
      <FactList title="Inventory" facts={facts} fold />
    </>
  );
});
