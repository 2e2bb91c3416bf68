// The inventory as of a past time: the slider, what it shows, and that every view keeps to it.
import assert from 'node:assert/strict';

import { until } from '../collector.mjs';

/** Whole seconds, as the page writes a time into the address. */
const iso = (at) => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');

export async function time(walk) {
  const { page, test, open, button, look, collector } = walk;
  let host = null;
  let before = '';
  walk.before(async () => {
    await walk.inventory();
    await walk.signIn();
    const { items } = await collector.get('/api/v1/computes?limit=1&sort=id');
    host = items[0];
    before = iso(Date.now());
    // The past is told by the second.
    await until('the next second', () => iso(Date.now()) > before);
    await collector.patch(`/api/v1/computes/${host.id}`, { notes: 'written after the time that is looked at' });
  });
  const past = page.getByRole('region', { name: 'Past time' });

  await test('what was changed since is not there in the past', async () => {
    await open(`/infrastructure/compute/${host.id}`);
    await page.getByText('written after the time that is looked at').first().waitFor();
    await open(`/infrastructure/compute/${host.id}?asOf=${before}`);
    await past.getByText('As of').waitFor();
    await page.getByText('Operating system').first().waitFor();
    assert.equal(await page.getByText('written after the time that is looked at').count(), 0);
    await look('past');
    await past.getByRole('button', { name: 'Back to now' }).click();
    await page.getByText('written after the time that is looked at').first().waitFor();
    assert.equal(await past.count(), 0);
  });

  await test('a key leads to the past and back, and the slider moves in it', async () => {
    await open('/infrastructure');
    await page.getByRole('treegrid', { name: 'Infrastructure' }).waitFor();
    await page.keyboard.press('t');
    await past.waitFor();
    await page.waitForURL(/asOf=/);
    const slider = past.getByRole('slider');
    await slider.focus();
    // Keys that come before the page has followed the address: none of them may be taken as of where the slider was.
    await slider.evaluate(async (input) => {
      for (const key of ['End', 'ArrowLeft', 'Home']) {
        input.dispatchEvent(new globalThis.KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
        // What the key itself changes is drawn; the view that follows the address is not yet.
        await Promise.resolve();
      }
    });
    await until('the beginning of the history', async () => (await slider.getAttribute('aria-valuenow')) === (await slider.getAttribute('min')));
    await look('past beginning');
    await button('Back to now').first().click();
    await past.waitFor({ state: 'detached' });
  });

  await test('every view keeps to the past', async () => {
    await open(`/infrastructure?asOf=${before}`);
    for (const name of ['Environments', 'Automation', 'Search', 'Query', 'Pictures', 'Infrastructure']) {
      await page.getByRole('link', { name, exact: true }).click();
      await page.waitForURL((url) => url.searchParams.get('asOf') === before);
      await past.waitFor();
      await page.waitForTimeout(400);
      await walk.shot(`past ${name}`);
      await walk.noWider();
    }
  });
}
