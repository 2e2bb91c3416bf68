import { EnvironmentBadges } from '../../components/EnvironmentBadge';
import type { TreeNode } from '../../stores/tree';

export function EnvironmentCell({ node }: { node: TreeNode }) {
  if (node.kind === 'place') return <EnvironmentBadges badges={node.place.environments} most={2} />;
  if (node.kind === 'compute') return <EnvironmentBadges badges={node.compute.environments} most={2} />;
  return node.kind === 'workload' && <EnvironmentBadges badges={node.workload.environments} most={2} />;
}
