// What each role is offered, and what it is refused.
import assert from 'node:assert/strict';

export async function roles(walk) {
  const { page, test, open, button, look, collector } = walk;
  walk.before(() => walk.inventory());
  const count = (name) => button(name).count();

  await test('a viewer is offered nothing that a viewer may not do', async () => {
    await walk.signIn(collector.apiToken('viewer'));
    await open('/infrastructure/compute/101255');
    await page.getByText('Operating system').waitFor();
    for (const name of ['Edit', 'Delete']) assert.equal(await count(name), 0, name);
    await look('viewer');
    for (const tab of ['tags', 'environments', 'drift']) {
      await open(`/infrastructure/compute/101255?tab=${tab}`);
      await page.getByRole('tabpanel').locator('*').first().waitFor();
      await page.waitForTimeout(300);
      for (const name of ['Set', 'Give it an environment', 'Take', 'Keep mine']) assert.equal(await count(name), 0, name);
    }
    await open('/environments');
    await page.getByRole('grid', { name: 'Environments' }).waitFor();
    assert.equal(await count('New environment'), 0);
    await open('/environments/rules');
    await page.getByRole('grid', { name: 'Rules' }).waitFor();
    assert.equal(await count('New rule'), 0);
    await open('/automation/tokens');
    await page.getByText('Join tokens are for operators').waitFor();
    await look('viewer tokens');
    await open('/automation/agents');
    await page.locator('[role="row"][aria-rowindex="2"]').click();
    await page.getByText('Identifier').waitFor();
    for (const name of ['Look again', 'Revoke…', 'Add an agent']) assert.equal(await count(name), 0, name);
  });

  await test('an operator edits, and revokes no agent', async () => {
    await walk.signIn(collector.apiToken('operator'));
    await open('/infrastructure/compute/101255');
    await button('Edit').waitFor();
    await open('/automation/agents');
    await page.locator('[role="row"][aria-rowindex="2"]').click();
    await button('Look again').waitFor();
    assert.equal(await count('Revoke…'), 0);
    await open('/automation/tokens');
    await button('New join token').waitFor();
    await look('operator');
  });

  await test('an administrator is offered everything', async () => {
    await walk.signIn();
    await open('/automation/agents');
    await page.locator('[role="row"][aria-rowindex="2"]').click();
    await button('Revoke…').waitFor();
  });

  await test('a session that ended asks to sign in again, and says why', async () => {
    await walk.signIn();
    await open('/environments');
    await page.getByRole('grid', { name: 'Environments' }).waitFor();
    await walk.context.clearCookies();
    // The page asks by itself as well, and may notice first.
    await page.getByRole('link', { name: 'Automation' }).click({ timeout: 3_000 }).catch(() => undefined);
    await page.getByText('Your session has ended').waitFor();
  });

  await test('signing out ends the session', async () => {
    await walk.signIn();
    await button(/Signed in as/).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByLabel('API token').waitFor();
    assert.equal((await page.request.get(`${collector.base}/api/v1/computes`)).status(), 401);
  });
}
