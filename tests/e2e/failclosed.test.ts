// What cannot be encrypted does not leave: the page shows it as failed, the server never sees it, the popup says why.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { explainRefusal, type RefusalCode } from '../../src/rpc/reasons';
import { protect, type Popup } from '../support/extension';
import { PASSWORD, startWorld, type World } from '../support/people';
import { until } from '../support/wait';
import { connectRaw, type RawClient } from '../support/raw-client';
import {
  bundleNode,
  createRawDevice,
  listXml,
  LIST_NODE,
  NS,
  publish,
} from '../support/raw-device';

/** Longer than any time limit of the extension. */
const FAIL_MS = 90_000;

let world: World;
const clients: RawClient[] = [];
const popups: Popup[] = [];

beforeAll(async () => {
  world = await startWorld({
    people: ['alice'],
    others: ['bob', 'carol', 'dave', 'erin', 'frank'],
  });
  await protect(world, world.person('alice'));
});
afterEach(async () => {
  for (const popup of popups.splice(0)) await popup.close();
});
afterAll(async () => {
  for (const client of clients) await client.close();
  await world?.close();
});

async function logIn(name: string): Promise<RawClient> {
  const client = await connectRaw({
    port: world.server.ports.xmpp,
    jid: world.server.jid(name),
    password: PASSWORD,
  });
  clients.push(client);
  return client;
}

async function openPopup(): Promise<Popup> {
  const popup = await world.person('alice').popup();
  popups.push(popup);
  return popup;
}

/** Sends a text that must fail; answers what the page says about it. */
async function failToSend(to: string, text: string): Promise<string> {
  const { converse } = world.person('alice');
  await converse.page.bringToFront();
  await converse.openChat(to);
  await converse.send(text);
  const said = await converse.showsFailed(to, text, FAIL_MS);
  expect(world.server.leaks(text)).toEqual([]);
  return said;
}

async function expectSentence(said: string, codes: readonly RefusalCode[]): Promise<void> {
  const sentences = codes.map(explainRefusal);
  expect(sentences.filter((sentence) => said.includes(sentence))).toHaveLength(1);
  const popup = await openPopup();
  const shown = await until('the popup to say why', async () => {
    const text = await popup.text();
    return sentences.find((sentence) => text.includes(sentence));
  });
  expect(said).toContain(shown);
}

describe('a message that cannot be encrypted', () => {
  it('is refused for a contact without devices', async () => {
    const said = await failToSend(world.server.jid('carol'), 'for nobody to read');
    await expectSentence(said, ['no-devices']);
  });

  it('is refused for a device without bundle', async () => {
    await publish(await logIn('dave'), LIST_NODE, listXml([4711]));
    const said = await failToSend(world.server.jid('dave'), 'for a device without keys');
    await expectSentence(said, ['bundles-unavailable']);
  });

  it('is refused for a bundle of garbage', async () => {
    const erin = await logIn('erin');
    await publish(erin, LIST_NODE, listXml([815]));
    const garbage = `<bundle xmlns='${NS}'><identityKey>not base64 at all</identityKey></bundle>`;
    await publish(erin, bundleNode(815), garbage);
    const said = await failToSend(world.server.jid('erin'), 'for a device with garbage');
    await expectSentence(said, ['bundles-unavailable']);
  });

  it('is refused for an undecided key under the policy "ask", and leaves once it is decided', async () => {
    const bob = await createRawDevice(await logIn('bob'), 1234);
    const jid = world.server.jid('bob');
    await bob.publishBundle();
    await bob.publishList([bob.deviceId]);
    const popup = await openPopup();
    await popup.setPolicy('ask');
    const said = await failToSend(jid, 'for a key nobody looked at');
    await expectSentence(said, ['undecided-keys']);

    await popup.page.bringToFront();
    await popup.setTrust(jid, bob.deviceId, 'trusted');
    const { converse } = world.person('alice');
    await converse.page.bringToFront();
    await converse.send('for a decided key');
    const got = await bob.client.wait(
      'the encrypted message',
      (stanza) => stanza.getElementsByTagName('encrypted').length > 0,
    );
    expect(got.getElementsByTagName('key').item(0)?.getAttribute('rid')).toBe('1234');
    expect(world.server.leaks('for a decided key')).toEqual([]);
    await popup.setPolicy('blind');
  });

  it('is refused while the vault does not answer, and the next one leaves again', async () => {
    const { browser, converse } = world.person('alice');
    const jid = world.server.jid('bob');
    await converse.openChat(jid);
    const goOn = await browser.haltWorker();
    try {
      const said = await failToSend(jid, 'while the vault is silent');
      expect(said).toContain(explainRefusal('vault-unavailable'));
    } finally {
      await goOn();
    }
    const mark = world.server.wire.mark();
    await converse.send('when the vault is back');
    await world.server.wire.wait(
      'the next message',
      ({ dir, xml }) => dir === 'in' && xml.includes('<encrypted '),
      { from: mark, timeoutMs: FAIL_MS },
    );
    expect(world.server.leaks('when the vault is back')).toEqual([]);
    expect(world.server.leaks('while the vault is silent')).toEqual([]);
  });

  it('is refused after the site was protected and before the account was confirmed', async () => {
    const frank = await startWorld({ people: ['frank'], others: ['grace'] });
    try {
      const person = frank.person('frank');
      const popup = await person.popup();
      await person.converse.loadsAnew(popup.protect);
      const to = frank.server.jid('grace');
      await person.converse.page.bringToFront();
      await person.converse.openChat(to);
      await person.converse.send('before the account was confirmed');
      const said = await person.converse.showsFailed(
        to,
        'before the account was confirmed',
        FAIL_MS,
      );
      expect(said).toContain(explainRefusal('account-pending'));
      expect(frank.server.leaks('before the account was confirmed')).toEqual([]);
    } finally {
      await frank.close();
    }
  });

  it('leaves in clear only where the user switched encryption off for the chat', async () => {
    const carol = world.server.jid('carol');
    const popup = await openPopup();
    await popup.allowPlain(carol);
    const { converse } = world.person('alice');
    await converse.page.bringToFront();
    await converse.openChat(carol);
    await converse.send('for everybody to read');
    await world.server.wire.wait('the plain text', ({ xml }) =>
      xml.includes('for everybody to read'),
    );
    const said = await failToSend(world.server.jid('dave'), 'still nothing for dave');
    expect(said).not.toBe('');
  });

  it('breaks no stream', () => {
    expect(world.server.streamErrors()).toEqual([]);
  });
});
