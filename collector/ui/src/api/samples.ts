// The inventory over time, as it was sampled.

import { client, ok, type Schemas } from './client';

export type UseOverTime = Schemas['UseOverTime'];
export type Growth = Schemas['Growth'];

const span = (since: number, until: number) => ({ params: { query: { since: new Date(since).toISOString(), until: new Date(until).toISOString() } } });

export const readUse = (since: number, until: number): Promise<UseOverTime> => ok(client.GET('/api/v1/samples/environments', span(since, until)));

export const readGrowth = (since: number, until: number): Promise<Growth> => ok(client.GET('/api/v1/samples/inventory', span(since, until)));
