// What changes while somebody looks: a container of a real engine, and a burst of a thousand changes.
import assert from 'node:assert/strict';
import { hostname } from 'node:os';

import { until } from '../collector.mjs';
import * as docker from '../docker.mjs';
import { measured } from '../measure.mjs';
import { changesSql } from '../seed.mjs';

/** Counts, row by row, how often each row began to glow. */
const countGlows = (page) =>
  page.evaluate(() => {
    globalThis.glows = {};
    new MutationObserver((list) => {
      for (const { addedNodes } of list) {
        for (const node of addedNodes) {
          if (!(node instanceof Element)) continue;
          for (const glow of [node, ...node.querySelectorAll('.glow')].filter((one) => one.classList.contains('glow'))) {
            const key = glow.parentElement?.dataset.key ?? '';
            globalThis.glows[key] = (globalThis.glows[key] ?? 0) + 1;
          }
        }
      }
    }).observe(document.body, { childList: true, subtree: true });
  });

export async function liveChanges(walk) {
  const { page, test, open, row, shot, collector } = walk;
  walk.before(async () => {
    await walk.inventory();
    await walk.signIn();
  });

  const why = docker.missing();
  if (why) console.log(`SKIPPED web UI, a live change by docker run: ${why}`);
  else {
    await test('a container that is run appears, glows once, and is shown as ended when it is removed', async () => {
      const [{ computeId }] = (await collector.get(`/api/v1/agents?hostname=${hostname()}`)).items;
      await open(`/infrastructure/compute/${computeId}?tab=workloads`);
      const table = page.getByRole('grid', { name: 'Workloads' });
      await table.waitFor();
      await page.locator('.tree-row.selected').waitFor();
      await page.keyboard.press('l');
      await countGlows(page);
      const begin = Date.now();
      const container = docker.run(`ui-walk-${process.pid}`, '--label', 'team=payments');
      try {
        await table.getByText(container.name).waitFor({ timeout: 30_000 });
        measured(`a container is on the page ${((Date.now() - begin) / 1_000).toFixed(1)} s after docker run was called`);
        const key = await page.locator('.tree-row[data-key^="workload:"]').filter({ hasText: container.name }).getAttribute('data-key');
        await until('its row to glow', () => page.evaluate((one) => globalThis.glows[one] === 1, key));
        await shot('docker run');
        await until('the glow to end', async () => (await page.locator('.glow').count()) === 0);
        assert.equal(await page.evaluate((one) => globalThis.glows[one], key), 1, 'it glows once');
      } finally {
        container.remove();
      }
      await until('it to be gone', async () => (await table.getByText(container.name).count()) === 0);
      await page.getByLabel('also ended').check();
      await page.getByRole('row').filter({ hasText: container.name }).getByText('ended').waitFor();
      await shot('docker rm');
    });
  }

  await test('a thousand live changes appear, glow once and leave no memory behind', async () => {
    await open('/infrastructure/datacenter/900');
    await row('dc-1').waitFor();
    await page.keyboard.press('l');
    await row('host-00001').waitFor();
    await page.getByRole('status', { name: /^Live/ }).waitFor();
    const heap = async () => {
      await page.evaluate(() => globalThis.gc?.());
      return (await page.evaluate(() => performance.memory.usedJSHeapSize)) / 1_048_576;
    };
    // What is made once and kept, such as compiled code, is no leak: a first round warms up.
    collector.sql(changesSql(1_000));
    await page.waitForTimeout(6_000);
    const before = await heap();
    await countGlows(page);
    collector.sql(changesSql(1_000));
    await page.locator('.glow').first().waitFor({ timeout: 15_000 });
    await shot('thousand changes');
    await until('no glow', async () => (await page.locator('.glow').count()) === 0);
    await page.waitForTimeout(3_000);
    assert.equal(await page.locator('.glow').count(), 0, 'nothing glows for long');
    const glows = await page.evaluate(() => globalThis.glows);
    assert.ok(Object.keys(glows).length > 5 && Object.values(glows).every((times) => times === 1), `each glows once: ${JSON.stringify(glows)}`);
    const after = await heap();
    measured(`memory of the page after 1000 live changes ${after.toFixed(1)} MiB, before ${before.toFixed(1)} MiB`);
  });
}
