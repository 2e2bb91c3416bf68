import type { TreeNode } from '../../stores/tree';

export function EnvironmentCell({ node }: { node: TreeNode }) {
  return node.kind === 'note' ? null : null;
}
