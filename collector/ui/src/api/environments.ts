// Environments: what belongs to each, how resources are shared out, and what rules infer.

import { all, client, ok, type Schemas } from './client';
import { send } from './edit';

export type Association = Schemas['EnvironmentAssociation'];

export interface Share {
  environmentId: number;
  code: string;
  name: string;
  measured: number | null;
  declared: number | null;
  workloads: number | null;
}

export interface Allocation {
  resourceType: string;
  resourceId: number;
  resourceName: string;
  computes: number;
  unmeasuredComputes: number;
  cpuMillicores: number;
  memoryBytes: number;
  shares: Share[];
  unclaimed: number | null;
  idle: number | null;
  unclaimedWorkloads: number | null;
  unmeasuredWorkloads: number | null;
}

export interface EnvironmentCompute {
  id: number;
  name: string;
  measured?: number | null;
  declared?: number | null;
}

export interface EnvironmentSummary {
  id: number;
  code: string;
  name: string;
  dedicatedComputes: number;
  sharedComputes: number;
  dedicated: EnvironmentCompute[];
  shared: EnvironmentCompute[];
  workloads: Record<string, number>;
  containers: number;
  namespaces: number;
  cpuMillicores: number;
  memoryBytes: number;
}

export interface Condition {
  evidence: string;
  /** Of a label or a tag. */
  key?: string;
  operator: string;
  values: string[];
}

export interface Rule {
  id: number;
  kind: 'assign' | 'separate' | 'tag';
  name: string;
  description: string | null;
  priority: number;
  enabled: boolean;
  /** Of a rule that assigns or separates. */
  environmentCode?: string;
  otherCode: string | null;
  confidence: number;
  /** Of a rule that tags. */
  tags?: Record<string, string>;
  match: 'all' | 'any';
  conditions: Condition[];
  scope: Record<string, unknown>;
}

export type RuleDraft = Omit<Rule, 'id'>;

export interface DryRun {
  scanned: number;
  complete: boolean;
  total: number;
  retagged: number;
  counts: { from: string | null; to: string | null; count: number }[];
  changes: { resourceType: string; resourceId: number; resourceName: string; from: string | null; to: string | null; rule: string | null; evidence: unknown; tags: { key: string; from: string | null; to: string | null; rule: string | null }[] }[];
}

export interface Violation {
  ruleId: number;
  ruleName: string;
  computeId: number;
  computeName: string;
  environments: { code: string; reasons: string[] }[];
}

export type Verdict = { associationId: number; decision: 'accept' | 'refuse' | 'change'; environmentId?: number };

const get = async <T>(path: string): Promise<T> => (await send<T>('GET', path)).item;

export const readSummary = (id: number) => get<EnvironmentSummary>(`/api/v1/environments/${id}/summary`);
export const readAllocation = (compute: number) => get<Allocation>(`/api/v1/computes/${compute}/allocation`);
export const readAllocations = async (kind: string, ids: number[]) =>
  (await get<{ items: Allocation[] }>(`/api/v1/allocations?resourceType=${kind}${ids.map((id) => `&resourceId=${id}`).join('')}`)).items;
export const readViolations = async () => (await get<{ items: Violation[] }>('/api/v1/environment-violations')).items;
export const readRules = async () => (await get<{ items: Rule[] }>('/api/v1/environment-rules?limit=1000')).items;
export const readInferred = () =>
  all<Association>((cursor) => ok(client.GET('/api/v1/environment-associations', { params: { query: { origin: 'rule', limit: 1_000, cursor } as never } })), 5_000);

export const decide = async (decisions: Verdict[]) =>
  (await send<{ results: { associationId: number; done: boolean; reason: string | null }[] }>('POST', '/api/v1/environment-associations/decide', { decisions })).item.results;
export const dryRun = async (rules: { id?: number; rule: RuleDraft }[], remove: number[] = []) => (await send<DryRun>('POST', '/api/v1/environment-rules/dry-run', { rules, remove })).item;
export const saveRule = (id: number | null, rule: RuleDraft) => (id === null ? send('POST', '/api/v1/environment-rules', rule) : send('PATCH', `/api/v1/environment-rules/${id}`, rule));
export const removeRule = (id: number) => send('DELETE', `/api/v1/environment-rules/${id}`);

export const associate = (resourceType: string, resourceId: number, environmentId: number, isPrimary: boolean, percentage: number | null) =>
  send('POST', '/api/v1/environment-associations', { resourceType, resourceId, environmentId, isPrimary, allocatedPercentage: percentage });
