// Device lists come as events because the page's presence asks for them (I-50), on a real server with a real web client.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { protect } from '../support/extension';
import { PASSWORD, startWorld, type World } from '../support/people';
import { connectRaw, type RawClient } from '../support/raw-client';
import { createRawDevice, LIST_NODE, type RawDevice } from '../support/raw-device';
import { encryptedMessages } from '../support/stanzas';

const FIRST = 4711;
const SECOND = 4712;

let world: World;
let client: RawClient;
let device: RawDevice;
beforeAll(async () => {
  world = await startWorld({ people: ['alice'], others: ['bob'] });
  const jid = world.server.jid('bob');
  client = await connectRaw({ port: world.server.ports.xmpp, jid, password: PASSWORD });
  device = await createRawDevice(client, FIRST);
  await device.publishBundle();
  await device.publishList([FIRST]);
  await protect(world, world.person('alice'));
});
afterAll(async () => {
  await client?.close();
  await world?.close();
});

const isOf = (jid: string) => (by: string) => by.startsWith(`${jid}/`);

describe('the presence of a protected page', () => {
  it('asks the server for device lists, and the server knows what it means', async () => {
    const alice = world.person('alice');
    const isAlice = isOf(alice.jid);
    await alice.converse.reload();
    const presence = await world.server.wire.wait(
      'a presence with capabilities',
      ({ dir, jid, xml }) =>
        dir === 'in' && isAlice(jid) && xml.includes('jabber.org/protocol/caps'),
    );
    expect(presence.xml).toContain('sha-1');
    const event = await world.server.wire.wait(
      'the list of a contact',
      ({ dir, jid, xml }) =>
        dir === 'out' && isAlice(jid) && xml.includes('pubsub#event') && xml.includes(LIST_NODE),
    );
    expect(event.xml).toContain(String(FIRST));
    const frames = await alice.converse.received();
    expect(frames.filter((frame) => frame.includes(LIST_NODE))).toEqual([]);
  });

  it('brings a new device of a contact into the next message, without asking for the list', async () => {
    const alice = world.person('alice');
    await alice.converse.openChat(world.server.jid('bob'));
    await alice.converse.send('before');
    await world.server.wire.wait(
      'the first message',
      ({ dir, xml }) => dir === 'in' && xml.includes(`rid='${FIRST}'`),
    );
    const mark = world.server.wire.mark();
    await device.publishBundle(device.bundle, SECOND);
    await device.publishList([FIRST, SECOND]);
    await world.server.wire.wait(
      'the new list',
      ({ dir, jid, xml }) => dir === 'out' && isOf(alice.jid)(jid) && xml.includes(String(SECOND)),
      { from: mark },
    );
    await alice.converse.send('after');
    const written = await world.server.wire.wait(
      'a message to both devices',
      ({ dir, xml }) => dir === 'in' && xml.includes('<message') && xml.includes(`rid='${SECOND}'`),
      { from: mark },
    );
    expect(written.xml).toContain(`rid='${FIRST}'`);
    const asked = world.server.wire
      .records(mark)
      .filter(({ dir, xml }) => dir === 'in' && xml.includes(`<items node='${LIST_NODE}'`));
    expect(asked).toEqual([]);
    expect(encryptedMessages(world.server.wire.records(mark)).length).toBeGreaterThan(0);
    expect(alice.complaints.filter((text) => /caps|disco|omemo/i.test(text))).toEqual([]);
    expect(world.server.streamErrors()).toEqual([]);
  });
});
