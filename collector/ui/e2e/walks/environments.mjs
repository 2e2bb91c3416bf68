// Environments: what belongs to each, how computes are shared out, what rules infer, and rules with a dry run.
import assert from 'node:assert/strict';

import { until } from '../collector.mjs';

export async function environments(walk) {
  const { page, test, open, row, button, look, toast, collector } = walk;
  walk.before(async () => {
    await walk.inventory();
    await walk.signIn();
  });
  const dialog = () => page.getByRole('dialog');
  const field = (label) => dialog().getByLabel(label);

  await test('environments show what belongs to them', async () => {
    await open('/environments');
    await row('Production').waitFor();
    await look('environment list');
    await row('Production').click();
    await page.getByText('Dedicated computes').waitFor();
    await look('environment');
  });

  await test('an environment is made, changed and deleted', async () => {
    await open('/environments');
    await button('New environment').click();
    await field(/^Name/).fill('Quality');
    await field(/^Code/).fill('QA');
    await field(/^Type/).click();
    await page.getByRole('option', { name: 'qa' }).click();
    await button('Make it').click();
    await toast('environment made');
    await row('Quality').click();
    await button('Edit').click();
    await field('Description').fill('where things are tried');
    await button('Save').click();
    await toast('Saved');
    const find = async () => (await collector.get('/api/v1/environments?code=QA')).items;
    assert.equal((await find())[0].description, 'where things are tried');
    await button('Delete…').click();
    await dialog().getByRole('button', { name: 'Delete' }).click();
    await until('it to be gone', async () => (await find()).length === 0);
    await open('/environments/901');
    await button('Delete…').click();
    await dialog().getByRole('button', { name: 'Delete' }).click();
    await dialog().getByRole('alert').waitFor();
    await look('environment delete refused');
  });

  await test('a rule is tried on everything, saved, and infers', async () => {
    await open('/environments/rules');
    await page.getByRole('grid', { name: 'Rules' }).waitFor();
    await row('PROD by name').waitFor();
    await look('rules');
    await button('New rule').click();
    await field(/^Name/).fill('redis is for tests');
    await field(/^Priority/).fill('50');
    await field(/^Environment/).click();
    await page.getByRole('option', { name: 'TEST', exact: true }).click();
    await field('What condition 1 looks at').selectOption('image');
    await field('Comparison of condition 1').selectOption('prefix');
    await field('Value of condition 1').fill('redis:');
    await button('Dry run').click();
    await dialog().getByRole('status', { name: 'Dry run' }).getByText('would change').waitFor({ timeout: 60_000 });
    await look('rule dry run');
    assert.equal((await collector.get('/api/v1/environment-rules?name=redis%20is%20for%20tests')).items.length, 0, 'nothing was saved');
    await field('Comparison of condition 1').selectOption('regex');
    await field('Value of condition 1').fill('[');
    await button('Dry run').click();
    await dialog().getByRole('alert').waitFor();
    await field('Comparison of condition 1').selectOption('equals');
    await field('Value of condition 1').fill('redis:7');
    // Few enough to be judged: those of one name.
    await button('Another condition').click();
    await field('What condition 2 looks at').selectOption('workloadName');
    await field('Comparison of condition 2').selectOption('prefix');
    await field('Value of condition 2').fill('redis-12');
    await button('Save').click();
    await toast('The rule is saved');
    await until('it to infer', async () => (await collector.get('/api/v1/environment-associations?origin=rule')).items.length > 4, 90_000);
  });

  await test('what was inferred is accepted, changed or refused, one by one or many', async () => {
    await open('/environments/inferred');
    const grid = page.getByRole('grid', { name: 'Inferred associations' });
    await grid.getByText('redis is for tests').first().waitFor();
    await look('inferred');
    const of = async (query) => (await collector.get(`/api/v1/environment-associations?resourceType=workload&origin=person&${query}`)).items.length;
    const pick = async (number) => {
      for (let at = 0; at < number; at += 1) await grid.getByRole('checkbox').nth(at).check();
    };
    const picked = () => grid.getByRole('checkbox', { checked: true }).count();
    await pick(2);
    await button('Accept 2').click();
    await until('two to be a person’s', async () => (await of('environmentId=904')) === 2);
    await until('nothing to be picked', async () => (await picked()) === 0);
    await pick(1);
    await button('Refuse').click();
    await until('nothing to be picked', async () => (await picked()) === 0);
    await pick(1);
    await page.getByLabel('Other environment').selectOption({ label: 'DEV' });
    await button('Change').click();
    await until('one to be another’s', async () => (await of('environmentId=903')) === 1);
    await until('nothing to be picked', async () => (await picked()) === 0);
    await button('Pick all').click();
    await button('Refuse').click();
    await toast('Decided');
  });

  await test('a rule of separation tells which computes break it', async () => {
    for (const environmentId of [901, 904]) await collector.post('/api/v1/environment-associations', { environmentId, resourceType: 'compute', resourceId: 101310, allocatedPercentage: 50 });
    await open('/environments/rules');
    await button('New rule').click();
    await field(/^Name/).fill('production stays alone');
    await field(/^Kind/).click();
    await page.getByRole('option', { name: 'keeps two environments apart' }).click();
    await field(/^Environment/).click();
    await page.getByRole('option', { name: 'PROD', exact: true }).click();
    await field(/^Apart from/).click();
    await page.getByRole('option', { name: 'TEST', exact: true }).click();
    await button('Save').click();
    await toast('The rule is saved');
    await page.getByRole('tab', { name: 'Separation' }).click();
    await row('host-01310').waitFor();
    await look('separation');
  });

  await test('each compute shows how it is shared out, and the parts are the whole', async () => {
    await open('/environments/allocation?q=host-0130');
    await row('host-01300').waitFor();
    const bars = page.getByRole('grid', { name: 'Allocation' }).getByRole('img', { name: /idle/ });
    await bars.first().waitFor();
    for (const label of await bars.evaluateAll((all) => all.map((bar) => bar.getAttribute('aria-label')))) {
      const sum = [...label.matchAll(/([\d.]+) %/g)].reduce((all, [, part]) => all + Number(part), 0);
      assert.ok(Math.abs(sum - 100) < 0.6, label);
    }
    await look('allocation');
  });
}
