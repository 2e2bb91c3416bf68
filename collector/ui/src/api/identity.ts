// Which compute a host is: why it was matched as it was, and what people say instead.

import { client, ok, type Schemas } from './client';
import { send } from './edit';

export type Explanation = Schemas['MatchExplanation'];
export type MatchDecision = Schemas['MatchDecision'];
export type Fit = Schemas['Fit'];
export type Operation = Schemas['Operation'];
export type OperationReport = Schemas['OperationReport'];

/** Why an agent's host is the compute that it is; with `compute`, also why it is not that one. */
export const explainMatch = (agent: string, compute?: number): Promise<Explanation> =>
  ok(client.GET('/api/v1/agents/{id}/match-explanation', { params: { path: { id: agent }, query: compute === undefined ? {} : { computeId: compute } } }));

export const readOperations = async (query: { computeId?: number; limit?: number; cursor?: string }) =>
  ok(client.GET('/api/v1/operations', { params: { query: query as never } }));

export const readAgentsOf = async (computeId: number) => (await ok(client.GET('/api/v1/agents', { params: { query: { computeId: [computeId] as never } } }))).items;

/** Something that is done to computes: first only told, then done. */
export type Plan = (dryRun: boolean, prefer: string[]) => Promise<OperationReport>;

const report = async (path: string, body: unknown): Promise<OperationReport> => (await send<OperationReport>('POST', path, body)).item;

export const mergePlan =
  (into: number, from: number): Plan =>
  (dryRun, prefer) =>
    report(`/api/v1/computes/${into}/merge`, { from, prefer, dryRun });
export const claimPlan =
  (compute: number, agentId: string): Plan =>
  (dryRun, prefer) =>
    report(`/api/v1/computes/${compute}/claim`, { agentId, prefer, dryRun });
export const splitPlan =
  (compute: number, agentId: string): Plan =>
  (dryRun) =>
    report(`/api/v1/computes/${compute}/split`, { agentId, dryRun });
export const undoPlan =
  (operation: number): Plan =>
  (dryRun) =>
    report(`/api/v1/operations/${operation}/undo`, { dryRun });
