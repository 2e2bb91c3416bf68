import { Icon, isIcon } from './Icon';

export const HitIcon = ({ kind, size = 15 }: { kind: string; size?: number }) => (
  <Icon name={isIcon(kind) ? kind : 'workload'} size={size} tone="quiet" />
);
