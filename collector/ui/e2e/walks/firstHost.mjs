// Signing in, the page of an empty inventory, the form that lets a host in, and that host.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';

import { until } from '../collector.mjs';
import { measured } from '../measure.mjs';

export async function firstHost(walk) {
  const { page, test, open, row, button, look } = walk;

  await test('an unknown token is refused with the reason', async () => {
    await open('/');
    await page.getByLabel('API token').fill('oat_nonsense');
    await button('Sign in').click();
    await page.getByRole('alert').filter({ hasText: 'not known' }).waitFor();
    await look('login');
  });

  await test('the session is a cookie that scripts cannot read', async () => {
    await walk.signIn();
    const [cookie] = await walk.context.cookies();
    assert.ok(cookie.httpOnly && cookie.sameSite === 'Strict', JSON.stringify({ ...cookie, value: '…' }));
    assert.equal(await page.evaluate(() => document.cookie), '');
  });

  await test('the first run says how to add an agent, and a host appears by itself', async () => {
    await walk.signIn();
    await page.getByText('Nothing is known yet').waitFor();
    await look('first run');
    const begin = Date.now();
    const met = walk.host();
    await page.getByRole('treegrid', { name: 'Infrastructure' }).waitFor({ timeout: 30_000 });
    await page.locator('[data-key^="compute:"]').first().waitFor({ timeout: 30_000 });
    measured(`a new host is on the page ${((Date.now() - begin) / 1_000).toFixed(1)} s after its agent was started`);
    await met;
    await until('the glow to end', async () => (await page.locator('.glow').count()) === 0);
    await look('one host');
  });

  await test('the join token form ends in the command to paste', async () => {
    await walk.signIn();
    await open('/automation/tokens');
    await button('New join token').click();
    await page.getByLabel('For').fill('a rack');
    await page.getByLabel('Tags, key=value, one a line').fill('nonsense');
    await page.getByText('Each line needs a key').waitFor();
    assert.ok(await button('Make the token').isDisabled());
    await page.getByLabel('Tags, key=value, one a line').fill('rack=7');
    await look('join token form');
    await button('Make the token').click();
    const command = await page.getByTestId('join-command').innerText();
    assert.match(command, /orchestrix-agent run --collector 127\.0\.0\.1:\d+/);
    // The command is one that a shell takes.
    execFileSync('sh', ['-n', '-c', command]);
    await look('join token');
    await button('Done').click();
    await row('a rack').waitFor();
  });

  await test('a join token that is withdrawn lets nobody in', async () => {
    await walk.signIn();
    await open('/automation/tokens');
    await row('a rack').getByRole('button', { name: 'Withdraw' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click();
    await row('a rack').getByText('revoked').waitFor();
    await look('join tokens');
  });

  await test('agents show their health and look again on request', async () => {
    await walk.host();
    await walk.signIn();
    await open('/automation/agents');
    await page.locator('[role="row"][aria-rowindex="2"]').click();
    await button('Look again').click();
    await page.getByText('It looked again').waitFor({ timeout: 30_000 });
    await look('agents');
  });
}
