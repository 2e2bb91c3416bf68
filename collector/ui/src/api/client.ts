// The one way to the collector: typed by its own description, with errors that say what to do.

import createClient from 'openapi-fetch';

import type { components, paths } from './schema';

export type Schemas = components['schemas'];

/** Why the collector did not do what it was asked. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field: string | null = null,
    readonly expected: string | null = null,
    /** The whole problem document: some hold the present state of what could not be changed. */
    readonly document: Record<string, unknown> = {},
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** True when somebody changed the resource meanwhile. */
export const isStale = (error: unknown): error is ApiError => error instanceof ApiError && error.status === 412;

interface Login {
  csrfToken: string | null;
  whenSignedOut: () => void;
}

const login: Login = { csrfToken: null, whenSignedOut: () => undefined };

/** Tells what requests that change something must carry, and whom to tell when the session has ended. */
export const setLogin = (change: Partial<Login>): void => void Object.assign(login, change);

export const csrfHeader = (): Record<string, string> => (login.csrfToken ? { 'x-csrf-token': login.csrfToken } : {});

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

async function failure(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const document = (body !== null && typeof body === 'object' ? body : {}) as Record<string, unknown>;
  // The nested query tells its errors in a member of its own.
  const told = (document.error ?? document) as Record<string, unknown>;
  const message = text(told.detail) ?? text(told.message) ?? `the collector answered with status ${response.status}`;
  return new ApiError(response.status, text(told.code) ?? 'unknown', message, text(told.field), text(told.expected), document);
}

/** `fetch` that throws an `ApiError` for everything but success. */
export async function guarded(request: Request): Promise<Response> {
  if (request.method !== 'GET' && request.method !== 'HEAD' && login.csrfToken) {
    request.headers.set('x-csrf-token', login.csrfToken);
  }
  let response: Response;
  try {
    response = await fetch(request);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, 'unreachable', 'the collector cannot be reached; is it running?');
  }
  if (response.ok) return response;
  const error = await failure(response);
  if (response.status === 401 && !request.url.endsWith('/api/v1/session')) login.whenSignedOut();
  throw error;
}

export const client = createClient<paths>({ baseUrl: globalThis.location?.origin ?? 'http://localhost', fetch: guarded });

/** The body of an answer that succeeded, as failures are thrown. */
export async function ok<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}

/** A page of a list. */
export interface Page<T> {
  items: T[];
  next?: string | null;
  sequence: number;
}

/** Reads a list to its end, or to `most` rows; says whether there are more. */
export async function all<T>(
  read: (cursor: string | undefined) => Promise<Page<T>>,
  most = 20_000,
): Promise<{ items: T[]; more: boolean; sequence: number }> {
  const items: T[] = [];
  let cursor: string | undefined;
  let sequence: number | null = null;
  do {
    const page = await read(cursor);
    items.push(...page.items);
    // The first number: what changed while the others were read is told again.
    sequence ??= page.sequence;
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && items.length < most);
  return { items, more: cursor !== undefined, sequence };
}
