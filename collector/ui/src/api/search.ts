import { client, ok, type Schemas } from './client';

export type Hit = Schemas['Hit'];
export type Found = Schemas['Found'];

export const SEARCH_KINDS = ['compute', 'workload', 'datacenter', 'availability_zone', 'region', 'cloud', 'partner', 'environment', 'agent', 'tag'] as const;

export const search = (q: string, options: { kinds?: string; limit?: number; ended?: boolean; signal?: AbortSignal } = {}): Promise<Found> => {
  const { signal, ...query } = options;
  return ok(client.GET('/api/v1/search', { params: { query: { q, ...query } }, signal }));
};

/** The view that shows a hit. */
export function pathOfHit(hit: Hit): string {
  if (hit.kind === 'tag') return pathOfResource(hit.resourceType ?? '', hit.id);
  if (hit.kind === 'agent') return `/automation/agents/${hit.id}`;
  return pathOfResource(hit.kind, hit.id);
}

export function pathOfResource(kind: string, id: number | string): string {
  if (kind === 'environment') return `/environments/${id}`;
  if (kind === 'agent') return `/automation/agents/${id}`;
  return `/infrastructure/${kind}/${id}`;
}
