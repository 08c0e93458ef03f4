// One account with two devices that have no version of OMEMO in common: oldmemo's legacy only, twomemo's urn:xmpp:omemo:2 only.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OmemoVersion } from '../../src/omemo/types';
import { LEGACY, OMEMO2 } from '../../src/rpc/versions';
import { protect } from '../support/extension';
import { PASSWORD, startWorld, type World } from '../support/people';
import { versionOf, type PeerKind } from './kinds';
import { arrives, exchange, pageShowsAll, send, textsOfPage, type Pair } from './pair';
import { startPeer, type Peer } from './peer';
import { bothRead, popupCounts, secondDeviceJoins } from './second-device';
import { hasListOfOmemo2, isGone } from './server';
import { expectOfClient, expectOfPage, writtenBy } from './wire-versions';

const BOTH: readonly OmemoVersion[] = [LEGACY, OMEMO2];

/** `devices` in the order in which they come. */
const JOINING = [
  { personName: 'bob', peerName: 'petra', devices: ['bot', 'bot-omemo2'] },
  { personName: 'carol', peerName: 'pim', devices: ['bot-omemo2', 'bot'] },
] as const;

let world: World;
const started: Peer[] = [];

beforeAll(async () => {
  world = await startWorld({
    people: ['alice', ...JOINING.map(({ personName }) => personName)],
    others: ['paul', ...JOINING.map(({ peerName }) => peerName)],
  });
});
afterAll(async () => {
  await Promise.allSettled(started.map((peer) => peer.stop()));
  await world?.close();
});

async function start(kind: PeerKind, name: string): Promise<Peer> {
  const peer = await startPeer(kind, world.server, { name, password: PASSWORD });
  started.push(peer);
  return peer;
}

/** Each device of the client has written in its own version only, as often as `counts` says. */
function expectOfDevices(jid: string, counts: Record<OmemoVersion, number>): void {
  const all = writtenBy(world.server, jid);
  for (const version of BOTH) {
    const written = all.filter(({ versions }) => versions[0] === version);
    expectOfClient(written, version);
    expect(written.filter(({ hasText }) => hasText).length, version).toBe(counts[version]);
  }
}

async function pageIsComplete(pair: Pair): Promise<void> {
  const { person, peer, sent } = pair;
  await pageShowsAll(pair);
  await person.startOver();
  await person.converse.openChat(peer.jid);
  await pageShowsAll(pair);
  for (const { text } of sent) expect(world.server.leaks(text), text).toEqual([]);
}

describe('a client with a device of each version from the start', () => {
  let pair: Pair;
  let legacy: Peer;
  let omemo2: Peer;
  /** What the page wrote while the device of OMEMO 2 was away, which the server gave to the other one. */
  const missed: string[] = [];

  beforeAll(async () => {
    const person = world.person('alice');
    await protect(world, person);
    await hasListOfOmemo2(world.server, person.jid);
    legacy = await start('bot', 'paul');
    omemo2 = await start('bot-omemo2', 'paul');
    pair = { person, peer: legacy, sent: [] };
  });

  it('reads the very first message of the page on both', async () => {
    await pair.person.converse.openChat(legacy.jid);
    await bothRead(pair, omemo2, 'to both devices, from the start');
    expect(await popupCounts(pair, 2)).toEqual([legacy.fingerprint, omemo2.fingerprint].sort());
  });

  it('goes on in both sessions, whichever device writes', async () => {
    for (const turn of [1, 2, 3]) {
      for (const device of [omemo2, legacy]) {
        const text = `turn ${turn}, in ${device === legacy ? 'the first version' : 'OMEMO 2'}`;
        await send(pair, 'client', text, device);
        await arrives(pair, 'client', text);
        await bothRead(pair, omemo2, `turn ${turn}, <answer> to "${text}", Grüße 🦊`);
      }
    }
  });

  it('goes on with the device that was away and has missed a text', async () => {
    const { person } = pair;
    const mark = world.server.wire.mark();
    await omemo2.goOffline();
    await isGone(world.server, omemo2.jid, person.jid, mark);
    missed.push('while one device was away');
    await exchange(pair, 'page', 'while one device was away');
    await omemo2.goOnline();
    await bothRead(pair, omemo2, 'to both again');
    await send(pair, 'client', 'back again', omemo2);
    await arrives(pair, 'client', 'back again');
  });

  it('goes on after a reload of the page', async () => {
    await pair.person.converse.reload();
    await pair.person.converse.openChat(legacy.jid);
    await pageShowsAll(pair);
    await bothRead(pair, omemo2, 'to both, from the page after its reload');
  });

  it('has every text on both devices and on the page, once and in order', async () => {
    await pageIsComplete(pair);
    const texts = textsOfPage(pair);
    expect(legacy.messages).toEqual(texts);
    expect(omemo2.messages).toEqual(texts.filter(({ text }) => !missed.includes(text)));
    expect([...legacy.failures, ...omemo2.failures]).toEqual([]);
  });

  it('gets both versions in one stanza, legacy first, and writes in one', () => {
    const ofPage = writtenBy(world.server, pair.person.jid);
    expectOfPage(ofPage, BOTH);
    expect(ofPage.filter(({ hasText }) => hasText).length).toBe(textsOfPage(pair).length);
    expectOfDevices(legacy.jid, { [LEGACY]: 3, [OMEMO2]: 4 });
  });
});

describe.each(JOINING)('a client that has $devices.0, then $devices.1, too', (setting) => {
  const { personName, peerName, devices } = setting;
  let pair: Pair;
  let second: Peer;
  /** How much had been on the wire, and said, when the second device came. */
  let mark: number;
  let before: number;

  beforeAll(async () => {
    const person = world.person(personName);
    await protect(world, person);
    await hasListOfOmemo2(world.server, person.jid);
    pair = { person, peer: await start(devices[0], peerName), sent: [] };
  });

  it('talks with the page in the version it has', async () => {
    await pair.person.converse.openChat(pair.peer.jid);
    await exchange(pair, 'page', 'to the only device');
    await exchange(pair, 'client', 'from the only device');
    await exchange(pair, 'page', 'to the only device again');
    expectOfPage(writtenBy(world.server, pair.person.jid), [versionOf(devices[0])]);
    expectOfClient(writtenBy(world.server, pair.peer.jid), versionOf(devices[0]));
  });

  it('reads and writes with both from then on', async () => {
    before = pair.sent.length;
    second = await start(devices[1], peerName);
    mark = world.server.wire.mark();
    await secondDeviceJoins(pair, second);
    await pageIsComplete(pair);
    expect(pair.peer.messages).toEqual(textsOfPage(pair));
    expect(second.messages).toEqual(textsOfPage(pair, before));
    expect([...pair.peer.failures, ...second.failures]).toEqual([]);
  });

  it('gets both versions in one stanza as soon as it needs them', () => {
    expectOfPage(writtenBy(world.server, pair.person.jid, mark), BOTH);
    expectOfDevices(pair.peer.jid, {
      [LEGACY]: devices[0] === 'bot' ? 2 : 1,
      [OMEMO2]: devices[0] === 'bot' ? 1 : 2,
    });
  });
});
