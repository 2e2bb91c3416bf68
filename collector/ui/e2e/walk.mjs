// What every part of the walk needs: a page, tests with names, screenshots, and the checks that hold everywhere.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { openBrowser, serveFromDisk } from './browser.mjs';
import { until } from './collector.mjs';
import * as docker from './docker.mjs';
import { measured } from './measure.mjs';
import { aliveSql, seedSql } from './seed.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const AXE = readFileSync(join(here, '../node_modules/axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
/** The page asks who it is before anybody signed in, and shows refusals itself; Chromium reports each such answer. */
const EXPECTED = /status of (400|401|403|404|409|412|422)/;

/** Time for one try of one test: the longest takes half a minute. */
const LIMIT = 120_000;
/** What Playwright says when it waited in vain, and what is said here. */
const TOO_LONG = /Timeout \d+ms exceeded|took more than \d+ s/;

/** The result, or an error when it takes longer than so many milliseconds. */
async function within(limit, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took more than ${limit / 1_000} s`)), limit);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Opens a browser for `collector`; `only` is the part that is done, or a piece of the names of the tests that are. */
export async function startWalk({ collector, output, parts, only }) {
  mkdirSync(output, { recursive: true });
  const browser = await openBrowser();
  const { context } = browser;
  const page = context.pages()[0];
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !EXPECTED.test(message.text())) complaints.push(message.text());
  });
  const walk = { page, context, collector, first: collector, output, passed: 0, failed: 0, begun: Date.now() };

  /** Another collector from here on. */
  walk.use = async (other) => {
    walk.collector = other;
    if (process.env.ORCHESTRIX_UI_FROM_DISK) await serveFromDisk(context, other.base, join(here, '../dist'));
  };
  await walk.use(collector);

  let part = '';
  let setUp = null;
  walk.enter = (name) => {
    part = name;
    setUp = null;
  };
  /** What the tests of a part need; done before the first of them that runs. */
  walk.before = (run) => void (setUp = run);
  const attempt = async (run) => {
    complaints.length = 0;
    await within(LIMIT, run());
    assert.deepEqual(complaints, [], 'the browser complains of nothing');
  };
  /** What hangs open would hide what comes next. */
  const tidy = async () => {
    await page.goto('about:blank');
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.emulateMedia({ colorScheme: 'light' });
  };
  walk.test = async (name, run) => {
    if (parts.includes(only) ? part !== only : !name.toLowerCase().includes(only.toLowerCase())) return;
    const begin = Date.now();
    try {
      await setUp?.();
      setUp = null;
      try {
        await attempt(run);
      } catch (error) {
        // A browser on a busy machine stalls at times: what took too long is tried once more, and that is told. What was
        // found to be wrong is wrong.
        if (!TOO_LONG.test(error.message)) throw error;
        await walk.shot(`first try ${name}`).catch(() => undefined);
        await tidy();
        await attempt(run);
        measured(`at the second try only: ${name} (${String(error.message).split('\n')[0]})`);
      }
      walk.passed += 1;
      console.log(`ok      ${name} (${((Date.now() - begin) / 1_000).toFixed(1)} s)`);
    } catch (error) {
      walk.failed += 1;
      console.log(`FAILED  ${name}\n        ${String(error.message).replaceAll('\n', '\n        ').slice(0, 2_000)}`);
      await walk.shot(`failed ${name}`).catch(() => undefined);
      await tidy();
    }
  };

  /** The inventory that most tests look at: this host by its agent, and ten thousand generated computes. */
  let inventory = null;
  walk.inventory = () => (inventory ??= prepare());
  const prepare = async () => {
    await walk.host();
    collector.sql(seedSql());
    setInterval(() => collector.sql(aliveSql()), 8_000).unref();
  };
  let host = null;
  walk.host = () => (host ??= meetHost());
  const meetHost = async () => {
    collector.startAgent(docker.missing() ? null : docker.host);
    await until('the first report', async () => (await collector.get('/api/v1/places')).total.connected > 0, 60_000);
  };

  walk.open = (path) => page.goto(`${walk.collector.base}/ui${path}`);
  walk.row = (text) => page.getByRole('row').filter({ hasText: text }).first();
  walk.button = (name) => page.getByRole('button', { name, exact: typeof name === 'string' });
  walk.toast = (text) => page.locator('.MuiSnackbar-root').filter({ hasText: text }).first().waitFor();
  walk.signIn = async (token = walk.collector.token) => {
    await context.clearCookies();
    await walk.open('/');
    await page.getByLabel('API token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('navigation', { name: 'Views' }).waitFor();
  };

  /** A picture of the page, without a hint of what the pointer happens to stand on, and when nothing moves any more. */
  walk.shot = async (name) => {
    await page.mouse.move(1, 1);
    await page.waitForTimeout(250);
    await page.screenshot({ path: join(output, `${name.replaceAll(/\W+/g, '-')}.png`) });
  };
  walk.accessible = async () => {
    // Injected by the debugger, which the page's policy does not bind.
    if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(AXE);
    const found = await page.evaluate((rules) => globalThis.axe.run(document, { runOnly: rules, resultTypes: ['violations'] }), RULES);
    assert.deepEqual(
      found.violations.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html.slice(0, 160)).slice(0, 3).join(' | ')}`),
      [],
    );
  };
  /** A picture in light and in dark colours; in both nothing is found that keeps people out. */
  walk.look = async (name) => {
    await walk.shot(name);
    await walk.accessible();
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.locator('html[data-theme="dark"]').waitFor();
    await walk.shot(`${name} dark`);
    await walk.accessible();
    await page.emulateMedia({ colorScheme: 'light' });
    await page.locator('html[data-theme="light"]').waitFor();
  };
  /** Does something on a machine that is so many times slower: what is drawn then lags behind what is typed. */
  walk.slowly = async (rate, run) => {
    const session = await context.newCDPSession(page);
    await session.send('Emulation.setCPUThrottlingRate', { rate });
    try {
      await run();
    } finally {
      await session.send('Emulation.setCPUThrottlingRate', { rate: 1 });
      await session.detach();
    }
  };
  walk.wide = async (width, height = 900) => page.setViewportSize({ width, height });
  walk.noWider = async () => assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the page');
  walk.close = () => browser.close();
  return walk;
}
