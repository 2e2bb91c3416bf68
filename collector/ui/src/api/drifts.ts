// Where a person's value and the discovered one differ.

import { send } from './edit';

export interface Drift {
  id: number;
  resourceType: string;
  resourceId: number;
  resourceName: string | null;
  field: string;
  value: unknown;
  discovered: unknown;
  since: string;
  state: 'open' | 'kept';
  keptBy: string | null;
}

export const readDrifts = async (computeId: number): Promise<Drift[]> =>
  (await send<{ items: Drift[] }>('GET', `/api/v1/drifts?computeId=${computeId}&state=any&limit=1000`)).item.items;

/** `take` lets the discovered value win, `keep` the person's; what was seen is named, in case it changed meanwhile. */
export const decideDrift = (drift: Drift, decision: 'take' | 'keep') =>
  send('POST', '/api/v1/drifts/decide', { decision, drifts: [{ id: drift.id, discovered: drift.discovered }] });
