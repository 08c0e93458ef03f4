// Attacks on accounts and texts: another site or server claims them, ciphertexts come again, stanzas are forged (T1 to T4).
import type { Page } from 'puppeteer-core';
import { describe, expect, it } from 'vitest';
import { explainFailure } from '../../../src/rpc/reasons';
import type { HostileWorld } from '../../support/hostile-world';
import type { Parts } from '../../support/raw-device';

const encrypted = ({ sid, rid, isKeyExchange, key, iv, payload }: Parts) => {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const prekey = isKeyExchange ? ` prekey='true'` : '';
  return (
    `<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='${sid}'>` +
    `<key rid='${rid}'${prekey}>${text(key)}</key><iv>${text(iv)}</iv></header>` +
    `<payload>${text(payload)}</payload></encrypted>`
  );
};

/** The device id of the account on the protected site. */
async function deviceOf({ bob, alice }: HostileWorld): Promise<number> {
  const items = `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='eu.siacs.conversations.axolotl.devicelist'/></pubsub>`;
  const list = await bob.client.request('get', items, alice.jid);
  return Number(list.getElementsByTagName('device').item(0)?.getAttribute('id'));
}

export function attackClaims(hostile: () => HostileWorld): void {
  const logInAtEvil = async (page: Page) => {
    hostile().evil.claims = hostile().alice.jid;
    return hostile().logIn(page, { url: hostile().evil.url });
  };

  describe('the account of a site', () => {
    it('is not given to the same site at another server, which reads nothing', async () => {
      const { bob, alice, bobJid, evil } = hostile();
      const parts = await bob.compose(alice.jid, await deviceOf(hostile()), 'for the oracle');
      const client = await logInAtEvil(await hostile().page());
      evil.push(
        `<message xmlns='jabber:client' from='${bobJid}/x' to='${alice.jid}' type='chat' id='oracle'>${encrypted(parts)}</message>`,
      );
      expect(await client.sees('oracle')).toContain(explainFailure('account-pending'));
      expect((await client.frames()).join()).not.toContain('for the oracle');
    });

    it('gets no key published at a server the user did not confirm', async () => {
      const before = hostile().evil.got.length;
      const client = await logInAtEvil(await hostile().page());
      await hostile().isRefused(
        client,
        `<message xmlns='jabber:client' to='${hostile().bobJid}' type='chat' id='x'><body>to the false server</body></message>`,
        'to the false server',
      );
      const got = hostile().evil.got.slice(before).join();
      expect(got).toContain('xmpp-bind');
      expect(got).not.toMatch(/axolotl|urn:xmpp:omemo|to the false server/);
    });

    it('is nothing to another site that claims it: no session is loaded there', async () => {
      const page = await hostile().page('', hostile().other);
      const before = hostile().evil.got.length;
      const client = await logInAtEvil(page);
      hostile().evil.push(`<message xmlns='jabber:client' id='plain'><body>p</body></message>`);
      await client.sees('plain');
      expect(hostile().evil.got.slice(before).join()).not.toMatch(/axolotl|urn:xmpp:omemo/);
    });
  });

  describe('a ciphertext', () => {
    it('that comes again shows the same text and moves no ratchet', async () => {
      const { bob, alice } = hostile();
      const client = await hostile().logIn(await hostile().page());
      const to = await fullJid(client);
      const parts = await bob.compose(alice.jid, await deviceOf(hostile()), 'said once');
      const message = (id: string) =>
        `<message to='${to}' type='chat' id='${id}'>${encrypted(parts)}</message>`;
      bob.client.send(message('first'));
      expect(await client.sees('first')).toContain('said once');
      bob.client.send(message('again'));
      expect(await client.sees('again')).toContain('said once');
    });

    it('in an event the page makes itself is not opened', async () => {
      const { bob, alice, bobJid } = hostile();
      const page = await hostile().page();
      const client = await hostile().logIn(page);
      const parts = await bob.compose(alice.jid, await deviceOf(hostile()), 'from a false event');
      const frame = `<message xmlns='jabber:client' from='${bobJid}/x' to='${alice.jid}' id='forged'>${encrypted(parts)}</message>`;
      await page.evaluate((data) => {
        const { socket } = Reflect.get(document, 'attack');
        socket.dispatchEvent(new MessageEvent('message', { data }));
      }, frame);
      expect(await client.sees('forged')).toBe(frame);
    });
  });

  describe('a device list', () => {
    const FORGED = 666;
    const event = (owner: string) =>
      `<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='eu.siacs.conversations.axolotl.devicelist'>` +
      `<item id='current'><list xmlns='eu.siacs.conversations.axolotl'><device id='${FORGED}'/></list></item></items></event>${owner}`;

    it.each([
      ['the page makes an event of', 'event'],
      ['the page sends to itself', 'self'],
      ['another account sends', 'mallory'],
    ])('that %s is not taken for the contact’s', async (_name, way) => {
      const { alice, bobJid, mallory } = hostile();
      const page = await hostile().page();
      const client = await hostile().logIn(page);
      const to = await fullJid(client);
      if (way === 'event') {
        const frame = `<message xmlns='jabber:client' from='${bobJid}' to='${alice.jid}'>${event('')}</message>`;
        await page.evaluate((data) => {
          const { socket } = Reflect.get(document, 'attack');
          socket.dispatchEvent(new MessageEvent('message', { data }));
        }, frame);
      }
      const headline = `<message xmlns='jabber:client' to='${to}' type='headline'>${event('')}</message>`;
      if (way === 'self') await client.send(headline);
      if (way === 'mallory') mallory.send(headline);
      const mark = hostile().world.server.wire.mark();
      await hostile().leavesEncrypted(client, `with a list forged by ${way}`);
      const sent = hostile()
        .world.server.wire.records(mark)
        .map(({ xml }) => xml);
      expect(sent.join()).not.toMatch(new RegExp(`rid=.${FORGED}|bundles:${FORGED}`));
    });
  });
}

async function fullJid(client: { sees(part: string): Promise<string> }): Promise<string> {
  return /<jid>([^<]*)/.exec(await client.sees('<jid>'))?.[1] ?? '';
}
