// Debian's Chromium with a new, empty profile.
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const CANDIDATES = [process.env.ORCHESTRIX_TEST_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--js-flags=--expose-gc'];

/** Where Chromium is; null when it cannot be had. */
export const chromiumPath = () => CANDIDATES.find((path) => path && existsSync(path)) ?? null;

/** Opens a browser; `close` also removes its profile. */
export async function openBrowser(options = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'orchestrix-ui-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath(),
    headless: true,
    args: FLAGS,
    viewport: { width: 1440, height: 900 },
    ...options,
  });
  return {
    context,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/**
 * Has a context take the UI from a folder instead of from the collector, which holds what was there when it was built. For
 * work on the UI: the page's policy and everything else stay the collector's.
 */
export async function serveFromDisk(context, base, dist) {
  await context.route(`${base}/ui/**`, async (route) => {
    const path = decodeURIComponent(new URL(route.request().url()).pathname).replace(/^\/ui\//, '');
    const file = join(dist, path);
    if (path !== '' && existsSync(file) && statSync(file).isFile()) return route.fulfill({ path: file });
    const response = await route.fetch();
    const nonce = /'nonce-(\w+)'/.exec(response.headers()['content-security-policy'] ?? '')?.[1] ?? '';
    return route.fulfill({ response, body: readFileSync(join(dist, 'index.html'), 'utf8').replaceAll('__NONCE__', nonce) });
  });
}
