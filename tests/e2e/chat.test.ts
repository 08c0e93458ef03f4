// Two people, two profiles, Converse without OMEMO: texts both ways, nothing readable on the wire, history after a reload.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { protect } from '../support/extension';
import { startWorld, type World } from '../support/people';
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
  world = await startWorld({ people: ['alice', 'bob'] });
  await protect(world, world.person('alice'));
  await protect(world, world.person('bob'));
});
afterAll(() => world?.close());

const pair = () => ({ alice: world.person('alice'), bob: world.person('bob') });

describe('a chat of two protected pages', () => {
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
    for (const text of TEXTS) expect(world.server.leaks(text), text).toEqual([]);
    const messages = encryptedMessages(world.server.wire.records());
    expect(messages.length).toBeGreaterThanOrEqual(2 * TEXTS.length);
    const bodies = new Set(messages.flatMap(({ xml }) => bodiesOf(xml)));
    expect([...bodies]).toEqual([expect.stringContaining('OMEMO')]);
    const live = messages.filter(({ dir }) => dir === 'in');
    expect(live.filter(({ xml }) => !xml.includes("<store xmlns='urn:xmpp:hints'"))).toEqual([]);
  });

  it('publishes the bundle before the device list', () => {
    const { alice } = pair();
    const published = world.server.wire
      .records()
      .filter(
        ({ dir, jid, xml }) => dir === 'in' && jid.startsWith(alice.jid) && /^<iq\b/.test(xml),
      )
      .flatMap(
        ({ xml }) => /<publish node='eu\.siacs\.conversations\.axolotl\.(\w+)/.exec(xml)?.[1] ?? [],
      );
    expect(published.slice(0, 2)).toEqual(['bundles', 'devicelist']);
  });

  it('gives the page neither ciphertext nor replies it did not ask for', async () => {
    for (const { converse } of Object.values(pair())) {
      const frames = await converse.received();
      expect(frames.length).toBeGreaterThan(10);
      expect(frames.filter((frame) => frame.includes('<encrypted'))).toEqual([]);
      expect(frames.filter((frame) => /^<iq\b/.test(frame) && frame.includes('axolotl'))).toEqual(
        [],
      );
    }
  });

  it.each(['alice', 'bob'])(
    'shows %s the same texts, sent and received, when the page fetches its history anew',
    async (name) => {
      const me = world.person(name);
      const other = world.person(name === 'alice' ? 'bob' : 'alice');
      const before = await me.converse.messages(other.jid);
      await me.startOver();
      const mark = world.server.wire.mark();
      await me.converse.openChat(other.jid);
      await me.converse.shows(other.jid, TEXTS.at(-1) ?? '');
      expect(await me.converse.messages(other.jid)).toEqual(before);
      const fromArchive = encryptedMessages(world.server.wire.records(mark)).filter(({ xml }) =>
        xml.includes('urn:xmpp:mam:2'),
      );
      expect(fromArchive.length).toBeGreaterThanOrEqual(TEXTS.length);
    },
  );

  it('goes on after a reload, and after the browser stopped the worker', async () => {
    const { alice, bob } = pair();
    await alice.converse.reload();
    await alice.converse.openChat(bob.jid);
    await bob.converse.openChat(alice.jid);
    await alice.converse.send('after the reload');
    await bob.converse.shows(alice.jid, 'after the reload');
    await bob.browser.stopWorker();
    await bob.converse.send('after the worker stopped');
    await alice.converse.shows(bob.jid, 'after the worker stopped');
    expect(world.server.leaks('after the')).toEqual([]);
    expect(world.server.streamErrors()).toEqual([]);
  });

  it('goes on after the whole browser was closed', async () => {
    const { alice, bob } = pair();
    await alice.relaunch();
    await alice.converse.openChat(bob.jid);
    await bob.converse.send('to a browser started again');
    await alice.converse.shows(bob.jid, 'to a browser started again');
    await alice.converse.send('from a browser started again');
    await bob.converse.shows(alice.jid, 'from a browser started again');
    expect(world.server.leaks('a browser started again')).toEqual([]);
  });
});
