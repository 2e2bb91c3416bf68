// The web UI in a real browser, against a real collector: first with a real agent on an empty inventory, then with a
// generated one of ten thousand computes beside it, at last with hosts of which nobody knows which compute they are.
// Prints a line for each test, MEASURED and SKIPPED lines, the folder with the pictures, and `N passed, N failed`.
//
//   node e2e/run.mjs [TEXT]     only the part that is called so, or the tests whose names contain it
//
// ORCHESTRIX_UI_SCREENSHOTS   where pictures are kept; e2e/output when not set
// ORCHESTRIX_UI_FROM_DISK     takes the UI from dist instead of from the collector
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromiumPath } from './browser.mjs';
import { missingProgram, startCollector } from './collector.mjs';
import { firstViewBytes, measured } from './measure.mjs';
import { startWalk } from './walk.mjs';
import { edits } from './walks/edits.mjs';
import { environments } from './walks/environments.mjs';
import { firstHost } from './walks/firstHost.mjs';
import { liveChanges } from './walks/liveChanges.mjs';
import { matches } from './walks/matches.mjs';
import { reading } from './walks/reading.mjs';
import { roles } from './walks/roles.mjs';
import { time } from './walks/time.mjs';
import { tree } from './walks/tree.mjs';
import { widths } from './walks/widths.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const output = process.env.ORCHESTRIX_UI_SCREENSHOTS ?? join(here, 'output');
const only = process.argv[2] ?? '';

function missing() {
  if (!chromiumPath()) return 'Chromium is missing (Debian package chromium)';
  try {
    execFileSync('sqlite3', ['--version']);
  } catch {
    return 'sqlite3 is missing (Debian package sqlite3)';
  }
  return missingProgram() && `${missingProgram()} is missing: cargo build --workspace --bins`;
}

const reason = missing();
if (reason) {
  console.log(`SKIPPED web UI in a browser: ${reason}`);
  process.exit(0);
}

// In this order: each part finds what the ones before it left.
const PARTS = { firstHost, tree, liveChanges, reading, edits, environments, time, widths, roles, matches };

rmSync(output, { recursive: true, force: true });
const collector = await startCollector();
const walk = await startWalk({ collector, output, parts: Object.keys(PARTS), only });
try {
  for (const [name, part] of Object.entries(PARTS)) {
    walk.enter(name);
    await part(walk);
  }
  const bytes = firstViewBytes(join(here, '../dist'));
  measured(`first view ${Math.round(bytes / 1_000)} kB of scripts and styles (gzip), goal < 500 kB`);
} finally {
  await walk.close();
  await collector.stop();
}
console.log(`pictures of the web UI are in ${output}`);
console.log(`${walk.passed} passed, ${walk.failed} failed`);
process.exit(walk.failed === 0 ? 0 : 1);
