// Search, the nested query, exported files and the pictures.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { until } from '../collector.mjs';

export async function reading(walk) {
  const { page, test, open, row, button, look } = walk;
  walk.before(async () => {
    await walk.inventory();
    await walk.signIn();
  });
  /** What a browser saves on a click. */
  const saved = async (click) => {
    const [file] = await Promise.all([page.waitForEvent('download'), click()]);
    return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') };
  };

  await test('search finds images, ports and labels', async () => {
    await open('/search');
    await page.getByText('What are you looking for?').waitFor();
    await look('search empty');
    const field = page.getByLabel('Name, address, image, :port, key=value');
    await field.pressSequentially('postgres:16', { delay: 15 });
    await row('postgres-').waitFor();
    await page.waitForURL(/q=postgres%3A16/);
    assert.equal(await field.inputValue(), 'postgres:16', 'no letter is lost');
    await page.getByRole('status').filter({ hasText: 'first 500' }).waitFor();
    await look('search');
    await field.fill(':10042');
    await row('port').waitFor();
    await field.fill('team=payments');
    await row('label').waitFor();
    await page.getByLabel('Kind').selectOption('compute');
    await page.waitForURL(/kind=compute/);
    await page.getByLabel('Kind').selectOption('');
    await field.fill('nothing is called so');
    await page.getByText('Nothing contains').waitFor();
    await look('search nothing');
  });

  await test('what was found is exported, and no name becomes a formula', async () => {
    await open(`/search?q=${encodeURIComponent('=HYPERLINK')}`);
    await row('=HYPERLINK').waitFor();
    const exported = async (kind) => {
      await button('Export').click();
      return saved(() => page.getByRole('menuitem', { name: kind }).click());
    };
    const csv = await exported('CSV, the columns shown');
    assert.equal(csv.name, 'search.csv');
    assert.match(csv.text, /^Kind,Name,/);
    assert.ok(csv.text.includes(`"'=HYPERLINK(""http`) && !/(^|,)"?=/m.test(csv.text), csv.text);
    const json = await exported('JSON, everything');
    assert.equal(JSON.parse(json.text)[0].name.slice(0, 10), '=HYPERLINK');
  });

  await test('a table is sorted by its columns', async () => {
    await open('/search?q=postgres:16');
    await row('postgres-').waitFor();
    const first = () => page.getByRole('row').nth(1).getByRole('gridcell').nth(1).innerText();
    await page.getByRole('columnheader', { name: 'Name' }).getByRole('button').click();
    assert.equal(await page.getByRole('columnheader', { name: 'Name' }).getAttribute('aria-sort'), 'ascending');
    const lowest = await first();
    await page.getByRole('columnheader', { name: 'Name' }).getByRole('button').click();
    assert.equal(await page.getByRole('columnheader', { name: 'Name' }).getAttribute('aria-sort'), 'descending');
    assert.notEqual(await first(), lowest);
  });

  await test('the nested query answers as a table and as JSON', async () => {
    await open('/query');
    await look('query empty');
    await page.getByRole('textbox', { name: 'Query' }).fill('{\n  "kind": "environment",\n  "select": ["code", "name", "type"],\n  "sort": ["code"]\n}');
    await button('Run').click();
    await page.getByRole('cell', { name: 'STAGE' }).waitFor();
    await look('query');
    await page.getByRole('tab', { name: 'JSON' }).click();
    await page.getByRole('tabpanel').getByText('STAGE').waitFor();
    await look('query json');
    const csv = await saved(() => button('CSV').click());
    assert.match(csv.text, /STAGE/);
    await page.getByRole('textbox', { name: 'Query' }).fill('{"kind": "enviroment"}');
    await button('Run').click();
    await page.getByRole('alert').filter({ hasText: 'environment' }).waitFor();
    await look('query refused');
    await page.getByRole('textbox', { name: 'Query' }).fill('{"kind": ');
    await button('Run').click();
    await page.getByText(/JSON/).first().waitFor();
  });

  await test('the pictures are drawn', async () => {
    await open('/pictures');
    await page.getByRole('img', { name: /Treemap of/ }).waitFor({ timeout: 60_000 });
    await page.getByText('seen in full').first().waitFor();
    await page.waitForTimeout(800);
    await look('pictures');
  });

  await test('use and growth are drawn over time, and what is chosen is in the address', async () => {
    await open('/pictures?span=week');
    const use = page.getByRole('slider', { name: 'Use by environment over time' });
    await use.waitFor();
    await page.locator('.time-chart path').first().waitFor();
    // A day was not sampled: each line is in two pieces.
    assert.equal(await use.locator('g[fill] path').count(), 10);
    await use.focus();
    await page.keyboard.press('Home');
    const first = await use.getAttribute('aria-valuetext');
    assert.match(first, /PROD .*GiB|PROD .*TiB/);
    await page.keyboard.press('ArrowRight');
    assert.notEqual(await use.getAttribute('aria-valuetext'), first);
    await button('Cores').click();
    await until('the address', () => page.url().includes('amount=cores'));
    await until('cores', async () => /cores/.test(await use.getAttribute('aria-valuetext')));
    await button('Coverage').click();
    await page.getByRole('slider', { name: 'Growth of the inventory: coverage' }).waitFor();
    await page.getByText('seen in part').first().waitFor();
    await button('24 h').click();
    await until('a shorter span', async () => (await use.locator('g[fill] path').count()) === 5);
    await page.reload();
    await page.getByRole('slider', { name: 'Growth of the inventory: coverage' }).waitFor();
    assert.match(page.url(), /span=day/);
    await open(`/pictures?asOf=${new Date(Date.now() - 5_000).toISOString().slice(0, 19)}Z`);
    await use.waitFor();
    await page.getByText('told for the present').waitFor();
  });

  await test('settings tell who is signed in and which collector answers', async () => {
    await open('/settings');
    await page.getByText('does everything').waitFor();
    await look('settings');
  });
}
