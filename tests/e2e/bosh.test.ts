// The same pages over BOSH (XEP-0124, XEP-0206) by XMLHttpRequest, and a page that uses fetch.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explainRefusal } from '../../src/rpc/reasons';
import { IS_FIREFOX } from '../support/browser';
import { attachByFetch, logInByFetch, type BoshPage } from '../support/bosh-page';
import { protect } from '../support/extension';
import { PASSWORD, startWorld, type World } from '../support/people';
import { bodiesOf, encryptedMessages } from '../support/stanzas';

const TEXTS = [
  'first words from alice',
  'first words from bob',
  'with <b>markup</b> & "quotes"',
  'Grüße, 日本語, 👩‍💻🦊',
  'two\nlines',
  'the last words',
];

let world: World;
beforeAll(async () => {
  world = await startWorld({ people: ['alice', 'bob'], others: ['carol'], transport: 'bosh' });
  await protect(world, world.person('alice'));
  await protect(world, world.person('bob'));
});
afterAll(() => world?.close());

const pair = () => ({ alice: world.person('alice'), bob: world.person('bob') });

describe('a chat of two protected pages over BOSH', () => {
  it('shows every text on the other page', async () => {
    const { alice, bob } = pair();
    await alice.converse.openChat(bob.jid);
    await bob.converse.openChat(alice.jid);
    for (const [index, text] of TEXTS.entries()) {
      const [from, to] = index % 2 === 0 ? [alice, bob] : [bob, alice];
      await from.converse.send(text);
      expect(await to.converse.shows(from.jid, text)).toEqual({ text, direction: 'received' });
    }
    const sent = await alice.converse.messages(bob.jid);
    expect(sent.map(({ text }) => text)).toEqual(TEXTS);
    expect(sent.filter(({ error }) => error !== undefined)).toEqual([]);
  });

  it('leaves none of the texts on the wire, and no other body than one fallback', () => {
    const records = world.server.wire.records();
    expect(new Set(records.map(({ via }) => via))).toEqual(new Set(['bosh']));
    for (const text of TEXTS) expect(world.server.leaks(text), text).toEqual([]);
    const messages = encryptedMessages(records);
    expect(messages.length).toBeGreaterThanOrEqual(2 * TEXTS.length);
    const bodies = new Set(messages.flatMap(({ xml }) => bodiesOf(xml)));
    expect([...bodies]).toEqual([expect.stringContaining('OMEMO')]);
  });

  it('gives the page neither ciphertext nor replies it did not ask for', async () => {
    for (const { converse } of Object.values(pair())) {
      const frames = await converse.received();
      expect(frames.length).toBeGreaterThan(10);
      expect(frames.filter((frame) => frame.includes('<encrypted'))).toEqual([]);
      expect(frames.filter((frame) => /<iq\b/.test(frame) && frame.includes('axolotl'))).toEqual(
        [],
      );
    }
  });

  it('keeps the order of messages typed at once', async () => {
    const { alice, bob } = pair();
    const burst = Array.from({ length: 8 }, (_, index) => `in a burst ${index + 1}`);
    for (const text of burst) await alice.converse.send(text);
    await bob.converse.shows(alice.jid, burst.at(-1) ?? '', 60_000);
    const shown = await bob.converse.messages(alice.jid);
    expect(shown.map(({ text }) => text).filter((text) => burst.includes(text))).toEqual(burst);
  });

  it('refuses what cannot be encrypted, and the page says so', async () => {
    const { alice, bob } = pair();
    const carol = world.server.jid('carol');
    await alice.converse.openChat(carol);
    await alice.converse.send('for nobody to read');
    const said = await alice.converse.showsFailed(carol, 'for nobody to read', 60_000);
    expect(said).toContain(explainRefusal('no-devices'));
    expect(world.server.leaks('for nobody to read')).toEqual([]);
    await alice.converse.openChat(bob.jid);
  });

  it('shows the same texts when the page fetches its history anew', async () => {
    const { alice, bob } = pair();
    const before = await alice.converse.messages(bob.jid);
    await alice.startOver();
    await alice.converse.openChat(bob.jid);
    await alice.converse.shows(bob.jid, before.at(-1)?.text ?? '');
    expect(await alice.converse.messages(bob.jid)).toEqual(before);
  });

  it('goes on in the same session after a reload', async () => {
    const { alice, bob } = pair();
    const mark = world.server.wire.mark();
    await alice.converse.reload();
    await alice.converse.openChat(bob.jid);
    await alice.converse.send('after the reload');
    await bob.converse.shows(alice.jid, 'after the reload');
    await bob.converse.send('to a page loaded anew');
    await alice.converse.shows(bob.jid, 'to a page loaded anew');
    expect(world.server.leaks('after the reload')).toEqual([]);
    expect(world.server.leaks('to a page loaded anew')).toEqual([]);
    const writers = world.server.wire
      .records(mark)
      .filter(({ dir, jid }) => dir === 'in' && jid.startsWith(alice.jid));
    expect(new Set(writers.map(({ jid }) => jid)).size).toBe(1);
    // Neither a log-in nor what follows it: the page went on with the session it had.
    expect(writers.filter(({ xml }) => xml.includes('urn:ietf:params:xml:ns:xmpp-bind'))).toEqual(
      [],
    );
  });

  it('breaks no stream and makes no page complain', () => {
    expect(world.server.streamErrors()).toEqual([]);
    // What Converse writes without the extension, too; in Firefox about every request that a reload cuts off.
    const usual = /no restoreable session|ERR_NAME_NOT_RESOLVED|Notification permission/;
    const cutOff = /^request id [\d.]+ error 0 happened$|^request errored, status: 0,/;
    const isUsual = (line: string) => usual.test(line) || (IS_FIREFOX && cutOff.test(line));
    for (const { complaints } of Object.values(pair())) {
      expect(complaints.filter((line) => !isUsual(line))).toEqual([]);
    }
  });

  it('logs out and says so to the server', async () => {
    const { alice } = pair();
    await alice.converse.logOut();
    await world.server.wire.wait(
      'the unavailable presence',
      ({ jid, dir, xml }) =>
        dir === 'in' && jid.startsWith(alice.jid) && xml.includes("type='unavailable'"),
    );
  });
});

describe('a page that uses BOSH by fetch', () => {
  const url = () => `http://127.0.0.1:${world.person('alice').proxy.port}/http-bind`;
  let count = 0;
  const message = (text: string) =>
    `<message xmlns='jabber:client' type='chat' id='m${++count}' to='${pair().bob.jid}'><body>${text}</body></message>`;
  const open = () => world.person('alice').browser.newPage(world.site.pageUrl('<p>by fetch</p>'));
  let client: BoshPage;

  const chats = async (label: string) => {
    const { alice, bob } = pair();
    await bob.converse.page.bringToFront();
    await bob.converse.openChat(alice.jid);
    for (const turn of [1, 2, 3]) {
      await client.send(message(`${label} ${turn}`));
      await bob.converse.shows(alice.jid, `${label} ${turn}`);
      await bob.converse.send(`answer ${turn} ${label}`);
      expect(await client.sees(`answer ${turn} ${label}`)).not.toContain('<encrypted');
    }
    expect(world.server.leaks(label)).toEqual([]);
  };

  it('chats encrypted, and keeps its log-in', async () => {
    const { alice } = pair();
    client = await logInByFetch(await open(), { url: url(), jid: alice.jid, password: PASSWORD });
    await chats('by fetch');
  });

  it('goes on with a session that another page began, also one nobody of us saw (I-23)', async () => {
    const { alice } = pair();
    // Under a name that is not protected, as on a server of the site.
    const plain = world.site.pageUrl('<p>elsewhere</p>').replace('localhost', '127.0.0.1');
    const elsewhere = await alice.browser.newPage(plain);
    const begun = await logInByFetch(elsewhere, { url: url(), jid: alice.jid, password: PASSWORD });
    await begun.sees('<presence');
    const session = await begun.handOver();
    await elsewhere.close();
    client = await attachByFetch(await open(), { url: url(), ...session });
    await chats('prebound');
  });

  it('says goodbye by a beacon, which takes no message along (I-22)', async () => {
    const mark = world.server.wire.mark();
    expect(await client.beacon(message('by a beacon'), '')).toBe(false);
    expect(await client.beacon(message('at the end'), "type='terminate'")).toBe(true);
    await client.sees("type='terminate'");
    expect(world.server.leaks('by a beacon', mark)).toEqual([]);
    expect(world.server.leaks('at the end', mark)).toEqual([]);
    expect(world.server.streamErrors()).toEqual([]);
  });
});
