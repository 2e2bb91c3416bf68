// Agents, what lets them in, and which compute each is.

import { all, client, ok, type Page, type Schemas } from './client';

export type Agent = Schemas['Agent'];
export type JoinToken = Schemas['JoinToken'];
export type NewJoinToken = Schemas['Wanted'];
export type MadeToken = Schemas['Made'];
export type Match = Schemas['Match'];
export type Target = Schemas['AutomationTarget'];

const LIMIT = 1_000;

export const readAgents = () => all<Agent>((cursor) => ok(client.GET('/api/v1/agents', { params: { query: { limit: LIMIT, cursor } } })));
export const readJoinTokens = () => all<JoinToken>((cursor) => ok(client.GET('/api/v1/join-tokens', { params: { query: { limit: LIMIT, cursor } } })));
export const readTargets = () => all<Target>((cursor) => ok(client.GET('/api/v1/automation-targets', { params: { query: { limit: LIMIT, cursor } } })));
export const readMatches = (): Promise<Page<Match>> => ok(client.GET('/api/v1/matches', { params: { query: { limit: 200 } } }));

export const makeJoinToken = (body: NewJoinToken): Promise<MadeToken> => ok(client.POST('/api/v1/join-tokens', { body }));
export const revokeJoinToken = (id: string) => ok(client.DELETE('/api/v1/join-tokens/{id}', { params: { path: { id } } }));

export const refreshAgent = (id: string) => ok(client.POST('/api/v1/agents/{id}/refresh', { params: { path: { id } }, body: { sources: [] } }));
export const activateAgent = (id: string) => ok(client.POST('/api/v1/agents/{id}/activate', { params: { path: { id } } }));
export const revokeAgent = (id: string, reason: string) => ok(client.POST('/api/v1/agents/{id}/revoke', { params: { path: { id } }, body: { reason } }));

export const resolveMatch = (id: number, choice: { computeId: number } | { new: true }) =>
  ok(client.POST('/api/v1/matches/{id}/resolve', { params: { path: { id } }, body: choice as never }));
