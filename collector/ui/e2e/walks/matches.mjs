// Hosts of which nobody but a person can say which compute they are: the queue, why, why not, and what can be undone.
import assert from 'node:assert/strict';
import { hostname, networkInterfaces } from 'node:os';

import { startCollector, until } from '../collector.mjs';

const address = () => Object.values(networkInterfaces()).flat().find((one) => one.family === 'IPv4' && !one.internal)?.address ?? null;

export async function matches(walk) {
  const { page, test, open, row, button, look, toast } = walk;
  let other = null;
  let computes = [];
  walk.before(async () => {
    other = await startCollector();
    // Two computes that people typed in, and both are called like this host.
    const typed = (name, notes) => other.post('/api/v1/computes', { name, hostname: hostname(), ipAddress: address(), notes });
    computes = [await typed('rack-1-left', 'from the sheet of 2019'), await typed('rack-1-right', 'from the sheet of 2021'), await other.post('/api/v1/computes', { name: 'printer', hostname: 'printer' })];
    other.startAgent();
    await until('the match to wait', async () => (await other.get('/api/v1/matches')).items.length > 0, 60_000);
    await walk.use(other);
    await walk.signIn(other.token);
  });

  const openIdentity = async (id) => {
    await open(`/infrastructure/compute/${id}?tab=identity`);
    await page.getByRole('heading', { name: 'What was done' }).waitFor();
  };
  const dialog = () => page.getByRole('dialog');
  const find = async (name, which = /typed in/) => {
    await dialog().getByLabel('Find the other compute').and(page.locator('input')).fill(name);
    await dialog().getByRole('radio', { name: which }).first().check();
    await dialog().getByRole('status', { name: 'What it comes to' }).waitFor();
  };

  await test('a host that fits two computes waits for a person, with what speaks for each', async () => {
    await open('/automation/agents');
    await page.getByRole('tab', { name: 'Match queue (1)' }).click();
    const card = page.getByRole('region', { name: `Match of ${hostname()}` });
    await card.getByRole('article', { name: 'Candidate rack-1-left' }).getByRole('list', { name: 'Speaks for it' }).waitFor();
    await card.getByRole('article', { name: 'Candidate rack-1-right' }).waitFor();
    await look('match queue');
    await card.getByRole('article', { name: 'Candidate rack-1-left' }).getByRole('button', { name: 'It is this one' }).click();
    await look('match decide');
    await dialog().getByRole('button', { name: 'Decide' }).click();
    await toast('It is rack-1-left');
    await until('its agent', async () => (await other.get(`/api/v1/computes/${computes[0].id}`)).agent !== null, 60_000);
  });

  await test('it is told why a host is this compute, and why it is not another', async () => {
    await openIdentity(computes[0].id);
    await page.getByRole('heading', { name: 'Why it is this one' }).waitFor();
    await page.getByText('a person').first().waitFor();
    await page.getByLabel('Name, host name or address of the other compute').and(page.locator('input')).fill('printer');
    await page.getByRole('radio').first().check();
    await page.getByRole('status', { name: 'Why it is not that one' }).getByRole('article').waitFor();
    await look('identity');
  });

  await test('two computes are merged, with a choice where both have a value, and that is undone', async () => {
    await openIdentity(computes[0].id);
    await button('Merge another compute into it…').click();
    await find('rack-1-right');
    await dialog().getByRole('radio', { name: 'from the sheet of 2021' }).check();
    await look('merge');
    await dialog().getByRole('button', { name: 'Merge' }).click();
    await toast('takes in');
    await until('the notes', async () => (await other.get(`/api/v1/computes/${computes[0].id}`)).notes === 'from the sheet of 2021');
    assert.equal((await other.get(`/api/v1/computes/${computes[1].id}`)).status, 'MERGED');
    await page.getByRole('tabpanel').getByText('takes in').waitFor();
    await look('merged');
    await page.locator('.MuiSnackbar-root').getByRole('button', { name: 'Undo' }).click();
    await toast('Undone');
    const back = await other.get(`/api/v1/computes/${computes[1].id}`);
    assert.notEqual(back.status, 'MERGED');
    assert.equal((await other.get(`/api/v1/computes/${computes[0].id}`)).notes, 'from the sheet of 2019');
  });

  await test('a host that was taken for another is split off, and the typed compute claims it again', async () => {
    await openIdentity(computes[0].id);
    await button('Split off its agent…').click();
    await dialog().getByRole('status', { name: 'What it comes to' }).waitFor();
    await look('split');
    await dialog().getByRole('button', { name: 'Split' }).click();
    await dialog().waitFor({ state: 'detached' });
    await until('the agent to be gone', async () => (await other.get(`/api/v1/computes/${computes[0].id}`)).agent === null);
    const [agent] = (await other.get('/api/v1/agents')).items;
    assert.notEqual(agent.computeId, computes[0].id);
    await openIdentity(computes[0].id);
    await button('It is a host that was discovered…').click();
    await find(agent.computeName, /has an agent/);
    await look('claim');
    await dialog().getByRole('button', { name: 'Claim' }).click();
    await dialog().waitFor({ state: 'detached' });
    await until('the agent', async () => (await other.get(`/api/v1/computes/${computes[0].id}`)).agent?.id === agent.id);
  });

  await test('what was done is listed and undone from the list', async () => {
    await open('/automation/operations');
    await row('claimed').waitFor();
    await look('operations');
    await row('claimed').getByRole('button', { name: 'Undo…' }).click();
    await dialog().getByRole('status', { name: 'What it comes to' }).waitFor();
    await look('undo');
    await dialog().getByRole('button', { name: 'Undo' }).click();
    await row('claimed').getByText('undone').waitFor();
    assert.equal((await other.get(`/api/v1/computes/${computes[0].id}`)).agent, null);
  });

  if (other) {
    await walk.use(walk.first);
    await other.stop();
  }
}
