// A server that is against its user, one switch for each threat from T10 to T21: what it does, and what comes of it. The
// session, the vault and the page's stream are real ones; only the server is scripted.
import {
  chat,
  JULIET,
  makeWorld,
  quiet,
  ready,
  ROMEO,
  until,
  type Connection,
  type World,
} from './stream-world';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { LEGACY } from '../../src/rpc/versions';
import { legacyCodec } from '../../src/session/codec/legacy';
import { serialise } from '../../src/xml/element';
import { withTrust } from '../../src/vault/trust';
import { ownBundle } from '../../src/vault/accounts';
import {
  accountOf,
  changePeer,
  jid,
  meet,
  peerOf,
  person,
  send,
  type Person,
} from '../vault/world';

vi.mock('webextension-polyfill', async () => ({
  default: (await import('../vault/browser')).browser,
}));

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});

const TYBALT = jid('tybalt@example.net');
const GHOST = 666;

/** What Romeo's device encrypts for Juliet, as an element. */
async function ciphertext(world: World, text: string, by: Person = world.romeo): Promise<string> {
  await meet(by, world.juliet);
  return serialise(legacyCodec.writeMessage(await send(by, JULIET, text)));
}

const from = (sender: string, content: string, id = 'm') =>
  `<message xmlns='jabber:client' from='${sender}' to='${JULIET}' type='chat' id='${id}'>${content}</message>`;

const listEvent = (ids: readonly number[], owner: string = ROMEO) =>
  `<message xmlns='jabber:client' from='${owner}' to='${JULIET}'><event xmlns='http://jabber.org/protocol/pubsub#event'>` +
  `<items node='${legacyCodec.listNode}'><item id='current'><list xmlns='${LEGACY}'>` +
  `${ids.map((id) => `<device id='${id}'/>`).join('')}</list></item></items></event></message>`;

let ends = 0;

/** What the page gets for a frame: all before a presence that follows it. */
async function shown(page: Connection, frame: string): Promise<string> {
  const before = page.seen.length;
  const end = `<presence xmlns='jabber:client' id='end-${++ends}'/>`;
  page.push(frame);
  page.push(end);
  await until(() => page.seen.includes(end), 'the end of a frame');
  await quiet();
  return page.seen.slice(before, page.seen.indexOf(end)).join('');
}

/** Sends a text and answers the stanza the server got, or the error the page got. */
async function written(world: World, page: Connection, id: string, extra = ''): Promise<string> {
  const frame = chat(id, `text ${id}`).replace('</message>', `${extra}</message>`);
  page.send(frame);
  const sent = () => world.server.messages.find((text) => text.includes(`id="${id}"`));
  await until(() => (sent() ?? page.errorFor(id)) !== undefined, `an end of ${id}`);
  expect(world.server.got.join('')).not.toContain(`text ${id}<`);
  return sent() ?? page.errorFor(id) ?? '';
}

async function started(): Promise<{ readonly world: World; readonly page: Connection }> {
  const world = await makeWorld();
  const page = await ready(world);
  expect(await written(world, page, 'first')).toContain('<encrypted ');
  return { world, page };
}

async function verifyRomeo({ juliet, romeo }: World): Promise<void> {
  const key = (await accountOf(romeo)).identity.publicKey;
  await changePeer(juliet, ROMEO, (record) => withTrust(record, key, 'verified', Date.now()));
}

describe('a server that', () => {
  it('T10: slips in a device of its own gets no key for it once the contact is verified', async () => {
    const { world, page } = await started();
    await verifyRomeo(world);
    const ghost = await person(TYBALT);
    const { bundle } = await ownBundle(ghost.context, ghost.scope, LEGACY);
    world.server.put(
      ROMEO,
      legacyCodec.bundleNode(GHOST),
      serialise(legacyCodec.writeBundle(bundle)),
    );
    await shown(page, listEvent([world.romeo.deviceId, GHOST]));
    const end = await written(world, page, 'ghost');
    expect(end).toContain('<error');
    expect(world.server.got.join('')).not.toContain(`rid="${GHOST}"`);
  });

  it('T10: puts another key under a known device gets no message', async () => {
    const { world, page } = await started();
    const ghost = await person(TYBALT);
    const { bundle } = await ownBundle(ghost.context, ghost.scope, LEGACY);
    const seen = { jid: JULIET, owner: ROMEO, deviceId: world.romeo.deviceId, version: LEGACY };
    await world.vault.client.request('bundleSeen', {
      ...seen,
      bundle: { kind: 'present', value: bundle },
    });
    expect(await written(world, page, 'changed')).toContain('<error');
  });

  it('T11: denies all devices of a contact gets no plain text', async () => {
    const { world, page } = await started();
    await shown(page, listEvent([]));
    const end = await written(world, page, 'denied');
    expect(end).toMatch(/<encrypted |<error/);
    expect((await peerOf(world.juliet, ROMEO)).devices).toHaveLength(1);
  });

  it('T12: delivers plain text in an encrypted chat has it marked', async () => {
    const { page } = await started();
    const seen = await shown(page, from(`${ROMEO}/x`, '<body>in clear, trust me</body>'));
    expect(seen).toMatch(/<body>[^<]+in clear, trust me<\/body>/);
  });

  it('T13: puts content around a ciphertext has it dropped', async () => {
    const { world, page } = await started();
    const around =
      `<subject>bad</subject><html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>bad</body></html>` +
      `<x xmlns='jabber:x:oob'><url>https://bad.example</url></x>`;
    const seen = await shown(
      page,
      from(`${ROMEO}/x`, (await ciphertext(world, 'genuine')) + around),
    );
    expect(seen).toContain('<body>genuine</body>');
    expect(seen).not.toContain('bad');
  });

  it('T14: reads along gets nothing the page put beside its text', async () => {
    const { world, page } = await started();
    const beside =
      `<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>secret</body></html>` +
      `<x xmlns='jabber:x:oob'><url>https://secret.example</url></x><odd xmlns='urn:odd'>secret</odd>`;
    await written(world, page, 'beside', beside);
    expect(world.server.got.join('')).not.toContain('secret');
  });

  it('T15: forges a copy of what the user is said to have sent is not believed', async () => {
    const { world, page } = await started();
    const inner = from(`${ROMEO}/x`, await ciphertext(world, 'in a copy'));
    const carbon = (owner: string) =>
      `<message xmlns='jabber:client' from='${owner}' to='${JULIET}/r1'><received xmlns='urn:xmpp:carbons:2'>` +
      `<forwarded xmlns='urn:xmpp:forward:0'>${inner}</forwarded></received></message>`;
    expect(await shown(page, carbon(TYBALT))).not.toContain('in a copy');
    expect(await shown(page, carbon(JULIET))).toContain('in a copy');
  });

  it('T16: has a stranger send under the device id of the contact does not have him taken for it', async () => {
    const { world, page } = await started();
    const stranger = await person(TYBALT);
    const genuine = await ciphertext(world, 'by romeo');
    expect(await shown(page, from(`${ROMEO}/x`, genuine))).toContain('by romeo');
    const forged = (await ciphertext(world, 'by tybalt', stranger)).replace(
      `sid="${stranger.deviceId}"`,
      `sid="${world.romeo.deviceId}"`,
    );
    expect(await shown(page, from(`${ROMEO}/x`, forged, 'forged'))).not.toContain('by tybalt');
  });

  it('T17: reorders, repeats and changes messages loses none and shows nothing twice as new', async () => {
    const { world, page } = await started();
    const [one, two] = [
      await ciphertext(world, 'number one'),
      await ciphertext(world, 'number two'),
    ];
    const payload = (text: string) => /<payload>([^<]*)/.exec(text)?.[1] ?? '';
    const mixed = two.replace(payload(two), payload(one));
    expect(await shown(page, from(`${ROMEO}/x`, mixed, 'x'))).not.toMatch(/number (one|two)/);
    expect(await shown(page, from(`${ROMEO}/x`, two, '2'))).toContain('number two');
    expect(await shown(page, from(`${ROMEO}/x`, one, '1'))).toContain('number one');
    const before = await peerOf(world.juliet, ROMEO);
    expect(await shown(page, from(`${ROMEO}/x`, one, 'again'))).toContain('number one');
    expect(await peerOf(world.juliet, ROMEO)).toEqual(before);
  });

  it('T18: has a stranger begin a session gets no answer out of it', async () => {
    const { world, page } = await started();
    const stranger = await person(TYBALT);
    const before = world.server.messages.length;
    await shown(page, from(`${TYBALT}/x`, await ciphertext(world, 'hello there', stranger)));
    await quiet(300);
    expect(world.server.messages).toHaveLength(before);
  });

  it('T19: sends a thousand devices changes nothing of what is known', async () => {
    const { world, page } = await started();
    const before = await peerOf(world.juliet, ROMEO);
    await shown(page, listEvent(Array.from({ length: 1000 }, (_, index) => index + 1)));
    expect((await peerOf(world.juliet, ROMEO)).devices).toEqual(before.devices);
    expect(await written(world, page, 'after')).toContain('<encrypted ');
  });

  it('T19: sends a message of 10 MiB does not get it past the session', async () => {
    const { world, page } = await started();
    const huge = from(`${ROMEO}/x`, `<body>${'x'.repeat(10 * 1024 * 1024)}</body>`);
    expect((await shown(page, huge)).length).toBeLessThan(1000);
    expect(await written(world, page, 'after')).toContain('<encrypted ');
  });

  it.each([
    ['a document type', (xml: string) => `<!DOCTYPE m [<!ENTITY a "b">]>${xml}`],
    ['a comment', (xml: string) => xml.replace('<encrypted', '<!-- x --><encrypted')],
    ['an entity', (xml: string) => xml.replace('</message>', '<x>&evil;</x></message>')],
  ])('T20: sends %s around a ciphertext has nothing opened', async (_name, change) => {
    const { world, page } = await started();
    const frame = change(from(`${ROMEO}/x`, await ciphertext(world, 'in odd XML')));
    expect(await shown(page, frame)).not.toContain('in odd XML');
    expect(await written(world, page, 'after')).toContain('<encrypted ');
  });

  it('T21: answers our requests in another’s name has it not taken', async () => {
    const world = await makeWorld();
    world.server.script = (iq) => {
      const id = iq.getAttribute('id');
      if (iq.getAttribute('to') !== ROMEO) return undefined;
      page.push(
        `<iq xmlns='jabber:client' type='result' id='${id}' from='${TYBALT}'><pubsub xmlns='http://jabber.org/protocol/pubsub'>` +
          `<items node='${legacyCodec.listNode}'><item><list xmlns='${LEGACY}'><device id='${GHOST}'/></list></item></items></pubsub></iq>`,
      );
      return undefined;
    };
    const page = world.connect();
    await page.bind();
    await until(() => world.state() === 'ready', 'publishing');
    expect(await written(world, page, 'named')).toContain(`rid="${world.romeo.deviceId}"`);
    expect((await peerOf(world.juliet, ROMEO)).devices.map(({ deviceId }) => deviceId)).toEqual([
      world.romeo.deviceId,
    ]);
  });
});
