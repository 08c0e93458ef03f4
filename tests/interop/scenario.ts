// What every real client is put through with a protected Converse page on the other side. One client, two fresh pairs:
// in one the client writes first, in the other the page does; then both pairs go the same way.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { protect } from '../support/extension';
import { PASSWORD, startWorld, type Person, type World } from '../support/people';
import type { ProsodyServer } from '../support/prosody';
import { bodiesOf, encryptedMessages } from '../support/stanzas';
import { until } from '../support/wait';
import { startPeer, type Peer, type PeerKind } from './peer';

type Side = 'page' | 'client';

interface Pair {
  readonly person: Person;
  readonly peer: Peer;
  /** Every text of the pair in the order in which it was sent. */
  readonly sent: { readonly by: Side; readonly text: string }[];
}

const PAIRS = [
  { first: 'client', personName: 'alice', peerName: 'paul' },
  { first: 'page', personName: 'bob', peerName: 'petra' },
] as const;

/** Ten each way; every change of the writer turns the ratchet. */
const TURNS: readonly (readonly [Side, number])[] = [
  ...([
    ['page', 1],
    ['client', 1],
    ['page', 3],
    ['client', 2],
  ] as const),
  ...([
    ['page', 2],
    ['client', 4],
    ['page', 4],
    ['client', 3],
  ] as const),
];

const ARRIVE_MS = 40_000;

/** Profanity publishes its first device list only to servers that answer as older ones do. */
function addLegacyHints(server: ProsodyServer): void {
  const config = path.join(server.folder, 'prosody.cfg.lua');
  const load = ['module', 'load', 'legacy_hints', server.domain];
  execFileSync('prosodyctl', ['--config', config, 'shell', ...load]);
}

/**
 * Converse keeps times in whole seconds and, loaded anew, shows what has the same time in any order, also without us. So
 * every message gets a second of its own.
 */
async function nextSecond(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1005 - (Date.now() % 1000)));
}

async function send({ person, peer, sent }: Pair, by: Side, text: string): Promise<void> {
  await nextSecond();
  sent.push({ by, text });
  if (by === 'page') await person.converse.send(text);
  else await peer.send(person.jid, text);
}

/** Waits for the text on the other side, decrypted. */
async function arrives({ person, peer }: Pair, by: Side, text: string): Promise<void> {
  if (by === 'page')
    expect(await peer.receives(person.jid, text)).toMatchObject({ encrypted: true });
  else
    expect(await person.converse.shows(peer.jid, text, ARRIVE_MS)).toEqual({
      text,
      direction: 'received',
    });
}

async function exchange(pair: Pair, by: Side, text: string): Promise<void> {
  await send(pair, by, text);
  await arrives(pair, by, text);
}

/** The page must show exactly what was sent, in order, as whose it was, and nothing as failed. */
async function pageShowsAll({ person, peer, sent }: Pair): Promise<void> {
  const wanted = sent.map(({ by, text }) => ({
    text,
    direction: by === 'page' ? 'sent' : 'received',
  }));
  const isComplete = async () => (await person.converse.messages(peer.jid)).length >= wanted.length;
  await until('all messages on the page', isComplete, { timeoutMs: ARRIVE_MS });
  expect(await person.converse.messages(peer.jid)).toEqual(wanted);
}

/** Waits until the server told `to` that `from` is gone. */
async function isGone(world: World, from: string, to: string, mark: number): Promise<void> {
  await world.server.wire.wait(
    `${from} to be offline`,
    ({ dir, jid, xml }) =>
      dir === 'out' &&
      jid.startsWith(to) &&
      /^<presence\b[^>]*type='unavailable'/.test(xml) &&
      xml.includes(`from='${from}/`),
    { from: mark },
  );
}

/** Waits until the server took this many encrypted messages from an account. */
async function isTaken(world: World, from: string, count: number, mark: number): Promise<void> {
  const taken = () =>
    encryptedMessages(world.server.wire.records(mark)).filter(
      ({ dir, jid }) => dir === 'in' && jid.startsWith(`${from}/`),
    );
  await until(`${count} messages of ${from} on the server`, () => taken().length >= count);
}

/** Declares the tests of one client. */
export function describeClient(kind: PeerKind): void {
  let world: World;
  const pairs = new Map<Side, Pair>();

  beforeAll(async () => {
    world = await startWorld({
      people: PAIRS.map(({ personName }) => personName),
      others: PAIRS.map(({ peerName }) => peerName),
    });
    if (kind === 'profanity') addLegacyHints(world.server);
    for (const { first, personName, peerName } of PAIRS) {
      const person = world.person(personName);
      await protect(world, person);
      const peer = await startPeer(kind, world.server, { name: peerName, password: PASSWORD });
      pairs.set(first, { person, peer, sent: [] });
    }
  });
  afterAll(async () => {
    await Promise.allSettled([...pairs.values()].map(({ peer }) => peer.stop()));
    await world?.close();
  });

  describe.each(PAIRS)(`${kind} and a protected page, the $first writing first`, ({ first }) => {
    const other: Side = first === 'page' ? 'client' : 'page';
    const pairOf = (): Pair => {
      const pair = pairs.get(first);
      if (pair === undefined) throw new Error('the set-up failed');
      return pair;
    };

    it('begins a session by its first message and answers in it', async () => {
      const pair = pairOf();
      const { person, peer } = pair;
      if (first === 'page') await person.converse.openChat(peer.jid);
      await send(pair, first, `very first words by the ${first}`);
      if (first === 'client') await person.converse.openChat(peer.jid);
      await arrives(pair, first, `very first words by the ${first}`);
      await exchange(pair, other, `first answer by the ${other}`);
    });

    it('shows each side the fingerprint of the other', async () => {
      const { person, peer } = pairOf();
      const popup = await person.popup();
      const own = (await popup.ownFingerprint()).replace(/\s/g, '');
      expect(await peer.fingerprints(person.jid)).toEqual([own]);
      const devices = await popup.devices(peer.jid);
      expect(devices.map(({ fingerprint }) => fingerprint.replace(/\s/g, ''))).toEqual([
        peer.fingerprint,
      ]);
      await popup.close();
      await person.converse.page.bringToFront();
    });

    it('carries ten messages each way through several turns of the ratchet', async () => {
      const pair = pairOf();
      for (const [turn, [by, count]] of TURNS.entries()) {
        const texts = Array.from(
          { length: count },
          (_, index) => `turn ${turn} text ${index} <by> the ${by} & "co", Grüße 日本語 🦊`,
        );
        for (const text of texts) await send(pair, by, text);
        for (const text of texts) await arrives(pair, by, text);
      }
      await pageShowsAll(pair);
    });

    it('shows the same texts after a reload in the middle, and goes on', async () => {
      const pair = pairOf();
      await pair.person.converse.reload();
      await pair.person.converse.openChat(pair.peer.jid);
      await pageShowsAll(pair);
      await exchange(pair, 'client', 'to the page after its reload');
      await exchange(pair, 'page', 'from the page after its reload');
    });

    it('lets the client read what was sent while it was offline', async () => {
      const pair = pairOf();
      const { person, peer } = pair;
      const mark = world.server.wire.mark();
      await peer.goOffline();
      await isGone(world, peer.jid, person.jid, mark);
      const texts = ['while the client was away, one', 'while the client was away, two'];
      for (const text of texts) await send(pair, 'page', text);
      await isTaken(world, person.jid, texts.length, mark);
      await peer.goOnline();
      for (const text of texts) await arrives(pair, 'page', text);
      await exchange(pair, 'client', 'back again, says the client');
    });

    it('lets the page show what was sent while it was offline', async () => {
      const pair = pairOf();
      const { person, peer } = pair;
      const mark = world.server.wire.mark();
      await person.converse.logOut();
      await isGone(world, person.jid, peer.jid, mark);
      const texts = ['while the page was away, one', 'while the page was away, two'];
      for (const text of texts) await send(pair, 'client', text);
      await isTaken(world, peer.jid, texts.length, mark);
      await person.converse.reload();
      await person.converse.openChat(peer.jid);
      for (const text of texts) await arrives(pair, 'client', text);
      await exchange(pair, 'page', 'back again, says the page');
    });

    it('has every text on both sides, once and in order, also from the archive', async () => {
      const pair = pairOf();
      const { person, peer, sent } = pair;
      await pageShowsAll(pair);
      await person.startOver();
      await person.converse.openChat(peer.jid);
      await pageShowsAll(pair);
      const fromPage = sent.filter(({ by }) => by === 'page').map(({ text }) => text);
      expect(peer.messages).toEqual(
        fromPage.map((text) => ({ sender: person.jid, text, encrypted: true })),
      );
      expect(peer.failures).toEqual([]);
    });

    it('leaves none of the texts on the wire', () => {
      const { person, peer, sent } = pairOf();
      expect(sent.length).toBeGreaterThan(25);
      for (const { text } of sent) expect(world.server.leaks(text), text).toEqual([]);
      const chat = world.server.wire
        .records()
        .filter(
          ({ dir, jid }) => dir === 'in' && [person, peer].some((by) => jid.startsWith(by.jid)),
        )
        .filter(({ xml }) => /^<message\b/.test(xml) && bodiesOf(xml).length > 0);
      expect(chat.length).toBeGreaterThanOrEqual(sent.length);
      expect(encryptedMessages(chat).length).toBe(chat.length);
    });
  });
}
