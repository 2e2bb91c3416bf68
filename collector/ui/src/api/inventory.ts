// Reading the inventory.

import { all, ApiError, client, ok, type Page, type Schemas } from './client';

export type Place = Schemas['PlaceSummary'];
export type Places = Schemas['Places'];
export type Counts = Schemas['Counts'];
export type ComputeSummary = Schemas['ComputeSummary'];
export type Compute = Schemas['Compute'];
export type Workload = Schemas['Workload'];
export type Tag = Schemas['Tag'];
export type Capability = Schemas['Capability'];
export type HistoryEntry = Schemas['HistoryEntry'];
export type Environment = Schemas['Environment'];
export type Association = Schemas['EnvironmentAssociation'];

/** Where a place, compute or workload is read. */
export const PATH_OF_KIND = {
  partner: '/api/v1/partners/{id}',
  cloud: '/api/v1/clouds/{id}',
  region: '/api/v1/regions/{id}',
  availability_zone: '/api/v1/availability-zones/{id}',
  datacenter: '/api/v1/datacenters/{id}',
  compute: '/api/v1/computes/{id}',
  workload: '/api/v1/workloads/{id}',
  environment: '/api/v1/environments/{id}',
} as const;

export type Kind = keyof typeof PATH_OF_KIND;
export const isKind = (kind: string | undefined): kind is Kind => kind !== undefined && kind in PATH_OF_KIND;

type Query = Record<string, string | number | boolean | (string | number)[] | undefined>;

/** The present unless a past time is given. */
const at = (asOf: string | null): Query => (asOf === null ? {} : { asOf });

/** Filters of lists are described one by one, and any of them may be repeated. */
const params = (query: Query) => ({ params: { query: query as never } });

export const readPlaces = (asOf: string | null): Promise<Places> => ok(client.GET('/api/v1/places', params(at(asOf))));

export interface Answer<T> {
  item: T;
  etag: string | null;
}

/** Reads one resource with the tag that an edit of it must name. */
export async function readOne(kind: Kind, id: number, asOf: string | null): Promise<Answer<Record<string, unknown>>> {
  const path = PATH_OF_KIND[kind];
  const { data, response } = await client.GET(path, { params: { path: { id }, query: at(asOf) as never } });
  return { item: data as Record<string, unknown>, etag: response.headers.get('etag') };
}

export const readSummaries = (query: Query, asOf: string | null, most?: number) =>
  all<ComputeSummary>(
    (cursor) => ok(client.GET('/api/v1/compute-summaries', params({ limit: 1_000, ...query, ...at(asOf), cursor }))),
    most,
  );

/** One page of computes, of those that a query fits. */
export const readSummaryPage = (query: Query): Promise<Page<ComputeSummary>> => ok(client.GET('/api/v1/compute-summaries', params(query)));

export const readWorkloads = (query: Query, asOf: string | null, most = 2_000) =>
  all<Workload>((cursor) => ok(client.GET('/api/v1/workloads', params({ limit: 500, ...query, ...at(asOf), cursor }))), most);

export const readTags = (resourceType: string, resourceId: number, asOf: string | null) =>
  all<Tag>((cursor) => ok(client.GET('/api/v1/tags', params({ resourceType, resourceId, ...at(asOf), cursor }))), 1_000);

export const readCapabilities = (computeId: number, asOf: string | null) =>
  all<Capability>((cursor) => ok(client.GET('/api/v1/capabilities', params({ computeId, ...at(asOf), cursor }))), 1_000);

export const readHistory = (query: Query): Promise<Page<HistoryEntry>> => ok(client.GET('/api/v1/history', params(query)));

/** When the past begins that is known: earlier times are refused with it. `null` when nothing was recorded yet. */
export async function readPastStart(): Promise<number | null> {
  try {
    await client.GET('/api/v1/computes', params({ limit: 1, asOf: '1970-01-01T00:00:00Z' }));
    return null;
  } catch (error) {
    const told = error instanceof ApiError ? /\d{4}-\d\d-\d\dT[\d:.]+Z/.exec(`${error.expected ?? ''} ${error.message}`) : null;
    return told ? Math.ceil(Date.parse(told[0]) / 1_000) * 1_000 : null;
  }
}

export const readEnvironments = (asOf: string | null) =>
  all<Environment>((cursor) => ok(client.GET('/api/v1/environments', params({ limit: 1_000, ...at(asOf), cursor }))));

export const readAssociations = (query: Query, asOf: string | null) =>
  all<Association>((cursor) => ok(client.GET('/api/v1/environment-associations', params({ limit: 1_000, ...query, ...at(asOf), cursor }))));
