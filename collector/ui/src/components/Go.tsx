import { observer } from 'mobx-react-lite';
import { type ReactNode, useCallback } from 'react';
import { Link, useNavigate } from 'react-router';

import { useStores } from '../stores/root';

/** A path of another view, at the past time that is looked at: nobody leaves the past by following a link. */
export function withTime(to: string, asOf: string | null): string {
  if (asOf === null) return to;
  const [path = '', query = ''] = to.split('?');
  const params = new URLSearchParams(query);
  params.set('asOf', asOf);
  return `${path}?${params.toString()}`;
}

/** Goes to another view. */
export function useGo(): (to: string) => void {
  const { clock } = useStores();
  const navigate = useNavigate();
  return useCallback((to: string) => void navigate(withTime(to, clock.asOf)), [navigate, clock]);
}

/** A link to another view. */
export const Go = observer(function Go({ to, children }: { to: string; children: ReactNode }) {
  const { clock } = useStores();
  return <Link to={withTime(to, clock.asOf)}>{children}</Link>;
});
