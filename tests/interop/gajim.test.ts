// Gajim with its OMEMO plugin, as Debian packages them. While it is online it begins a session with every new device by
// itself, as soon as it hears of it; so that the page begins one, Gajim has to be away when the page's device appears.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { protect } from '../support/extension';
import { PASSWORD, startWorld, type World } from '../support/people';
import { encryptedMessages } from '../support/stanzas';
import { startPeer, type Peer } from './peer';
import { describeClient } from './scenario';

describeClient('gajim');

describe('gajim coming back to a device it has never heard of', () => {
  let world: World;
  let peer: Peer;

  beforeAll(async () => {
    world = await startWorld({ people: ['carol'], others: ['gwen'] });
    peer = await startPeer('gajim', world.server, { name: 'gwen', password: PASSWORD });
    await peer.goOffline();
    await protect(world, world.person('carol'));
  });
  afterAll(async () => {
    await peer?.stop();
    await world?.close();
  });

  /** Each encrypted message of an account: whether every key in it is a key exchange. */
  const keyExchangesBy = (jid: string, from = 0): readonly boolean[] =>
    encryptedMessages(world.server.wire.records(from))
      .filter((record) => record.dir === 'in' && record.jid.startsWith(`${jid}/`))
      .map(({ xml }) => (xml.match(/<key\b[^>]*>/g) ?? []).every((key) => /prekey=/.test(key)));

  it('opens the key exchanges of the page, and both go on in one session', async () => {
    const { converse, jid } = world.person('carol');
    await converse.openChat(peer.jid);
    const texts = ['to an absent Gajim, one', 'to an absent Gajim, two'];
    for (const text of texts) {
      await converse.send(text);
      await converse.shows(peer.jid, text);
    }
    await expect.poll(() => keyExchangesBy(jid), { timeout: 20_000 }).toEqual([true, true]);

    await peer.goOnline();
    for (const text of texts) await peer.receives(jid, text);
    for (const turn of [1, 2, 3]) {
      await peer.send(jid, `turn ${turn} of Gajim`);
      await converse.shows(peer.jid, `turn ${turn} of Gajim`);
      const mark = world.server.wire.mark();
      await converse.send(`turn ${turn} of the page`);
      await peer.receives(jid, `turn ${turn} of the page`);
      expect(new Set(keyExchangesBy(jid, mark))).toEqual(new Set([false]));
      texts.push(`turn ${turn} of the page`);
    }
    expect(peer.messages).toEqual(texts.map((text) => ({ sender: jid, text, encrypted: true })));
    expect(peer.failures).toEqual([]);
  });
});
