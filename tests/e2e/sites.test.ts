// Sites come and go: no permission at install, protection until it is taken back, and pages loaded anew afterwards.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { protect } from '../support/extension';
import { startWorld, type Person, type World } from '../support/people';
import { until } from '../support/wait';
import type { WireRecord } from '../support/wire';

let world: World;
let alice: Person;
let bob: Person;
beforeAll(async () => {
  world = await startWorld({ people: ['alice', 'bob', 'carol'] });
  alice = world.person('alice');
  bob = world.person('bob');
  await protect(world, alice);
  await protect(world, bob);
});
afterAll(() => world?.close());

async function scripts({ browser }: Person): Promise<readonly string[]> {
  const worker = await browser.worker();
  return worker.evaluate(async () => {
    const registered = await chrome.scripting.getRegisteredContentScripts();
    return registered.map(({ id }) => id);
  });
}

it('protects a page that was open before, which no message leaves in clear any more (I-14)', async () => {
  const carol = world.person('carol');
  const popup = await carol.popup();
  await carol.converse.loadsAnew(popup.protect);
  await popup.reaches('pending');
  await popup.close();
  await carol.converse.page.bringToFront();
  await carol.converse.openChat(bob.jid);
  await carol.converse.send('to the page that was open');
  await carol.converse.showsFailed(bob.jid, 'to the page that was open');
  expect(world.server.leaks('to the page that was open')).toEqual([]);
});

it('registers the bridge before the hook, and again after the browser was started anew', async () => {
  expect(await scripts(alice)).toEqual(['bridge', 'hook']);
  await alice.relaunch();
  expect(await scripts(alice)).toEqual(['bridge', 'hook']);
});

it('lets a site go: its device leaves the list, its page is loaded anew and writes in clear (I-45)', async () => {
  const popup = await alice.popup();
  await popup.page.waitForSelector('[data-testid="sites"]');
  await popup.page.$eval('[data-testid="sites"]', (element) => {
    if (element instanceof HTMLDetailsElement) element.open = true;
  });
  await popup.page.click('[data-testid="unprotect"]');
  await alice.converse.loadsAnew(() => popup.page.click('[data-testid="confirm-unprotect"]'));
  await until('no site to be protected', async () => {
    const left = await popup.page.$$('[data-testid="unprotect"]');
    return left.length === 0;
  });
  await popup.close();
  const isWithdrawal = ({ dir, jid, xml }: WireRecord) =>
    dir === 'in' &&
    jid.startsWith(alice.jid) &&
    /<delete node=.eu\.siacs\.conversations\.axolotl/.test(xml);
  // The list, of which it was the only device, and the bundle.
  expect(world.server.wire.records().filter(isWithdrawal)).toHaveLength(2);
  await alice.converse.page.bringToFront();
  await alice.converse.openChat(world.server.jid('bob'));
  await alice.converse.send('in clear, as the user wished');
  await world.server.wire.wait('the plain text', ({ xml }) =>
    xml.includes('in clear, as the user wished'),
  );
  expect(world.server.streamErrors()).toEqual([]);
});

it('says so when the browser takes the permission back', async () => {
  const worker = await bob.browser.worker();
  await worker.evaluate(() => chrome.permissions.remove({ origins: ['http://localhost/*'] }));
  await until('the scripts to be gone', async () => (await scripts(bob)).length === 0);
  const popup = await bob.popup();
  await popup.reaches('unprotected');
  await popup.close();
});
