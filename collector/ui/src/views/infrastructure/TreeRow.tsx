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
    <div
      id={id}
      role="row"
      aria-rowindex={index + 2}
      aria-level={node.depth + 1}
      aria-expanded={node.expandable ? node.expanded : undefined}
      aria-selected={selected}
      data-key={node.key}
      className={`tree-grid tree-row${selected ? ' selected' : ''}${atCursor ? ' cursor' : ''}`}
      onClick={() => onOpen(node)}
      style={{ transform: `translateY(${top}px)`, height: ROW, gridTemplateColumns: template }}
    >
      {glow !== undefined && <span key={glow} className="glow" aria-hidden />}
      <div role="gridcell" className="tree-name" style={{ paddingLeft: 10 + node.depth * INDENT }}>
        {node.expandable ? (
          <span
            className="twist"
            data-open={node.expanded}
            onClick={(event) => {
              event.stopPropagation();
              void tree.toggle(node.key);
            }}
          >
            <Icon name="chevron" size={14} />
          </span>
        ) : (
          <span className="no-twist" />
        )}
        <Label node={node} />
      </div>
      {columns.map((column) => (
        <div key={column.id} role="gridcell" data-column={column.id} className={column.numeric ? 'number' : undefined}>
          {column.cell(node)}
        </div>
      ))}
    </div>
  );
});

function Label({ node }: { node: TreeNode }) {
  if (node.kind === 'note') return <span className={node.failed ? 'note failed' : 'note'}>{node.text}</span>;
  if (node.kind === 'unplaced') {
    return (
      <>
        <Icon name="datacenter" size={15} tone="faint" />
        <span>In no place yet</span>
      </>
    );
  }
  const { icon, name, aside } = labelOf(node);
  return (
    <>
      <HitIcon kind={icon} />
      <span className={node.kind === 'workload' ? 'tree-label' : 'tree-label strong'}>
        <Name text={name} />
      </span>
      {aside && (
        <span className="tree-aside">
          <Name text={aside} />
        </span>
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
    return { icon: 'compute', name: compute.name, aside: isSaid(compute.name, compute.hostname) ? null : compute.hostname ?? null };
  }
  const { workload } = node;
  return { icon: workload.workloadType === 'process' ? 'process' : 'container', name: workload.workloadName, aside: portsOf(workload.ports) };
}

/** `web1.example.net` tells nothing that `web1` did not. */
const isSaid = (name: string, hostname: string | null | undefined): boolean => !hostname || hostname === name || hostname.startsWith(`${name}.`);

/** Ports that can be reached from outside the host: what people look for in a list. */
function portsOf(ports: { hostPort?: number | null; protocol?: string }[]): string | null {
  const reachable = [...new Set(ports.flatMap((port) => (port.hostPort ? [`:${port.hostPort}`] : [])))];
  return reachable.length > 0 ? reachable.slice(0, 4).join(' ') : null;
}
