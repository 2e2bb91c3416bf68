// Every edit that people make in place, what is refused, what somebody else changed meanwhile, and what is undone.
import assert from 'node:assert/strict';
import { hostname } from 'node:os';

import { until } from '../collector.mjs';

export async function edits(walk) {
  const { page, test, open, row, button, look, toast, collector } = walk;
  walk.before(async () => {
    await walk.inventory();
    await walk.signIn();
  });
  const dialog = () => page.getByRole('dialog');
  const field = (label) => dialog().getByLabel(label);
  const heading = (name) => page.getByRole('complementary', { name: 'Details' }).getByRole('heading', { name, exact: true });

  await test('the hierarchy is made from the top down to a compute', async () => {
    await open('/infrastructure');
    await button('New partner').click();
    await button('Make it').click();
    await dialog().getByText(/required|expected|missing/i).first().waitFor();
    await look('form with problems');
    await field(/^Name/).first().fill('walked');
    await field(/Name for people/).fill('Walked Hosting');
    await field(/^Type/).click();
    await page.getByRole('option', { name: 'vendor' }).click();
    await button('Make it').click();
    await toast('partner made');
    await heading('walked').waitFor();
    await row('walked').waitFor();
    for (const [kind, name, more] of [['cloud', 'w-cloud'], ['region', 'w-region', 'w-r1'], ['availability zone', 'w-zone', 'w-z1'], ['datacenter', 'w-dc'], ['compute', 'w-host']]) {
      await button(`New ${kind} in it`).click();
      await field(/^Name/).first().fill(name);
      if (more) await field(/^Code/).fill(more);
      await button('Make it').click();
      await toast(`${kind} made`);
      await dialog().waitFor({ state: 'detached' });
      await heading(name).waitFor();
      await row(name).waitFor();
    }
    await look('made compute');
  });

  await test('a change is saved, shown in the history, and undone', async () => {
    const [{ id }] = (await collector.get('/api/v1/computes?name=w-host')).items;
    await open(`/infrastructure/compute/${id}`);
    await heading('w-host').waitFor();
    await button('Edit').click();
    await field('Purpose').fill('to be walked over');
    await field('Processors').fill('many');
    await button('Save').click();
    await dialog().getByText(/whole number|expected/i).first().waitFor();
    await look('edit refused');
    await field('Processors').fill('8');
    await button('Save').click();
    await toast('Saved');
    await page.getByText('to be walked over').waitFor();
    await page.getByRole('tab', { name: 'History' }).click();
    await page.getByRole('tabpanel').getByText('to be walked over').first().waitFor();
    await look('history');
    await page.locator('.MuiSnackbar-root').getByRole('button', { name: 'Undo' }).click();
    await toast('Undone');
    assert.equal((await collector.get(`/api/v1/computes/${id}`)).purpose, null);
  });

  await test('someone changed this meanwhile: the difference is shown, and nothing is lost', async () => {
    const [{ id }] = (await collector.get('/api/v1/computes?name=w-host')).items;
    await open(`/infrastructure/compute/${id}`);
    await heading('w-host').waitFor();
    // What comes by the change feed must not refresh the form under somebody's hands.
    await button('Edit').click();
    await field('Purpose').fill('mine');
    await collector.patch(`/api/v1/computes/${id}`, { notes: 'theirs' });
    await button('Save').click();
    await page.getByText('Someone changed this meanwhile').waitFor();
    await dialog().getByRole('alert').getByText('theirs', { exact: true }).waitFor();
    await look('conflict');
    await button('Keep theirs, and add my changes').click();
    assert.equal(await field('Notes').inputValue(), 'theirs');
    assert.equal(await field('Purpose').inputValue(), 'mine');
    await button('Save').click();
    await toast('Saved');
    const saved = await collector.get(`/api/v1/computes/${id}`);
    assert.deepEqual([saved.notes, saved.purpose], ['theirs', 'mine']);
  });

  await test('what something hangs on is not deleted, and what nothing hangs on is', async () => {
    await open('/infrastructure?q=w-dc');
    await row('w-dc').click();
    await heading('w-dc').waitFor();
    await button('Delete').click();
    await dialog().getByRole('button', { name: 'Delete' }).click();
    await dialog().getByRole('alert').waitFor();
    await look('delete refused');
    await dialog().getByRole('button', { name: 'Cancel' }).click();
    const [{ id }] = (await collector.get('/api/v1/computes?name=w-host')).items;
    await open(`/infrastructure/compute/${id}`);
    await heading('w-host').waitFor();
    await button('Delete').click();
    await dialog().getByRole('button', { name: 'Delete' }).click();
    await page.waitForURL(/infrastructure(\?|$)/);
    assert.equal((await collector.get('/api/v1/computes?name=w-host')).items.length, 0);
  });

  await test('tags are set, removed and brought back', async () => {
    await open('/infrastructure/compute/101300?tab=tags');
    await page.getByText('No tags').waitFor();
    await page.getByRole('textbox', { name: 'Key' }).fill('owner');
    await page.getByRole('textbox', { name: 'Value' }).fill('payments');
    await button('Set').click();
    await toast('The tag is set');
    await page.getByRole('tabpanel').getByText('payments').waitFor();
    await look('tags');
    await button('Remove the tag owner').click();
    await toast('removed');
    await page.getByText('No tags').waitFor();
    await page.locator('.MuiSnackbar-root').getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('tabpanel').getByText('payments').waitFor();
  });

  await test('a compute is given environments by shares, never more than the whole', async () => {
    await open('/infrastructure/compute/101300?tab=environments');
    const give = async (code, share) => {
      await button('Give it an environment').click();
      await field(/^Environment/).click();
      await page.getByRole('option', { name: new RegExp(`^${code}`) }).click();
      await field(/^Share in per cent/).fill(share);
      await button('Set it').click();
    };
    await give('PROD', '70');
    await toast('The environment is set');
    await give('TEST', '40');
    await dialog().getByText('would sum to 110').waitFor();
    await look('share refused');
    await field(/^Share in per cent/).fill('30');
    await button('Set it').click();
    await toast('The environment is set');
    await page.getByRole('tabpanel').getByText('70 %').first().waitFor();
    await look('shares');
    await button('Remove this association').first().click();
    await toast('removed');
    await until('one to be left', async () => (await collector.get('/api/v1/environment-associations?resourceType=compute&resourceId=101300')).items.length === 1);
    await page.locator('.MuiSnackbar-root').getByRole('button', { name: 'Undo' }).click();
    await until('it to be back', async () => (await collector.get('/api/v1/environment-associations?resourceType=compute&resourceId=101300')).items.length === 2);
  });

  await test('drift between what people entered and what is seen is taken or kept', async () => {
    const [agent] = (await collector.get(`/api/v1/agents?hostname=${hostname()}`)).items;
    await collector.patch(`/api/v1/computes/${agent.computeId}`, { operatingSystem: 'Plan 9', cpuCores: 99 });
    await collector.post(`/api/v1/agents/${agent.id}/refresh`, { sources: [] });
    await until('the drift', async () => (await collector.get(`/api/v1/drifts?computeId=${agent.computeId}`)).items.length === 2, 40_000);
    await open(`/infrastructure/compute/${agent.computeId}?tab=drift`);
    const drift = (name) => page.getByRole('region', { name: `Drift of ${name}` });
    await drift('Operating system').getByText('Plan 9').waitFor();
    await look('drift');
    await drift('Operating system').getByRole('button', { name: 'Take' }).click();
    await toast('The discovered value is taken');
    await drift('Operating system').waitFor({ state: 'detached' });
    await drift('CPU cores').getByRole('button', { name: 'Keep mine' }).click();
    await toast('Your value is kept');
    await drift('CPU cores').getByText('kept').waitFor();
    const compute = await collector.get(`/api/v1/computes/${agent.computeId}`);
    assert.notEqual(compute.operatingSystem, 'Plan 9');
    assert.equal(compute.cpuCores, 99);
    await drift('CPU cores').getByRole('button', { name: 'Take' }).click();
    await page.getByText('No drift').waitFor();
  });
}
