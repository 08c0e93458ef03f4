// A backup made in one browser and restored in a new one: the same device with the same trust and past, and the chat goes on.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explainFailure } from '../../src/rpc/reasons';
import { EXTENSION, startBrowser } from '../support/browser';
import type { TestBrowser } from '../support/chromium';
import { driveConverse, type Converse } from '../support/converse';
import { openPopup, protect, type Popup } from '../support/extension';
import { openPanel } from '../support/panel';
import { PASSWORD, startWorld, type Person, type World } from '../support/people';
import { tempFolder } from '../support/temp';
import { until } from '../support/wait';

const SAID = ['a heron in galoshes, says alice', 'an otter with a kite, says bob'] as const;

let world: World;
let alice: Person;
let bob: Person;
let fresh: TestBrowser | undefined;
const folder = tempFolder('backup');
beforeAll(async () => {
  world = await startWorld({ people: ['alice', 'bob'] });
  [alice, bob] = [world.person('alice'), world.person('bob')];
  await protect(world, alice);
  await protect(world, bob);
  await alice.converse.openChat(bob.jid);
  await bob.converse.openChat(alice.jid);
  await alice.converse.send(SAID[0]);
  await bob.converse.shows(alice.jid, SAID[0]);
  await bob.converse.send(SAID[1]);
  await alice.converse.shows(bob.jid, SAID[1]);
});
afterAll(async () => {
  await fresh?.close();
  await world?.close();
  folder.remove();
});

async function withPopup<T>(browser: TestBrowser, work: (popup: Popup) => Promise<T>): Promise<T> {
  const popup = await openPopup(browser, world.site.origin);
  try {
    return await work(popup);
  } finally {
    await popup.close();
  }
}

async function openConverse(browser: TestBrowser): Promise<Converse> {
  const url = `ws://127.0.0.1:${alice.proxy.port}/xmpp-websocket`;
  const account = { jid: alice.jid, password: PASSWORD, url, resumes: true };
  const opened = driveConverse(await browser.newPage(world.site.converseUrl(account)));
  await opened.connected();
  return opened;
}

describe('a backup', () => {
  let own: string;
  let code: string;
  let file: string;
  let converse: Converse;
  let begun: number;

  it('is a file that says nothing, and a code', async () => {
    await withPopup(alice.browser, async (popup) => {
      own = await popup.ownFingerprint();
      const [device] = await popup.devices(bob.jid);
      await popup.setTrust(bob.jid, device?.deviceId ?? 0, 'verified');
    });
    const panel = await openPanel(alice.browser);
    const made = await panel.backUp();
    code = made.code;
    // Its browser goes, with its profile.
    file = path.join(folder.path, 'made');
    copyFileSync(made.file, file);
    expect(code).toMatch(/^[0-9A-Z]{4}(-[0-9A-Z]{4}){6}$/);
    const bytes = readFileSync(file);
    for (const secret of [alice.jid, bob.jid, 'heron', 'otter', world.site.origin, 'verified'])
      expect(bytes.includes(secret), secret).toBe(false);
    await until('the panel to know of the backup', async () =>
      (await panel.texts('backup-state'))[0]?.includes('today'),
    );
    await panel.close();
  });

  it('is refused with another code, and where it was changed, and nothing is there then', async () => {
    // The living original is one device with it: it goes first.
    await alice.browser.close();
    fresh = await startBrowser({ extension: EXTENSION, isGranted: true });
    const panel = await openPanel(fresh);
    const slip = `${code.startsWith('0') ? '1' : '0'}${code.slice(1)}`;
    expect(await panel.lookInto(file, slip)).toContain('no code of a backup');
    const changed = path.join(folder.path, 'changed');
    const bytes = readFileSync(file);
    bytes[bytes.length - 40] = (bytes[bytes.length - 40] ?? 0) ^ 1;
    writeFileSync(changed, bytes);
    expect(await panel.lookInto(changed, code)).toContain('not as it was made');
    expect(await panel.texts('backup-state')).toEqual([]);
    await panel.close();
  });

  it('shows what it changes, and brings the same device with its trust', async () => {
    if (fresh === undefined) throw new Error('no browser');
    const panel = await openPanel(fresh);
    const review = await panel.lookInto(file, code.toLowerCase().replaceAll('-', ' '));
    expect(review).toContain(alice.jid);
    expect(review).toContain('Not known here → Verified');
    expect(await panel.texts('clone-warning')).toHaveLength(1);
    expect(await panel.restore()).toContain('2 texts');
    await until('the texts to be counted', async () =>
      (await panel.texts('kept-total'))[0]?.startsWith('2 texts'),
    );
    await panel.close();
    await withPopup(fresh, async (popup) => {
      await popup.protect();
      expect(await popup.ownFingerprint()).toBe(own);
      expect((await popup.devices(bob.jid)).map(({ trust }) => trust)).toEqual(['verified']);
    });
  });

  it('answers the page when it fetches its history', async () => {
    if (fresh === undefined) throw new Error('no browser');
    begun = world.server.wire.mark();
    converse = await openConverse(fresh);
    await world.server.wire.wait(
      'the new bundle',
      ({ dir, jid, xml }) =>
        dir === 'in' &&
        jid.startsWith(`${alice.jid}/`) &&
        xml.includes('<publish ') &&
        xml.includes('.bundles:'),
      { from: begun, timeoutMs: 30_000 },
    );
    await converse.openChat(bob.jid);
    for (const text of SAID) await converse.shows(bob.jid, text);
    for (const { text } of await converse.messages(bob.jid)) expect(text).not.toContain('[OMEMO]');
  });

  it('lets the chat go on both ways, he who does not know of it first', async () => {
    await world.server.wire.wait(
      'the new session with bob',
      ({ dir, jid, xml }) =>
        dir === 'out' && jid.startsWith(`${bob.jid}/`) && xml.includes('prekey='),
      { from: begun, timeoutMs: 30_000 },
    );
    await bob.converse.page.bringToFront();
    await bob.converse.send('to the new browser');
    await converse.page.bringToFront();
    await converse.shows(bob.jid, 'to the new browser');
    await converse.send('from the new browser');
    await bob.converse.shows(alice.jid, 'from the new browser');
    for (const { text } of await bob.converse.messages(alice.jid))
      expect(text).not.toContain('[OMEMO]');
    expect(world.server.leaks('the new browser')).toEqual([]);
  });

  it('does not bring back what is forgotten then, which the page is told once for each text', async () => {
    if (fresh === undefined) throw new Error('no browser');
    await withPopup(fresh, (popup) => popup.forget(bob.jid));
    const mark = world.server.wire.mark();
    await converse.page.close();
    await fresh.clearSite(world.site.pageUrl(''));
    converse = await openConverse(fresh);
    await converse.openChat(bob.jid);
    const gone = explainFailure('forgotten');
    await until('the page to say it of each text', async () => {
      const shown = await converse.messages(bob.jid);
      return shown.length >= 4 && shown.every(({ text }) => text === gone);
    });
    await bob.converse.page.bringToFront();
    await bob.converse.send('after it');
    await converse.page.bringToFront();
    await converse.shows(bob.jid, 'after it');
    // Nothing was taken for a broken session.
    const sent = world.server.wire.records(mark).filter(({ dir }) => dir === 'in');
    expect(sent.filter(({ xml }) => xml.includes('<encrypted'))).toHaveLength(1);
  });
});
