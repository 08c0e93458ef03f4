// Hostile input from the server's side, at a real page: every piece is survived, and the genuine message after it opens.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bundle } from '../../src/omemo/types';
import { explainFailure } from '../../src/rpc/reasons';
import { protect } from '../support/extension';
import { PASSWORD, startWorld, type Person, type World } from '../support/people';
import { connectRaw, type RawClient } from '../support/raw-client';
import {
  createRawDevice,
  FALLBACK,
  flipBit,
  listXml,
  LIST_NODE,
  NS,
  publish,
  type Parts,
  type RawDevice,
} from '../support/raw-device';

const FAIL_MS = 90_000;
const OTHERS = ['bob', 'carol', 'dave', 'erin', 'frank'] as const;

let world: World;
let alice: Person;
let bob: RawDevice;
let aliceDevice = 0;
const clients: RawClient[] = [];

async function logIn(name: (typeof OTHERS)[number]): Promise<RawClient> {
  const client = await connectRaw({
    port: world.server.ports.xmpp,
    jid: world.server.jid(name),
    password: PASSWORD,
  });
  clients.push(client);
  return client;
}

beforeAll(async () => {
  world = await startWorld({ people: ['alice'], others: OTHERS });
  alice = world.person('alice');
  await protect(world, alice);
  const client = await logIn('bob');
  bob = await createRawDevice(client, 1001);
  await bob.publishBundle();
  await bob.publishList([bob.deviceId]);
  const list = await client.request(
    'get',
    `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='${LIST_NODE}'/></pubsub>`,
    alice.jid,
  );
  aliceDevice = Number(list.getElementsByTagName('device').item(0)?.getAttribute('id'));
  await alice.converse.openChat(world.server.jid('bob'));
});
afterAll(async () => {
  for (const client of clients) await client.close();
  await world?.close();
});

/** The chat with bob still works both ways, on the same stream. */
async function stillWorks(label: string): Promise<void> {
  const jid = world.server.jid('bob');
  await alice.converse.openChat(jid);
  const incoming = `in: ${label}`;
  bob.send(alice.jid, `genuine ${label}`, await bob.compose(alice.jid, aliceDevice, incoming));
  expect(await alice.converse.shows(jid, incoming)).toEqual({
    text: incoming,
    direction: 'received',
  });
  const outgoing = `out: ${label}`;
  const mark = world.server.wire.mark();
  await alice.converse.send(outgoing);
  await world.server.wire.wait(
    'the encrypted answer',
    ({ dir, jid: by, xml }) =>
      dir === 'in' && by.startsWith(`${alice.jid}/`) && xml.includes(`<encrypted `),
    { from: mark },
  );
  expect(world.server.leaks(outgoing)).toEqual([]);
  expect(world.server.streamErrors()).toEqual([]);
}

async function isRefused(name: (typeof OTHERS)[number], text: string): Promise<void> {
  const jid = world.server.jid(name);
  await alice.converse.openChat(jid);
  await alice.converse.send(text);
  await alice.converse.showsFailed(jid, text, FAIL_MS);
  expect(world.server.leaks(text)).toEqual([]);
}

describe('device lists and bundles', () => {
  it('a list of nonsense', async () => {
    const carol = await logIn('carol');
    const ids = ["id='0'", "id='-1'", "id='abc'", "id='99999999999'", "id='1.5'", "id=''", ''];
    const devices = ids.map((id) => `<device ${id}/>`).join('');
    await publish(carol, LIST_NODE, `<list xmlns='${NS}'>${devices}<other id='7'/></list>`);
    await isRefused('carol', 'for a list of nonsense');
    await stillWorks('after a list of nonsense');
  });

  it('a list of 1,000 devices', async () => {
    const dave = await logIn('dave');
    await publish(dave, LIST_NODE, listXml(Array.from({ length: 1000 }, (_, index) => index + 1)));
    await isRefused('dave', 'for a thousand devices');
    await stillWorks('after a thousand devices');
  });

  it('a bundle with a bad signature', async () => {
    const device = await createRawDevice(await logIn('erin'), 2002);
    const { signedPrekey } = device.bundle;
    const signature = flipBit(signedPrekey.signature, 5);
    await device.publishBundle({ ...device.bundle, signedPrekey: { ...signedPrekey, signature } });
    await device.publishList([device.deviceId]);
    await isRefused('erin', 'for a forged bundle');
    await stillWorks('after a forged bundle');
  });

  it('bundles with keys of wrong length, each on a device of its own', async () => {
    const device = await createRawDevice(await logIn('frank'), 3000);
    const { bundle } = device;
    const short = (bytes: Uint8Array) => bytes.slice(0, 31);
    const long = (bytes: Uint8Array) => Uint8Array.of(...bytes, 0);
    const wrong: readonly Bundle[] = [
      { ...bundle, identityKey: short(bundle.identityKey) },
      { ...bundle, identityKey: long(bundle.identityKey) },
      {
        ...bundle,
        signedPrekey: { ...bundle.signedPrekey, publicKey: short(bundle.signedPrekey.publicKey) },
      },
      {
        ...bundle,
        signedPrekey: { ...bundle.signedPrekey, signature: short(bundle.signedPrekey.signature) },
      },
      { ...bundle, oneTimePrekeys: [] },
    ];
    for (const [index, value] of wrong.entries()) await device.publishBundle(value, 3001 + index);
    await device.publishList(wrong.map((_, index) => 3001 + index));
    await isRefused('frank', 'for keys of wrong length');
    await stillWorks('after keys of wrong length');
  });
});

describe('messages', () => {
  /** Changed copies of a message that bear its place in the ratchet. */
  const changes: readonly (readonly [string, (parts: Parts) => Parts])[] = [
    ['the version byte of the key', (parts) => ({ ...parts, key: flipBit(parts.key, 0) })],
    ['the second byte of the key', (parts) => ({ ...parts, key: flipBit(parts.key, 1) })],
    ['the third byte of the key', (parts) => ({ ...parts, key: flipBit(parts.key, 2) })],
    ['a byte of a public key', (parts) => ({ ...parts, key: flipBit(parts.key, 12) })],
    [
      'the middle of the key',
      (parts) => ({ ...parts, key: flipBit(parts.key, parts.key.length >> 1) }),
    ],
    ['the last byte of the key', (parts) => ({ ...parts, key: flipBit(parts.key, -1) })],
    ['the length of the key', (parts) => ({ ...parts, key: parts.key.slice(0, -1) })],
    ['all of the key', (parts) => ({ ...parts, key: new Uint8Array() })],
    ['the iv', (parts) => ({ ...parts, iv: flipBit(parts.iv, 0) })],
    ['the length of the iv', (parts) => ({ ...parts, iv: parts.iv.slice(1) })],
    [
      'the first byte of the payload',
      (parts) => ({ ...parts, payload: flipBit(parts.payload, 0) }),
    ],
    [
      'the last byte of the payload',
      (parts) => ({ ...parts, payload: flipBit(parts.payload, -1) }),
    ],
  ];

  async function survive(text: string, rid: number, device: RawDevice): Promise<void> {
    const genuine = await device.compose(alice.jid, rid, text);
    for (const [what, change] of changes)
      device.send(alice.jid, `bad ${text} ${what}`, change(genuine));
    device.send(alice.jid, `good ${text}`, genuine);
    const jid = world.server.jid('bob');
    await alice.converse.shows(jid, text);
    const shown = await alice.converse.messages(jid);
    expect(shown.filter((message) => message.text === text)).toHaveLength(1);
    expect(shown.filter((message) => message.text.includes(FALLBACK))).toEqual([]);
  }

  it('a bit flipped in each part of a key exchange, from a new device', async () => {
    const device = await createRawDevice(bob.client, 1002);
    await device.publishBundle();
    await device.publishList([bob.deviceId, device.deviceId]);
    await survive('a genuine key exchange', aliceDevice, device);
    await stillWorks('after flipped key exchanges');
  });

  it('a bit flipped in each part of a message of a running session', async () => {
    await survive('a genuine message', aliceDevice, bob);
    await stillWorks('after flipped messages');
  });

  it('a changed device id of the sender, under which a known key is refused', async () => {
    const genuine = await bob.compose(alice.jid, aliceDevice, 'from the device it says');
    bob.send(alice.jid, 'changed sid', { ...genuine, sid: 1002 });
    bob.send(alice.jid, 'unknown sid', { ...genuine, sid: 5005 });
    bob.send(alice.jid, 'true sid', genuine);
    const jid = world.server.jid('bob');
    await alice.converse.shows(jid, 'from the device it says');
    const shown = await alice.converse.messages(jid);
    expect(shown.filter(({ text }) => text === 'from the device it says')).toHaveLength(1);
    await stillWorks('after changed device ids');
  });

  it('a changed device id of an unknown sender, which does not cost the genuine message', async () => {
    const device = await createRawDevice(bob.client, 1004);
    await device.publishBundle();
    await device.publishList([bob.deviceId, device.deviceId]);
    const genuine = await device.compose(alice.jid, aliceDevice, 'from a device not seen before');
    device.send(alice.jid, 'changed sid of a new device', { ...genuine, sid: 6006 });
    device.send(alice.jid, 'true sid of a new device', genuine);
    const next = await device.compose(alice.jid, aliceDevice, 'and its next message');
    device.send(alice.jid, 'next of the new device', next);
    await alice.converse.shows(world.server.jid('bob'), 'and its next message');
    await stillWorks('after a changed device id of a new device');
  });

  it('a key exchange with a prekey nobody has', async () => {
    const device = await createRawDevice(bob.client, 1003);
    await device.publishBundle();
    await device.publishList([bob.deviceId, device.deviceId]);
    const genuine = await device.compose(alice.jid, aliceDevice, 'with a prekey that exists');
    // The prekey id is the first field after the version byte: tag 08, then its one byte of varint.
    const key = genuine.key.slice();
    expect(key[1]).toBe(8);
    key[2] = 127;
    device.send(alice.jid, 'unknown prekey', { ...genuine, key });
    device.send(alice.jid, 'known prekey', genuine);
    await alice.converse.shows(world.server.jid('bob'), 'with a prekey that exists');
    await stillWorks('after an unknown prekey');
  });

  it('odd and over-long stanzas', async () => {
    const malformedShown = async () => {
      const shown = await alice.converse.messages(world.server.jid('bob'));
      return shown.filter(({ text }) => text === explainFailure('malformed')).length;
    };
    const before = await malformedShown();
    const to = alice.jid;
    // Deeper than we read, less deep than Prosody can store.
    const deep = '<a>'.repeat(60) + '</a>'.repeat(60);
    for (const content of [
      `<encrypted xmlns='${NS}'/>`,
      `<encrypted xmlns='${NS}'><header/></encrypted>`,
      `<encrypted xmlns='${NS}'><header sid='x'><key rid='y'>!</key><iv>?</iv></header><payload>*</payload></encrypted>`,
      `<encrypted xmlns='${NS}'/><encrypted xmlns='${NS}'/>`,
      `<encrypted xmlns='${NS}'>${deep}</encrypted>`,
      `<encrypted xmlns='${NS}'><header sid='1'><iv>AAAA</iv></header><payload>${'A'.repeat(2 * 1024 * 1024)}</payload></encrypted>`,
    ])
      bob.client.send(
        `<message to='${to}' type='chat'>${content}<body>${FALLBACK}</body></message>`,
      );
    await stillWorks('after odd stanzas');
    const shown = await alice.converse.messages(world.server.jid('bob'));
    expect(shown.filter(({ text }) => text.includes(FALLBACK))).toEqual([]);
    expect((await malformedShown()) - before).toBe(6);
  });
});
