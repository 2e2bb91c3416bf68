import { Box, Button, IconButton, Tooltip, Typography } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect, useState } from 'react';

import { type Allocation, associate, readAllocation, readAllocations } from '../../../api/environments';
import { remove } from '../../../api/edit';
import type { Association } from '../../../api/inventory';
import { AllocationBar } from '../../../components/AllocationBar';
import { type Badge, EnvironmentBadge } from '../../../components/EnvironmentBadge';
import { Icon } from '../../../components/Icon';
import { Failure, Waiting } from '../../../components/Notice';
import { visible } from '../../../format/text';
import { Loadable } from '../../../stores/loadable';
import { useStores } from '../../../stores/root';
import { AssociateDialog } from './AssociateDialog';

const SHARED = new Set(['partner', 'cloud', 'region', 'availability_zone', 'datacenter', 'compute']);

/** Which environments count, why, and how the resource is shared out among them. */
export const EnvironmentsTab = observer(function EnvironmentsTab() {
  const { detail, session, clock, toast } = useStores();
  const [allocation] = useState(() => new Loadable<Allocation | null>());
  const [adding, setAdding] = useState(false);
  const { kind, id, associations } = detail;
  useEffect(() => {
    detail.open('associations');
    if (kind === null || !SHARED.has(kind) || !clock.isLive) allocation.clear();
    else void allocation.load(async () => (kind === 'compute' ? await readAllocation(id) : ((await readAllocations(kind, [id]))[0] ?? null)));
  }, [detail, allocation, kind, id, clock.isLive]);

  const badges = (detail.resource.value?.item.environments ?? []) as Badge[];
  const own = associations.value ?? [];
  const may = session.may('operator') && clock.isLive;
  const drop = async (association: Association) => {
    await remove(`/api/v1/environment-associations/${association.id}`);
    const { resourceType, resourceId, environmentId, isPrimary, allocatedPercentage } = association;
    toast.tell('The association is removed.', async () => {
      await associate(resourceType, resourceId, environmentId, isPrimary, allocatedPercentage ?? null);
      detail.refresh();
    });
    detail.refresh();
  };
  return (
    <>
      <Section title="What counts here">
        {badges.length === 0 ? (
          <Box sx={{ color: 'text.secondary' }}>No environment: neither it nor anything it is in has one.</Box>
        ) : (
          badges.map((badge) => (
            <Box key={badge.id} sx={{ display: 'flex', gap: 3, alignItems: 'baseline', py: 1 }}>
              <EnvironmentBadge badge={badge} shared={badges.length > 1} />
              <Box sx={{ color: 'text.secondary', minWidth: 0 }}>
                <bdi>{visible(badge.reason ?? `its own, from ${badge.origin}`)}</bdi>
              </Box>
            </Box>
          ))
        )}
      </Section>
      {allocation.value && (
        <Section title="Shared out">
          <AllocationBar allocation={allocation.value} />
        </Section>
      )}
      {allocation.state === 'failed' && <Failure error={allocation.error} inline />}
      <Section title="Its own associations">
        {!associations.value ? (
          associations.state === 'failed' ? <Failure error={associations.error} inline /> : <Waiting rows={2} />
        ) : (
          <>
            {own.length === 0 && <Box sx={{ color: 'text.secondary', mb: 2 }}>None of its own{badges.length > 0 ? ': what counts is inherited.' : '.'}</Box>}
            {own.map((association) => (
              <OwnAssociation key={association.id} association={association} onDrop={may ? () => void drop(association) : null} />
            ))}
            {may && (
              <Button variant="outlined" startIcon={<Icon name="plus" size={14} />} onClick={() => setAdding(true)} sx={{ mt: 2 }}>
                Give it an environment
              </Button>
            )}
          </>
        )}
      </Section>
      {adding && kind !== null && <AssociateDialog kind={kind} id={id} onClose={() => setAdding(false)} onSaved={() => detail.refresh()} />}
    </>
  );
});

function Section({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <Box component="section" sx={{ '& + &': { mt: 6 } }}>
      <Typography variant="h3" sx={{ mb: 1.5 }}>
        {title}
      </Typography>
      {children}
    </Box>
  );
}

const OwnAssociation = observer(function OwnAssociation({ association, onDrop }: { association: Association; onDrop: (() => void) | null }) {
  const { environments } = useStores();
  useEffect(() => void environments.open(), [environments]);
  const environment = environments.byId(association.environmentId);
  const share = association.allocatedPercentage;
  return (
    <Box sx={{ display: 'flex', alignItems: 'center', gap: 2, py: 1, borderBottom: 1, borderColor: 'divider' }}>
      <Box sx={{ flex: 1, minWidth: 0 }}>
        <bdi>{visible(environment?.code ?? `environment ${association.environmentId}`)}</bdi>
        {association.isPrimary && <Box component="span" sx={{ color: 'text.secondary' }}>, the main one</Box>}
        <Box sx={{ fontSize: 12, color: 'text.secondary' }}>
          {association.origin === 'rule' ? `inferred${association.ruleName ? ` by the rule “${visible(association.ruleName)}”` : ''}` : association.origin}
          {share !== null && share !== undefined && `, ${share} %`}
        </Box>
      </Box>
      {onDrop && (
        <Tooltip title="Remove this association">
          <IconButton aria-label="Remove this association" onClick={onDrop} sx={{ color: 'text.secondary' }}>
            <Icon name="trash" />
          </IconButton>
        </Tooltip>
      )}
    </Box>
  );
});
