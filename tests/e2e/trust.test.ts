// What the popup shows is true on both sides, its decisions hold, and the icon tells the three states apart.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explainRefusal } from '../../src/rpc/reasons';
import { protect, type Popup } from '../support/extension';
import { PASSWORD } from '../support/people';
import { connectRaw } from '../support/raw-client';
import { createRawDevice } from '../support/raw-device';
import { startWorld, type Person, type World } from '../support/people';
import { until } from '../support/wait';

const FINGERPRINT = /^[0-9a-f]{8}( [0-9a-f]{8}){7}$/;

let world: World;
beforeAll(async () => {
  world = await startWorld({ people: ['alice', 'bob'] });
});
afterAll(() => world?.close());

const pair = () => ({ alice: world.person('alice'), bob: world.person('bob') });

async function withPopup<T>(person: Person, work: (popup: Popup) => Promise<T>): Promise<T> {
  const popup = await person.popup();
  try {
    return await work(popup);
  } finally {
    await popup.close();
    await person.converse.page.bringToFront();
  }
}

/** Fingerprints are shown in groups; only their digits count. */
function digits(fingerprint: string): string {
  return fingerprint.replace(/\s+/g, ' ').trim();
}

/**
 * What the toolbar shows for the tab of the web client. Before the site is granted the extension cannot tell which that is,
 * in Firefox, and all tabs must show the same.
 */
async function icon({ browser }: Person): Promise<string> {
  const worker = await browser.worker();
  const icons = await worker.evaluate(async () => {
    const found = await chrome.tabs.query({ url: 'http://localhost/*' });
    const tabs = found.length > 0 ? found.slice(0, 1) : await chrome.tabs.query({});
    return Promise.all(
      tabs.map(async ({ id: tabId }) => {
        if (tabId === undefined) return 'no tab';
        const badge = await chrome.action.getBadgeText({ tabId });
        return `${badge} | ${await chrome.action.getTitle({ tabId })}`;
      }),
    );
  });
  const [shown = 'no tab', ...others] = [...new Set(icons)];
  expect(others).toEqual([]);
  return shown;
}

describe('the popup and the icon', () => {
  const icons: string[] = [];

  it('tell off, attention and protected apart', async () => {
    const { alice, bob } = pair();
    icons.push(await icon(alice));
    expect(icons).not.toContain('no tab');
    await withPopup(alice, (popup) => alice.converse.loadsAnew(popup.protect));
    const attention = await until('the icon to ask for attention', async () => {
      const now = await icon(alice);
      return icons.includes(now) ? undefined : now;
    });
    icons.push(attention);
    const mark = world.server.wire.mark();
    await withPopup(alice, async (popup) => {
      await popup.grantPending();
      await world.server.wire.wait('the device list', ({ xml }) => xml.includes('.devicelist'), {
        from: mark,
      });
    });
    const done = await until('the icon to show protected', async () => {
      const now = await icon(alice);
      return icons.includes(now) ? undefined : now;
    });
    icons.push(done);
    expect(new Set(icons).size).toBe(3);
    await protect(world, bob);
  });

  it('shows the account, and the same fingerprint on both sides', async () => {
    const { alice, bob } = pair();
    await alice.converse.openChat(bob.jid);
    await bob.converse.openChat(alice.jid);
    await alice.converse.send('hello');
    await bob.converse.shows(alice.jid, 'hello');
    await bob.converse.send('hello back');
    await alice.converse.shows(bob.jid, 'hello back');

    const read = (me: Person, other: Person) =>
      withPopup(me, async (popup) => {
        const own = digits(await popup.ownFingerprint());
        const devices = await popup.devices(other.jid);
        return { own, devices, text: await popup.text() };
      });
    const [atAlice, atBob] = [await read(alice, bob), await read(bob, alice)];
    expect(atAlice.text).toContain(alice.jid);
    expect(atBob.text).toContain(bob.jid);
    expect(atAlice.own).toMatch(FINGERPRINT);
    expect(atAlice.own).not.toBe(atBob.own);
    expect(atBob.devices.map(({ fingerprint }) => digits(fingerprint))).toEqual([atAlice.own]);
    expect(atAlice.devices.map(({ fingerprint }) => digits(fingerprint))).toEqual([atBob.own]);
    expect(atAlice.devices.map(({ trust }) => trust)).toEqual(['trusted']);
  });

  it('keeps a decision, and sends nothing to a distrusted key', async () => {
    const { alice, bob } = pair();
    const decide = (trust: string) =>
      withPopup(alice, async (popup) => {
        const [device] = await popup.devices(bob.jid);
        await popup.setTrust(bob.jid, device?.deviceId ?? 0, trust);
      });
    const decision = () =>
      withPopup(alice, async (popup) => (await popup.devices(bob.jid))[0]?.trust);

    await decide('distrusted');
    expect(await decision()).toBe('distrusted');
    await alice.converse.send('not for a distrusted key');
    const said = await alice.converse.showsFailed(bob.jid, 'not for a distrusted key', 60_000);
    expect(said).toContain(explainRefusal('no-trusted-devices'));
    expect(world.server.leaks('not for a distrusted key')).toEqual([]);

    await decide('verified');
    expect(await decision()).toBe('verified');
    await alice.browser.stopWorker();
    expect(await decision()).toBe('verified');
    await alice.converse.send('for a verified key');
    await bob.converse.shows(alice.jid, 'for a verified key');
  });

  it('sends only to verified keys under the policy "verified-only"', async () => {
    const { alice, bob } = pair();
    await withPopup(bob, (popup) => popup.setPolicy('verified-only'));
    await bob.converse.send('alice is not verified here');
    const said = await bob.converse.showsFailed(alice.jid, 'alice is not verified here', 60_000);
    expect(said).toContain(explainRefusal('no-trusted-devices'));
    expect(world.server.leaks('alice is not verified here')).toEqual([]);

    await withPopup(alice, (popup) => popup.setPolicy('verified-only'));
    await alice.converse.send('bob is verified here');
    await bob.converse.shows(alice.jid, 'bob is verified here');

    await withPopup(bob, (popup) => popup.setPolicy('blind'));
    await bob.converse.send('and back again');
    await alice.converse.shows(bob.jid, 'and back again');
  });

  it('announce a device that is added to the account, until it is answered for (M32)', async () => {
    const { alice, bob } = pair();
    const known = await icon(alice);
    const { ports } = world.server;
    const client = await connectRaw({ port: ports.xmpp, jid: alice.jid, password: PASSWORD });
    try {
      const added = await createRawDevice(client, 4711);
      await added.publishBundle();
      const [own] = await withPopup(bob, (popup) => popup.devices(alice.jid));
      await added.publishList([own?.deviceId ?? 0, added.deviceId]);
      await until('the icon to ask for attention', async () => (await icon(alice)) !== known);
      const asked = await withPopup(alice, async (popup) => {
        const text = await popup.newDevices();
        await popup.acknowledgeDevices();
        return text;
      });
      expect(asked).toContain(String(added.deviceId));
      await until('the icon to be quiet again', async () => (await icon(alice)) === known);
    } finally {
      await client.close();
    }
  });
});
