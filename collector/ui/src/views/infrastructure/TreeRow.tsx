import { Box } from '@mui/material';
import { observer } from 'mobx-react-lite';

import { HitIcon } from '../../components/HitIcon';
import { Icon } from '../../components/Icon';
import { Name } from '../../components/Name';
import { word } from '../../format/text';
import { useStores } from '../../stores/root';
import type { TreeNode } from '../../stores/tree';
import { ROW } from '../../theme/tokens';
import type { Column } from './columns';

interface Props {
  id: string;
  node: TreeNode;
  index: number;
  top: number;
  columns: Column[];
  template: string;
  selected: boolean;
  atCursor: boolean;
  onOpen: (node: TreeNode) => void;
}

const INDENT = 18;

export const TreeRow = observer(function TreeRow({ id, node, index, top, columns, template, selected, atCursor, onOpen }: Props) {
  const { tree, live } = useStores();
  const glow = live.glowing.get(node.key);
  return (
    <Box
      id={id}
      role="row"
      aria-rowindex={index + 2}
      aria-level={node.depth + 1}
      aria-expanded={node.expandable ? node.expanded : undefined}
      aria-selected={selected}
      data-key={node.key}
      className={`tree-grid tree-row${selected ? ' selected' : ''}${atCursor ? ' cursor' : ''}`}
      onClick={() => onOpen(node)}
      style={{ top, height: ROW, gridTemplateColumns: template }}
    >
      {glow !== undefined && <span key={glow} className="glow" aria-hidden />}
      <Box role="gridcell" sx={{ display: 'flex', alignItems: 'center', gap: 1.5, minWidth: 0, pr: 2, position: 'relative' }} style={{ paddingLeft: 10 + node.depth * INDENT }}>
        {node.expandable ? (
          <Box
            component="span"
            className="twist"
            data-open={node.expanded}
            onClick={(event) => {
              event.stopPropagation();
              void tree.toggle(node.key);
            }}
          >
            <Icon name="chevron" size={14} />
          </Box>
        ) : (
          <Box component="span" sx={{ width: 18, flexShrink: 0 }} />
        )}
        <Label node={node} />
      </Box>
      {columns.map((column) => (
        <Box key={column.id} role="gridcell" data-column={column.id} className={column.numeric ? 'number' : undefined}>
          {column.cell(node)}
        </Box>
      ))}
    </Box>
  );
});

function Label({ node }: { node: TreeNode }) {
  if (node.kind === 'note') return <Box component="span" sx={{ color: node.failed ? 'orx.bad' : 'text.secondary', fontStyle: 'italic' }}>{node.text}</Box>;
  if (node.kind === 'unplaced') {
    return (
      <>
        <Icon name="datacenter" size={15} sx={{ color: 'text.secondary', opacity: 0.6 }} />
        <span>In no place yet</span>
      </>
    );
  }
  const { icon, name, aside } = labelOf(node);
  return (
    <>
      <HitIcon kind={icon} />
      <Box component="span" sx={{ minWidth: 0, flex: '0 1 auto', fontWeight: node.kind === 'workload' ? 400 : 500 }}>
        <Name text={name} />
      </Box>
      {aside && (
        <Box component="span" sx={{ minWidth: 0, flex: '0 100 auto', color: 'text.secondary', fontSize: 12, overflow: 'hidden' }}>
          <Name text={aside} />
        </Box>
      )}
    </>
  );
}

function labelOf(node: Extract<TreeNode, { kind: 'place' | 'compute' | 'workload' }>): { icon: string; name: string; aside: string | null } {
  if (node.kind === 'place') {
    const { place } = node;
    const other = place.label && place.label !== place.name ? place.label : word(place.kind);
    return { icon: place.kind, name: place.name, aside: other };
  }
  if (node.kind === 'compute') {
    const { compute } = node;
    return { icon: 'compute', name: compute.name, aside: compute.hostname && compute.hostname !== compute.name ? compute.hostname : null };
  }
  const { workload } = node;
  return { icon: workload.workloadType === 'process' ? 'process' : 'container', name: workload.workloadName, aside: portsOf(workload.ports) };
}

/** Ports that can be reached from outside the host: what people look for in a list. */
function portsOf(ports: { hostPort?: number | null; protocol?: string }[]): string | null {
  const reachable = [...new Set(ports.flatMap((port) => (port.hostPort ? [`:${port.hostPort}`] : [])))];
  return reachable.length > 0 ? reachable.slice(0, 4).join(' ') : null;
}
