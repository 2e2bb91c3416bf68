// The change feed: server-sent events read by hand, because `EventSource` tells nothing of why it failed.

import { ApiError, type Schemas } from './client';

export type Change = Schemas['HistoryEntry'];

export type FeedEvent =
  | { kind: 'ready'; sequence: number }
  /** The database is older than what was seen: everything must be read again. */
  | { kind: 'reset'; sequence: number }
  | { kind: 'change'; change: Change }
  | { kind: 'alive' };

/** Takes events out of a text that grows; what is not whole yet stays for the next piece. */
export class FeedParser {
  private rest = '';

  push(piece: string): FeedEvent[] {
    this.rest += piece;
    const blocks = this.rest.split('\n\n');
    this.rest = blocks.pop() ?? '';
    return blocks.map(event).filter((found) => found !== null);
  }
}

function event(block: string): FeedEvent | null {
  let name = '';
  let data = '';
  for (const line of block.split('\n')) {
    if (line.startsWith(':')) return { kind: 'alive' };
    if (line.startsWith('event:')) name = line.slice(6).trim();
    if (line.startsWith('data:')) data += line.slice(5).trim();
  }
  if (data === '') return null;
  if (name === 'ready' || name === 'reset') return { kind: name, sequence: (JSON.parse(data) as { sequence: number }).sequence };
  return name === 'change' ? { kind: 'change', change: JSON.parse(data) as Change } : null;
}

/** Follows the feed from after `since` until it ends or `signal` is aborted. */
export async function* follow(since: number | null, signal: AbortSignal): AsyncGenerator<FeedEvent> {
  const query = since === null ? '' : `?since=${since}`;
  const response = await fetch(`/api/v1/changes${query}`, { headers: { accept: 'text/event-stream' }, signal });
  if (!response.ok || !response.body) throw new ApiError(response.status, 'feed', 'the change feed was refused');
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new FeedParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(value);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
