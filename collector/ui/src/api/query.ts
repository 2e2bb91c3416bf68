import { client, ok } from './client';

/** Runs a nested query; a failure names the place in it. */
export async function runQuery(query: unknown): Promise<Record<string, unknown>[]> {
  const answer = await ok(client.POST('/api/v1/query', { body: query as never }));
  return answer.data;
}
