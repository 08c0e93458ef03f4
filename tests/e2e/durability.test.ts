// What Omnemo stores is lost in one of its two places (M78): identity and trust come back from the other, and the chat goes on.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { protect } from '../support/extension';
import { startWorld, type Person, type World } from '../support/people';
import { until } from '../support/wait';

let world: World;
let alice: Person;
let bob: Person;
beforeAll(async () => {
  world = await startWorld({ people: ['alice', 'bob'] });
  [alice, bob] = [world.person('alice'), world.person('bob')];
  await protect(world, alice);
  await protect(world, bob);
  await alice.converse.openChat(bob.jid);
  await bob.converse.openChat(alice.jid);
  await talk('at first');
  const popup = await alice.popup();
  const [device] = await popup.devices(bob.jid);
  if (device === undefined) throw new Error('no device of bob');
  await popup.setTrust(bob.jid, device.deviceId, 'verified');
  await popup.close();
});
afterAll(() => world?.close());

async function talk(when: string): Promise<void> {
  await alice.converse.page.bringToFront();
  await bob.converse.send(`bob ${when}`);
  await alice.converse.shows(bob.jid, `bob ${when}`, 60_000);
  await alice.converse.send(`alice ${when}`);
  await bob.converse.shows(alice.jid, `alice ${when}`, 60_000);
}

async function shown() {
  const popup = await alice.popup();
  const identity = {
    fingerprint: await popup.ownFingerprint(),
    deviceId: await popup.page.$eval('[data-testid="own-device-id"]', (own) => own.textContent),
    bob: await popup.devices(bob.jid),
  };
  await popup.close();
  return identity;
}

/** What the popup tells of the vault, once; it is read then. */
async function notice(): Promise<string | null> {
  const popup = await alice.popup();
  const found = await popup.page.waitForSelector('[data-testid="notice"]');
  const code = await found?.evaluate((element) => element.getAttribute('data-notice'));
  await popup.page.click('[data-testid="acknowledge"]');
  await until(
    'the notice to go',
    async () => (await popup.page.$('[data-testid="notice"]')) === null,
  );
  await popup.close();
  return code ?? null;
}

/** The worker ends; a page of the extension that runs none of its code takes the database away. */
async function deleteDatabase(): Promise<void> {
  const page = await alice.browser.newPage(`${alice.browser.extensionBase}manifest.json`);
  await alice.browser.stopWorker();
  await page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const request = indexedDB.deleteDatabase('omnemo');
        request.onsuccess = resolve;
        request.onerror = reject;
      }),
  );
  await page.close();
}

async function storedItems(): Promise<Record<string, unknown>> {
  const worker = await alice.browser.worker();
  return worker.evaluate(() => chrome.storage.local.get(null));
}

async function goesOn(when: string): Promise<void> {
  await alice.converse.reload();
  await alice.converse.openChat(bob.jid);
  await until('the keys to be published', async () => {
    const popup = await alice.popup();
    const isReady = await popup.isReady();
    await popup.close();
    return isReady;
  });
  await talk(when);
}

it('goes on as the same device when the database is gone, and says so once', async () => {
  const before = await shown();
  expect(before.bob.map(({ trust }) => trust)).toEqual(['verified']);
  await deleteDatabase();
  expect(await notice()).toBe('restored-all');
  expect(await shown()).toEqual(before);
  await goesOn('after the database');
  expect(await shown()).toEqual(before);
});

it('makes the copy again when that is gone, which holds nobody’s name', async () => {
  const before = await shown();
  const worker = await alice.browser.worker();
  await worker.evaluate(() => chrome.storage.local.clear());
  await alice.browser.stopWorker();
  await goesOn('after the copy');
  const items = JSON.stringify(await storedItems());
  expect(items).toContain('copy/accounts/');
  for (const name of ['alice', 'bob', world.site.origin, before.deviceId ?? 'none'])
    expect(items).not.toContain(name);
  await deleteDatabase();
  expect(await notice()).toBe('restored-all');
  expect(await shown()).toEqual(before);
  await goesOn('after both');
  for (const when of ['at first', 'after the database', 'after the copy', 'after both'])
    for (const name of ['alice', 'bob'])
      expect(world.server.leaks(`${name} ${when}`), `${name} ${when}`).toEqual([]);
});
