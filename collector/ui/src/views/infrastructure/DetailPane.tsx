import { Box, IconButton, Tab, Tabs, Tooltip, Typography } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useEffect } from 'react';
import { useNavigate, useSearchParams } from 'react-router';

import type { Kind } from '../../api/inventory';
import { CopyButton } from '../../components/CopyButton';
import { HitIcon } from '../../components/HitIcon';
import { Icon } from '../../components/Icon';
import { Name } from '../../components/Name';
import { Failure, Waiting } from '../../components/Notice';
import { word } from '../../format/text';
import { useStores } from '../../stores/root';
import { DetailActions } from './DetailActions';
import { CapabilitiesTab } from './tabs/CapabilitiesTab';
import { DriftTab } from './tabs/DriftTab';
import { EnvironmentsTab } from './tabs/EnvironmentsTab';
import { EvidenceTab } from './tabs/EvidenceTab';
import { HistoryTab } from './tabs/HistoryTab';
import { IdentityTab } from './tabs/IdentityTab';
import { OverviewTab } from './tabs/OverviewTab';
import { TagsTab } from './tabs/TagsTab';
import { WorkloadsTab } from './tabs/WorkloadsTab';

interface TabOf {
  id: string;
  label: string;
  kinds: Kind[] | null;
  show: () => React.ReactNode;
}

const TABS: TabOf[] = [
  { id: 'overview', label: 'Overview', kinds: null, show: () => <OverviewTab /> },
  { id: 'workloads', label: 'Workloads', kinds: ['compute'], show: () => <WorkloadsTab /> },
  { id: 'capabilities', label: 'Capabilities', kinds: ['compute'], show: () => <CapabilitiesTab /> },
  { id: 'tags', label: 'Tags', kinds: null, show: () => <TagsTab /> },
  { id: 'environments', label: 'Environments', kinds: null, show: () => <EnvironmentsTab /> },
  { id: 'evidence', label: 'Seen by', kinds: ['compute', 'workload'], show: () => <EvidenceTab /> },
  { id: 'identity', label: 'Identity', kinds: ['compute'], show: () => <IdentityTab /> },
  { id: 'drift', label: 'Drift', kinds: ['compute'], show: () => <DriftTab /> },
  { id: 'history', label: 'History', kinds: null, show: () => <HistoryTab /> },
];

const nameOf = (item: Record<string, unknown>): string => {
  const name = item.name ?? item.workloadName;
  return typeof name === 'string' ? name : '';
};

/** What is selected in the tree, in full. */
export const DetailPane = observer(function DetailPane({ kind, id }: { kind: Kind; id: number }) {
  const { detail } = useStores();
  const navigate = useNavigate();
  const [params, setParams] = useSearchParams();
  useEffect(() => detail.show(kind, id), [detail, kind, id]);

  const tabs = TABS.filter((tab) => tab.kinds === null || tab.kinds.includes(kind));
  const tab = tabs.find((known) => known.id === params.get('tab')) ?? tabs[0];
  const choose = (chosen: string) =>
    setParams(
      (known) => {
        if (chosen === 'overview') known.delete('tab');
        else known.set('tab', chosen);
        return known;
      },
      { replace: true },
    );
  const close = () => {
    const rest = new URLSearchParams(params);
    rest.delete('tab');
    void navigate({ pathname: '/infrastructure', search: rest.toString() });
  };

  const { resource } = detail;
  const item = resource.value?.item ?? null;
  return (
    <>
      <Box sx={{ display: 'flex', alignItems: 'center', gap: 2, px: 4, pt: 3, pb: 1, minHeight: 46 }}>
        <HitIcon kind={kind} size={18} />
        <Box sx={{ minWidth: 0, flex: 1 }}>
          <Typography variant="h2" component="h1" sx={{ minWidth: 0, display: 'flex' }}>
            {item ? <Name text={nameOf(item)} /> : ' '}
          </Typography>
          <Typography variant="caption" sx={{ color: 'text.secondary' }}>
            {word(kind)} {id}
          </Typography>
        </Box>
        <DetailActions kind={kind} id={id} />
        <CopyButton text={location.href} label="Copy a link to this" />
        <Tooltip title="Close (Esc)">
          <IconButton aria-label="Close details" onClick={close} sx={{ color: 'text.secondary' }}>
            <Icon name="close" />
          </IconButton>
        </Tooltip>
      </Box>
      <Tabs value={tab?.id ?? false} onChange={(_, chosen: string) => choose(chosen)} variant="scrollable" scrollButtons={false} aria-label="Details" sx={{ px: 2, borderBottom: 1, borderColor: 'divider', flexShrink: 0 }}>
        {tabs.map((known) => (
          <Tab key={known.id} value={known.id} label={known.label} id={`tab-${known.id}`} aria-controls="detail-panel" />
        ))}
      </Tabs>
      <Box role="tabpanel" id="detail-panel" aria-labelledby={`tab-${tab?.id ?? ''}`} tabIndex={0} sx={{ flex: 1, minHeight: 0, overflow: 'auto', p: 4 }}>
        {resource.state === 'failed' && !item ? (
          <Failure error={resource.error} retry={() => void detail.reload()} inline />
        ) : item ? (
          tab?.show()
        ) : (
          <Waiting rows={10} />
        )}
      </Box>
    </>
  );
});
