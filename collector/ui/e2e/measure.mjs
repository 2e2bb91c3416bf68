// Figures, printed for tests/run to gather.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

export const measured = (text) => console.log(`MEASURED web UI: ${text}`);

/** Bytes, compressed, of what a browser fetches for the first view: scripts and styles, with all that they import. */
export function firstViewBytes(dist) {
  const assets = join(dist, 'assets');
  const wanted = (readFileSync(join(dist, 'index.html'), 'utf8').match(/assets\/[\w.-]+\.(js|css)/g) ?? []).map((path) => path.replace('assets/', ''));
  const there = new Set(readdirSync(assets));
  const loaded = new Set();
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (loaded.has(name) || !there.has(name)) continue;
    loaded.add(name);
    if (!name.endsWith('.js')) continue;
    for (const [, other] of readFileSync(join(assets, name), 'utf8').matchAll(/from\s*["']\.\/([\w.-]+\.js)["']/g)) wanted.push(other);
  }
  return [...loaded].reduce((sum, name) => sum + gzipSync(readFileSync(join(assets, name))).length, 0);
}
