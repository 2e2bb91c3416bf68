// From a phone to a narrow screen: nothing is wider than the page, and everything can be reached.
const VIEWS = ['infrastructure', 'infrastructure/compute/101255', 'environments', 'environments/rules', 'automation/agents', 'search?q=postgres:16', 'query', 'pictures', 'settings'];

export async function widths(walk) {
  const { page, test, open } = walk;
  walk.before(async () => {
    await walk.inventory();
    await walk.signIn();
  });
  for (const [name, width, height] of [['a narrow screen', 1_000, 800], ['a phone', 390, 844]]) {
    await test(`every view fits on ${name}`, async () => {
      await walk.wide(width, height);
      for (const view of VIEWS) {
        await open(`/${view}`);
        await page.getByRole('navigation', { name: 'Views' }).waitFor();
        await page.waitForTimeout(600);
        await walk.shot(`${name} ${view}`);
        await walk.noWider();
        await walk.accessible();
      }
      await walk.wide(1440);
    });
  }
}
