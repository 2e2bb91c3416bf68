// The web UI in a real browser, against a real collector: first with a real agent on an empty inventory, then with a
// generated one of ten thousand computes. Prints a line for each test, MEASURED lines, and `N passed, N failed` at the end.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { chromiumPath, openBrowser } from './browser.mjs';
import { missingProgram, startCollector, until } from './collector.mjs';
import { changesSql, COMPUTES, HOSTILE, seedSql } from './seed.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const output = process.env.ORCHESTRIX_UI_SCREENSHOTS ?? join(here, 'output');
const axe = readFileSync(join(here, '../node_modules/axe-core/axe.min.js'), 'utf8');

const skip = (reason) => {
  console.log(`SKIPPED web UI in a browser: ${reason}`);
  process.exit(0);
};
if (!chromiumPath()) skip('Chromium is missing (Debian package chromium)');
try {
  execFileSync('sqlite3', ['--version']);
} catch {
  skip('sqlite3 is missing (Debian package sqlite3)');
}
if (missingProgram()) skip(`${missingProgram()} is missing: cargo build --workspace --bins`);

let [passed, failed] = [0, 0];
const only = process.argv[2] ?? '';

mkdirSync(output, { recursive: true });
const collector = await startCollector();
const browser = await openBrowser();
const page = browser.context.pages()[0];
const complaints = [];
page.on('pageerror', (error) => complaints.push(error.message));
page.on('console', (message) => {
  // The page asks who it is before anybody signed in; Chromium reports each such answer.
  if (message.type() === 'error' && !/status of (401|403|404|412)/.test(message.text())) complaints.push(message.text());
});

async function test(name, run) {
  if (!name.includes(only)) return;
  complaints.length = 0;
  try {
    await run();
    assert.deepEqual(complaints, [], 'the browser complains of nothing');
    passed += 1;
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n        ${String(error.message).replaceAll('\n', '\n        ').slice(0, 1_500)}`);
    await shot(`failed-${name.replaceAll(/\W+/g, '-')}`).catch(() => undefined);
  }
}

const shot = (name) => page.screenshot({ path: join(output, `${name}.png`) });
const open = (path) => page.goto(`${collector.base}/ui${path}`);
const row = (text) => page.getByRole('row').filter({ hasText: text }).first();
const signIn = async (token) => {
  await page.context().clearCookies();
  await open('/');
  await page.getByLabel('API token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Views' }).waitFor();
};
const accessible = async () => {
  // Injected by the debugger, which the page's policy does not bind.
  await page.evaluate(axe);
  // Colours on their way from one to another are no colours.
  await page.waitForTimeout(300);
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }));
  assert.deepEqual(found.violations.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html.slice(0, 160)).slice(0, 3).join(' | ')}`), []);
};

try {
  await test('an unknown token is refused with the reason', async () => {
    await open('/');
    await page.getByLabel('API token').fill('oat_nonsense');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').filter({ hasText: 'not known' }).waitFor();
    await accessible();
    await shot('login');
  });

  await test('the first run says how to add an agent, and a host appears by itself', async () => {
    await signIn(collector.token);
    await page.getByText('Nothing is known yet').waitFor();
    await shot('first-run');
    const begin = Date.now();
    await collector.startAgent();
    await page.getByRole('treegrid', { name: 'Infrastructure' }).waitFor({ timeout: 20_000 });
    await page.locator('[data-key^="compute:"]').first().waitFor({ timeout: 20_000 });
    console.log(`MEASURED web UI: a new host is on the page ${((Date.now() - begin) / 1_000).toFixed(1)} s after its agent was started`);
    await shot('one-host');
  });

  await test('the join token form ends in the command to paste', async () => {
    await open('/automation/tokens');
    await page.getByRole('button', { name: 'New join token' }).click();
    await page.getByLabel('For').fill('a rack');
    await page.getByLabel('Tags, key=value, one a line').fill('rack=7');
    await accessible();
    await page.getByRole('button', { name: 'Make the token' }).click();
    const command = await page.getByTestId('join-command').innerText();
    assert.match(command, /printf '%s\\n' ojt\.\S+ \| sudo install -m 600/);
    assert.match(command, /orchestrix-agent run --collector 127\.0\.0\.1:\d+/);
    await shot('join-token');
    await page.getByRole('button', { name: 'Done' }).click();
    await row('a rack').waitFor();
  });

  await test('agents show their health and look again on request', async () => {
    await open('/automation/agents');
    await page.locator('[role="row"][aria-rowindex="2"]').click();
    await page.getByRole('button', { name: 'Look again' }).click();
    await page.getByText('It looked again').waitFor({ timeout: 30_000 });
    await accessible();
    await shot('agents');
  });

  collector.sql(seedSql());

  await test('ten thousand computes open and scroll without a pause', async () => {
    const begin = Date.now();
    await open('/infrastructure');
    await row('cloud-1').waitFor();
    console.log(`MEASURED web UI: ${COMPUTES} computes, a usable tree after ${Date.now() - begin} ms`);
    await page.evaluate(() => {
      globalThis.longest = 0;
      new PerformanceObserver((list) => list.getEntries().forEach((entry) => (globalThis.longest = Math.max(globalThis.longest, entry.duration)))).observe({ type: 'longtask' });
    });
    await page.getByRole('button', { name: 'Open every place' }).click();
    const grid = page.getByRole('treegrid');
    await until('all rows', async () => Number(await grid.getAttribute('aria-rowcount')) > COMPUTES, 60_000);
    await page.waitForTimeout(300);
    console.log(`MEASURED web UI: longest task while ${COMPUTES} rows are opened ${Math.round(await page.evaluate(() => globalThis.longest))} ms`);
    await page.evaluate(() => (globalThis.longest = 0));
    await grid.hover();
    for (let step = 0; step < 60; step += 1) await page.mouse.wheel(0, 2_500);
    await page.waitForTimeout(300);
    console.log(`MEASURED web UI: longest task while scrolling ${Math.round(await page.evaluate(() => globalThis.longest))} ms (0: none above 50 ms)`);
    assert.ok((await page.locator('[role="row"]').count()) < 200, 'only rows in sight exist');
    await shot('ten-thousand');
    await accessible();
  });

  await test('filter, status and environment live in the address', async () => {
    await open('/infrastructure?q=host-012&env=DEV');
    await row('host-01250').waitFor();
    await page.getByLabel('Status').first().selectOption('UNREACHABLE');
    await page.waitForURL(/status=UNREACHABLE/);
    await row('host-01257').waitFor();
    await until('the others to go', async () => (await page.getByText('host-01250').count()) === 0);
    await shot('filtered');
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.waitForURL((url) => url.search === '');
  });

  await test('a link opens a compute with where it is', async () => {
    await open('/infrastructure/compute/101255?tab=environments');
    await page.getByText('from datacenter dc-6').waitFor();
    await row('host-01255').waitFor();
    await accessible();
    await shot('compute-environments');
  });

  await test('each tab of a compute shows something or says why not', async () => {
    for (const tab of ['Overview', 'Workloads', 'Capabilities', 'Tags', 'Environments', 'Seen by', 'History']) {
      await page.getByRole('tab', { name: tab, exact: true }).click();
      await page.getByRole('tabpanel').locator('*').first().waitFor();
      assert.equal(await page.getByRole('tabpanel').getByRole('alert').count(), 0, tab);
    }
    await page.getByRole('tab', { name: 'Workloads', exact: true }).click();
    await page.getByRole('grid', { name: 'Workloads' }).getByText('postgres-1255').waitFor();
    await shot('compute-workloads');
  });

  await test('hostile names are text', async () => {
    await open('/infrastructure/compute/99990?tab=workloads');
    await page.getByRole('heading', { name: HOSTILE.script.slice(0, 20) }).waitFor();
    await page.getByRole('grid', { name: 'Workloads' }).getByText('web⟨202E⟩gpj.exe').first().waitFor();
    assert.ok(!(await page.title()).includes('owned'));
    assert.equal(await page.locator('img[src="x"]').count(), 0);
    await shot('hostile-names');
  });

  await test('the keyboard alone is enough', async () => {
    await open('/infrastructure');
    await row('cloud-1').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(/infrastructure\/\w+\/\d+/);
    const first = page.url();
    await page.keyboard.press('j');
    await page.waitForURL((url) => url.href !== first);
    await page.keyboard.press('Escape');
    await page.waitForURL(/infrastructure$/);
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('/');
    await page.keyboard.type('host-04321');
    await page.getByRole('option').first().waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForURL(/compute\/104321/);
  });

  await test('search finds images, ports and labels', async () => {
    await open('/search?q=postgres:16');
    await row('postgres-').waitFor();
    await page.getByRole('status').filter({ hasText: 'first 500' }).waitFor();
    await shot('search');
    await page.getByLabel('Look for').fill(':10042');
    await row('port').waitFor();
    await page.getByLabel('Look for').fill('nothing is called so');
    await page.getByText('Nothing contains').waitFor();
    await accessible();
  });

  await test('the nested query answers as a table and as JSON', async () => {
    await open('/query');
    await page.getByLabel('Query').fill('{"kind": "environment", "select": ["code"], "sort": ["code"]}');
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByRole('cell', { name: 'STAGE' }).waitFor();
    await shot('query');
    await page.getByLabel('Query').fill('{"kind": "enviroment"}');
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByRole('alert').filter({ hasText: 'environment' }).waitFor();
    await accessible();
  });

  await test('environments show what belongs to them', async () => {
    await open('/environments/901');
    await page.getByText('Dedicated computes').waitFor();
    await row('Production').waitFor();
    await accessible();
    await shot('environments');
    await open('/environments/rules');
    await page.getByRole('grid', { name: 'Rules' }).waitFor();
    await page.getByRole('button', { name: 'New rule' }).waitFor();
    await shot('rules');
  });

  await test('the pictures are drawn', async () => {
    await open('/pictures');
    await page.getByRole('img', { name: /Treemap of/ }).waitFor({ timeout: 60_000 });
    await page.getByText('seen in full').first().waitFor();
    await page.waitForTimeout(800);
    await accessible();
    await shot('pictures');
  });

  await test('a thousand live changes appear, glow once and leave no memory behind', async () => {
    await open('/infrastructure/datacenter/900');
    await row('host-00001').waitFor({ timeout: 20_000 });
    const heap = async () => {
      await page.evaluate(() => globalThis.gc?.());
      return page.evaluate(() => performance.memory.usedJSHeapSize);
    };
    const before = await heap();
    collector.sql(changesSql(1_000));
    await page.locator('.glow').first().waitFor({ timeout: 10_000 });
    await shot('glow');
    await until('every change', async () => (await page.getByRole('status', { name: /^Live/ }).count()) > 0);
    await page.waitForTimeout(6_000);
    assert.equal(await page.locator('.glow').count(), 0, 'nothing glows for long');
    console.log(`MEASURED web UI: memory after 1000 live changes ${((await heap()) / 1_048_576).toFixed(1)} MiB, before ${(before / 1_048_576).toFixed(1)} MiB`);
  });

  await test('dark colours and a phone', async () => {
    await open('/infrastructure/compute/101255');
    await page.getByRole('button', { name: 'Dark colours' }).click();
    await page.locator('html[data-theme="dark"]').waitFor();
    await page.waitForTimeout(200);
    await accessible();
    await shot('dark');
    await page.setViewportSize({ width: 390, height: 780 });
    await page.getByText('Operating system').waitFor();
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the phone');
    await shot('phone');
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.getByRole('button', { name: 'Light colours' }).click();
  });

  await test('a viewer is offered nothing that a viewer may not do', async () => {
    await signIn(collector.apiToken('viewer'));
    await open('/infrastructure/compute/101255');
    await page.getByText('Operating system').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Edit' }).count(), 0);
    await open('/automation/tokens');
    await page.getByText('Join tokens are for operators').waitFor();
    await shot('viewer');
  });

  await test('signing out ends the session', async () => {
    await page.getByRole('button', { name: /Signed in as/ }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByLabel('API token').waitFor();
    assert.equal((await page.request.get(`${collector.base}/api/v1/computes`)).status(), 401);
  });

  const assets = join(here, '../dist/assets');
  const first = readFileSync(join(here, '../dist/index.html'), 'utf8').match(/assets\/[\w.-]+\.(js|css)/g) ?? [];
  const loaded = new Set(first.map((path) => path.replace('assets/', '')));
  for (const name of readdirSync(assets).filter((file) => file.endsWith('.js'))) {
    if (loaded.has(name)) for (const other of readFileSync(join(assets, name), 'utf8').matchAll(/from"\.\/([\w.-]+\.js)"/g)) loaded.add(other[1]);
  }
  const size = [...loaded].reduce((sum, name) => sum + gzipSync(readFileSync(join(assets, name))).length, 0);
  console.log(`MEASURED web UI: first view ${(size / 1_000).toFixed(0)} kB of scripts and styles (gzip), goal < 500 kB`);
} finally {
  await browser.close();
  await collector.stop();
}
console.log(`screenshots in ${output}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
