// Libervia as Debian packages it, which reads both versions of OMEMO, told to write in the older one.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LEGACY, OMEMO2 } from '../../src/rpc/versions';
import { protect } from '../support/extension';
import { PASSWORD, startWorld, type World } from '../support/people';
import { exchange, pageShowsAll, preferOmemo2, textsOfPage, type Pair } from './pair';
import { startPeer, type Peer } from './peer';
import { describeClient } from './scenario';
import { hasListOfOmemo2 } from './server';
import { expectOfPage, writtenBy, type MessageSeen } from './wire-versions';

describeClient('libervia');

describe('libervia, for which the user prefers OMEMO 2 while it goes on in the older version', () => {
  let world: World;
  let peer: Peer;
  let pair: Pair;

  beforeAll(async () => {
    world = await startWorld({ people: ['carol'], others: ['pim'] });
    const person = world.person('carol');
    await protect(world, person);
    await hasListOfOmemo2(world.server, person.jid);
    peer = await startPeer('libervia', world.server, { name: 'pim', password: PASSWORD });
    pair = { person, peer, sent: [] };
  });
  afterAll(async () => {
    await peer?.stop();
    await world?.close();
  });

  const textsOf = (jid: string, mark = 0): readonly MessageSeen[] =>
    writtenBy(world.server, jid, mark).filter(({ hasText }) => hasText);

  it('each reads the version of the other, in which it does not write itself', async () => {
    const { person } = pair;
    await person.converse.openChat(peer.jid);
    await exchange(pair, 'page', 'before the user says so');
    await exchange(pair, 'client', 'answers in the older version');
    await exchange(pair, 'page', 'still in the older version');
    expectOfPage(textsOf(person.jid), [LEGACY]);

    const mark = world.server.wire.mark();
    await preferOmemo2(pair);
    for (const turn of [1, 2]) {
      await exchange(pair, 'page', `turn ${turn}, <the page> & "co", 日本語`);
      await exchange(pair, 'page', `turn ${turn}, and once more`);
      await exchange(pair, 'client', `turn ${turn}, <the client> & "co", Grüße 🦊`);
      await exchange(pair, 'client', `turn ${turn}, and once more by it`);
    }
    expectOfPage(textsOf(person.jid, mark), [OMEMO2]);
    expect(textsOf(person.jid, mark).length).toBe(4);
    expect(new Set(textsOf(peer.jid).map(({ versions }) => versions.join()))).toEqual(
      new Set([LEGACY]),
    );
  });

  it('goes on after a reload of the page, and has everything once', async () => {
    const { person } = pair;
    await person.converse.reload();
    await person.converse.openChat(peer.jid);
    await exchange(pair, 'page', 'after the reload of the page');
    await exchange(pair, 'client', 'after the reload, too');
    await pageShowsAll(pair);
    expect(peer.messages).toEqual(textsOfPage(pair));
    expect(peer.failures).toEqual([]);
    for (const { text } of pair.sent) expect(world.server.leaks(text), text).toEqual([]);
  });
});
