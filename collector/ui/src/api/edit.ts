// Writing: every change names the row it was made on, so that nobody undoes what somebody else did meanwhile.

import { ApiError, guarded } from './client';
import type { Answer } from './inventory';

export type Fields = Record<string, unknown>;

export interface FieldProblem {
  field: string;
  reason: string;
  expected: string;
}

/** What is wrong with each field, when the collector says so. */
export function fieldProblems(error: unknown): FieldProblem[] {
  if (!(error instanceof ApiError)) return [];
  const told = error.document.errors;
  if (Array.isArray(told)) return told as FieldProblem[];
  return error.field ? [{ field: error.field, reason: error.message, expected: error.expected ?? '' }] : [];
}

/** The row as it is now, when somebody changed it meanwhile. */
export function currentRow(error: unknown): Fields | null {
  const current = error instanceof ApiError && error.status === 412 ? error.document.current : null;
  return current !== null && typeof current === 'object' ? (current as Fields) : null;
}

export async function send<T = Fields>(method: string, path: string, body?: unknown, etag?: string | null): Promise<Answer<T>> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers['content-type'] = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  if (etag) headers['if-match'] = etag;
  const url = new URL(path, location.origin);
  const response = await guarded(new Request(url, { method, headers, body: body === undefined ? null : JSON.stringify(body) }));
  const text = await response.text();
  return { item: (text === '' ? {} : JSON.parse(text)) as T, etag: response.headers.get('etag') };
}

export const create = <T = Fields>(list: string, fields: Fields) => send<T>('POST', list, fields);
export const change = (one: string, fields: Fields, etag: string | null) => send('PATCH', one, fields, etag);
export const remove = (one: string, etag: string | null = null) => send('DELETE', one, undefined, etag);

/** Only the fields that differ: what somebody else changes meanwhile stays theirs. */
export function changedFields(before: Fields, after: Fields): Fields {
  return Object.fromEntries(Object.entries(after).filter(([name, value]) => (before[name] ?? null) !== (value ?? null)));
}
