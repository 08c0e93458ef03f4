// What heals by itself or at the user's word: sessions one side lost, a device list that another client overwrote, keys that
// strangers cannot read.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explainFailure } from '../../src/rpc/reasons';
import { protect } from '../support/extension';
import { PASSWORD, startWorld, type Person, type World } from '../support/people';
import { connectRaw, type RawClient } from '../support/raw-client';
import { bundleNode, createRawDevice, listXml, LIST_NODE, publish } from '../support/raw-device';
import { encryptedMessages } from '../support/stanzas';
import { until } from '../support/wait';

const FOREIGN = 4711;

let world: World;
let alice: Person;
let bob: Person;
const clients: RawClient[] = [];

beforeAll(async () => {
  world = await startWorld({ people: ['alice', 'bob'], others: ['carol', 'dave'] });
  alice = world.person('alice');
  bob = world.person('bob');
  await protect(world, alice);
  await protect(world, bob);
});
afterAll(async () => {
  for (const client of clients) await client.close();
  await world?.close();
});

async function logIn(name: string): Promise<RawClient> {
  const jid = world.server.jid(name);
  const client = await connectRaw({ port: world.server.ports.xmpp, jid, password: PASSWORD });
  clients.push(client);
  return client;
}

const items = (node: string) =>
  `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='${node}'/></pubsub>`;

async function listOf(person: Person, reader: RawClient): Promise<readonly number[]> {
  const reply = await reader.request('get', items(LIST_NODE), person.jid);
  return [...reply.getElementsByTagName('device')].map((device) =>
    Number(device.getAttribute('id')),
  );
}

async function chatWorks(label: string): Promise<void> {
  for (const [from, to] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    const text = `${label}, says ${from.name}`;
    await to.converse.openChat(from.jid);
    await from.converse.page.bringToFront();
    await from.converse.openChat(to.jid);
    await from.converse.send(text);
    expect(await to.converse.shows(from.jid, text)).toEqual({ text, direction: 'received' });
    expect(world.server.leaks(text)).toEqual([]);
  }
}

describe('a session', () => {
  it('is started anew at the user’s word, and the device is told at once', async () => {
    await chatWorks('before the reset');
    const popup = await alice.popup();
    const [device] = await popup.devices(bob.jid);
    const mark = world.server.wire.mark();
    await popup.resetSession(bob.jid, device?.deviceId ?? 0);
    await world.server.wire.wait(
      'a key exchange without text',
      ({ dir, jid, xml }) =>
        dir === 'in' &&
        jid.startsWith(`${alice.jid}/`) &&
        /<key [^>]*prekey=["']true["']/.test(xml) &&
        !xml.includes('<payload'),
      { from: mark },
    );
    expect(await popup.devices(bob.jid)).toEqual([device]);
    await popup.close();
    await chatWorks('after the reset');
  });

  it('that we do not have is replaced once, for a contact', async () => {
    const carol = await createRawDevice(await logIn('carol'), 1001);
    const jid = world.server.jid('carol');
    await carol.publishBundle();
    await carol.publishList([carol.deviceId]);
    await alice.converse.page.bringToFront();
    await alice.converse.openChat(jid);
    const popup = await alice.popup();
    await popup.setPolicy('ask');
    await alice.converse.page.bringToFront();
    await alice.converse.send('so that her device is known');
    await alice.converse.showsFailed(jid, 'so that her device is known');
    await popup.page.bringToFront();
    await popup.setTrust(jid, carol.deviceId, 'trusted');
    await popup.close();
    await alice.converse.page.bringToFront();
    const isKeyExchange = (xml: string) => /prekey=["']true["']/.test(xml);
    const [aliceDevice = 0] = await listOf(alice, carol.client);
    const mark = world.server.wire.mark();
    for (const text of ['in a session of hers', 'and another one']) {
      const { key, ...parts } = await carol.compose(alice.jid, aliceDevice, text);
      const inner = innerMessage(key);
      carol.send(alice.jid, text, { ...parts, key: inner, isKeyExchange: false });
    }
    await alice.converse.shows(jid, explainFailure('no-session'));
    const sent = () =>
      encryptedMessages(world.server.wire.records(mark)).filter(
        ({ dir, jid: by }) => dir === 'in' && by.startsWith(`${alice.jid}/`),
      );
    await until('the new session', () => sent().length > 0);
    await alice.converse.send('the second session goes on');
    await until('the message in it', () => sent().length > 1);
    expect(sent().map(({ xml }) => [isKeyExchange(xml), xml.includes('<payload')])).toEqual([
      [true, false],
      [true, true],
    ]);
  });
});

describe('the own device list', () => {
  it('gets our device back with the next page, beside what another client put there', async () => {
    const other = await logIn('alice');
    const [ours = 0] = await listOf(alice, other);
    const published = () => listOf(alice, other);
    await publish(other, LIST_NODE, listXml([FOREIGN]));
    await alice.converse.page.bringToFront();
    await alice.converse.reload();
    await until('our device on the list', async () => (await published()).includes(ours), {
      timeoutMs: 20_000,
    });
    expect((await published()).toSorted((a, b) => a - b)).toEqual(
      [FOREIGN, ours].toSorted((a, b) => a - b),
    );
    const popup = await alice.popup();
    await until('the popup to call the stream ready', popup.isReady);
    await popup.close();
    await publish(other, LIST_NODE, listXml([ours]));
  });

  it('and the bundle are opened again for strangers', async () => {
    const other = await logIn('bob');
    const stranger = await logIn('dave');
    const [ours = 0] = await listOf(bob, other);
    const nodes = [LIST_NODE, bundleNode(ours)];
    for (const node of nodes) await close(other, node);
    const readable = async (node: string) =>
      (await stranger.request('get', items(node), bob.jid)).getAttribute('type') === 'result';
    expect(await Promise.all(nodes.map(readable))).toEqual([false, false]);
    await bob.converse.page.bringToFront();
    await bob.converse.logOut();
    await bob.converse.reload();
    await until('both to be readable', async () =>
      (await Promise.all(nodes.map(readable))).every((isReadable) => isReadable),
    );
    await chatWorks('after the nodes were opened');
  });
});

it('breaks no stream', () => {
  expect(world.server.streamErrors()).toEqual([]);
});

/** The node as a client leaves it that wants to share it with nobody. */
async function close(client: RawClient, node: string): Promise<void> {
  const field = (name: string, value: string) =>
    `<field var='${name}'><value>${value}</value></field>`;
  const reply = await client.request(
    'set',
    `<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><configure node='${node}'>` +
      `<x xmlns='jabber:x:data' type='submit'>` +
      field('FORM_TYPE', 'http://jabber.org/protocol/pubsub#node_config') +
      field('pubsub#access_model', 'whitelist') +
      `</x></configure></pubsub>`,
  );
  expect(reply.getAttribute('type')).toBe('result');
}

/** The ratchet message inside a legacy key exchange (field 4 of its protobuf). */
function innerMessage(keyExchange: Uint8Array): Uint8Array {
  const varint = (at: number): readonly [value: number, next: number] => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = keyExchange[at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return [value, at];
    }
  };
  for (let at = 1; at < keyExchange.length;) {
    const [tag, start] = varint(at);
    const [value, next] = varint(start);
    if (tag === ((4 << 3) | 2)) return keyExchange.slice(next, next + value);
    at = (tag & 7) === 2 ? next + value : next;
  }
  throw new Error('no inner message');
}
