// Converse as npm has it, with its own OMEMO, which reads both versions and writes in the newer to whoever has it. It gets the
// older one until it has written, unless the user knows better.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LEGACY, OMEMO2 } from '../../src/rpc/versions';
import { protect } from '../support/extension';
import { PASSWORD, startWorld, type World } from '../support/people';
import { exchange, pageShowsAll, preferOmemo2, textsOfPage, type Pair } from './pair';
import type { Peer } from './peer';
import { startConversePeer } from './converse-peer';
import { describeClient } from './scenario';
import { hasListOfOmemo2 } from './server';
import { expectOfClient, expectOfPage, writtenBy } from './wire-versions';

describeClient('converse');

describe('converse, for which the user prefers OMEMO 2', () => {
  let world: World;
  let peer: Peer;
  let pair: Pair;

  beforeAll(async () => {
    world = await startWorld({ people: ['carol'], others: ['pim'] });
    const person = world.person('carol');
    await protect(world, person);
    await hasListOfOmemo2(world.server, person.jid);
    peer = await startConversePeer(world.server, { name: 'pim', password: PASSWORD }, true);
    pair = { person, peer, sent: [] };
  });
  afterAll(async () => {
    await peer?.stop();
    await world?.close();
  });

  /** Texts of the page on the wire so far. */
  const ofPage = () => writtenBy(world.server, pair.person.jid).filter(({ hasText }) => hasText);

  it('gets the older version before, the newer from then on, having written nothing', async () => {
    const { person } = pair;
    await person.converse.openChat(peer.jid);
    await exchange(pair, 'page', 'before the user says so');
    await preferOmemo2(pair);
    await exchange(pair, 'page', 'since the user says so');
    expectOfPage(ofPage().slice(0, 1), [LEGACY]);
    expectOfPage(ofPage().slice(1), [OMEMO2]);
    expect(writtenBy(world.server, peer.jid)).toEqual([]);
  });

  it('is written to in OMEMO 2 and writes in it', async () => {
    for (const turn of [1, 2, 3]) {
      await exchange(pair, 'client', `turn ${turn}, <the client> & "co", Grüße 🦊`);
      await exchange(pair, 'page', `turn ${turn}, <the page> & "co", 日本語`);
    }
    await pair.person.converse.reload();
    await pair.person.converse.openChat(peer.jid);
    await exchange(pair, 'page', 'after the reload of the page');
    await exchange(pair, 'client', 'after the reload, too');
    await pageShowsAll(pair);
    expect(peer.messages).toEqual(textsOfPage(pair));
    expect(peer.failures).toEqual([]);
    expectOfPage(ofPage().slice(1), [OMEMO2]);
    expect(ofPage().length).toBe(textsOfPage(pair).length);
    expectOfClient(writtenBy(world.server, peer.jid), OMEMO2);
    for (const { text } of pair.sent) expect(world.server.leaks(text), text).toEqual([]);
  });
});
