// Talks to the collector. The token lives in this tab only.

const KEY = "orchestrix.token";

export class Refused extends Error {}

export const token = {
  get: () => sessionStorage.getItem(KEY),
  set: (text) => sessionStorage.setItem(KEY, text),
  clear: () => sessionStorage.removeItem(KEY),
};

async function request(path, options = {}) {
  const headers = { ...options.headers, Authorization: `Bearer ${token.get()}` };
  const response = await fetch(`/api/v1/${path}`, { ...options, headers });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  const text = problem.detail ?? `the collector answered ${response.status}`;
  throw response.status === 401 ? new Refused(text) : Object.assign(new Error(text), { status: response.status });
}

export async function one(path) {
  try {
    return await (await request(path)).json();
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

// Reads a whole list. `sequence` is that of the first page: everything later is told by the change feed.
export async function all(path) {
  const items = [];
  let sequence = null;
  let cursor = null;
  do {
    const glue = path.includes("?") ? "&" : "?";
    const page = await one(`${path}${glue}limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    items.push(...page.items);
    sequence ??= page.sequence;
    cursor = page.next;
  } while (cursor);
  return { items, sequence };
}

// Follows the change feed until it ends. EventSource cannot send the token, so the stream is read here.
export async function follow(since, signal, tell) {
  const response = await request(`changes?since=${since}`, { signal, headers: { Accept: "text/event-stream" } });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const blocks = rest.split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = { name: "message", id: null, data: "" };
      for (const line of block.split("\n")) {
        if (line.startsWith("event:")) event.name = line.slice(6).trim();
        else if (line.startsWith("id:")) event.id = Number(line.slice(3).trim());
        else if (line.startsWith("data:")) event.data += line.slice(5).trim();
      }
      tell(event);
    }
  }
}
