// What every real client is put through with a protected Converse page on the other side. One client, two fresh pairs:
// in one the client writes first, in the other the page does; then both pairs go the same way.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { protect } from '../support/extension';
import { PASSWORD, startWorld, type World } from '../support/people';
import { bodiesOf, encryptedMessages } from '../support/stanzas';
import {
  arrives,
  exchange,
  pageShowsAll,
  preferOmemo2,
  send,
  textsOfPage,
  type Pair,
  type Side,
} from './pair';
import {
  isKnownForOmemo2,
  isWaitedFor,
  listedBy,
  saysGoodbye,
  versionOf,
  type PeerKind,
} from './kinds';
import { startPeer } from './peer';
import { resetThenWrite, resetWhileClientWrites } from './reset';
import { secondDeviceJoins } from './second-device';
import { addLegacyHints, hasListOfOmemo2, isGone, isTaken } from './server';
import { expectOfClient, expectOfPage, withoutEnvelopedAnswers, writtenBy } from './wire-versions';

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
      await hasListOfOmemo2(world.server, person.jid);
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
      if (first === 'page' && isKnownForOmemo2(kind)) await preferOmemo2(pair);
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
      if (saysGoodbye(kind)) await isGone(world.server, peer.jid, person.jid, mark);
      const texts = ['while the client was away, one', 'while the client was away, two'];
      for (const text of texts) await send(pair, 'page', text);
      await isTaken(world.server, person.jid, texts.length, mark);
      await peer.goOnline();
      for (const text of texts) await arrives(pair, 'page', text);
      await exchange(pair, 'client', 'back again, says the client');
    });

    it('lets the page show what was sent while it was offline', async () => {
      const pair = pairOf();
      const { person, peer } = pair;
      const mark = world.server.wire.mark();
      await person.converse.logOut();
      await isGone(world.server, person.jid, peer.jid, mark);
      const texts = ['while the page was away, one', 'while the page was away, two'];
      for (const text of texts) await send(pair, 'client', text);
      await isTaken(world.server, peer.jid, texts.length, mark);
      await person.converse.reload();
      await person.converse.openChat(peer.jid);
      for (const text of texts) await arrives(pair, 'client', text);
      await exchange(pair, 'page', 'back again, says the page');
    });

    it('gives the client a new session for its old one at the word of the user', async () => {
      await resetThenWrite(world.server, pairOf(), isWaitedFor(kind));
    });

    it('shows what the client still writes in its old session, and goes on in the new one', async () => {
      await resetWhileClientWrites(world.server, pairOf(), isWaitedFor(kind));
    });

    it('shows what a new device of the client writes in the middle of the chat, and reaches it', async () => {
      const pair = pairOf();
      const { peer, sent } = pair;
      const before = sent.length;
      const second = await peer.startAnotherDevice();
      try {
        await secondDeviceJoins(pair, second);
        expect(second.messages).toEqual(textsOfPage(pair, before));
        expect(second.failures).toEqual([]);
      } finally {
        await second.stop();
      }
      await exchange(pair, 'page', 'to both devices, one of them offline');
      await exchange(pair, 'client', 'from the first device, alone again');
    });

    it('has every text on both sides, once and in order, also from the archive', async () => {
      const pair = pairOf();
      const { person, peer } = pair;
      await pageShowsAll(pair);
      await person.startOver();
      await person.converse.openChat(peer.jid);
      await pageShowsAll(pair);
      expect(peer.messages).toEqual(textsOfPage(pair));
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
        .filter(({ xml }) => /^<message\b/.test(xml))
        .filter(({ xml }) => bodiesOf(xml).length > 0 || xml.includes('<payload'));
      expect(chat.length).toBeGreaterThanOrEqual(sent.length);
      expect(encryptedMessages(chat).length).toBe(chat.length);
    });

    it('has each side write in the version of OMEMO that the client has', () => {
      const { person, peer, sent } = pairOf();
      const version = versionOf(kind);
      const listed = listedBy(kind);
      const ofPage = writtenBy(world.server, person.jid);
      // Before a client has written, the page cannot know which of its versions it writes in, and takes the older.
      const isGuessed = first === 'page' && !isKnownForOmemo2(kind);
      const untilText = ofPage.findIndex(({ hasText }) => hasText) + 1;
      const unasked = isGuessed ? untilText : 0;
      if (unasked > 0) expectOfPage(ofPage.slice(0, unasked), listed.slice(0, 1));
      expectOfPage(ofPage.slice(unasked), [version], listed);
      const ofClient = writtenBy(world.server, peer.jid);
      if (kind !== 'libervia-omemo2') return expectOfClient(ofClient, version);
      const texts = withoutEnvelopedAnswers(ofClient);
      expectOfClient(texts, version);
      // It also says, tagged, that it leaves.
      expect(texts.length).toBeGreaterThanOrEqual(sent.filter(({ by }) => by === 'client').length);
    });
  });
}
