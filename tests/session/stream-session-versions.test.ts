// Both versions through a whole stream: what is published, what leaves, what the page sees.
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
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Omemo2Message } from '../../src/rpc/vault-api';
import { LEGACY, OMEMO2 } from '../../src/rpc/versions';
import { legacyCodec } from '../../src/session/codec/legacy';
import { omemo2Codec } from '../../src/session/codec/omemo2';
import { openEnvelope } from '../../src/session/envelope';
import { buildEnvelope } from '../../src/session/envelope-build';
import { encryptMessage } from '../../src/vault/encrypt';
import { childOf, childrenOf, parseFrame, serialise, textOf } from '../../src/xml/element';
import { withTrust } from '../../src/vault/trust';
import { accountOf, changePeer, meetIn, messageIn } from '../vault/world';
import { nodeIn, verbIn } from './server';

vi.mock('webextension-polyfill', async () => ({
  default: (await import('../vault/browser')).browser,
}));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const BUNDLES = 'urn:xmpp:omemo:2:bundles';
const DEVICES = 'urn:xmpp:omemo:2:devices';

const body = (text: string): Element => parseFrame(`<body xmlns='jabber:client'>${text}</body>`);

/** The bodies in an envelope of Juliet to Romeo. */
function bodiesIn(xml: string, at = Date.now()): readonly string[] {
  const opened = openEnvelope(xml, { sender: JULIET, recipient: ROMEO, isGroup: false, at });
  if (opened.kind !== 'content') throw new Error(opened.kind);
  expect(opened.time.kind).toBe('plausible');
  return opened.children.filter(({ localName }) => localName === 'body').map(textOf);
}

/** A message of Romeo's device in OMEMO 2. */
async function fromRomeo(
  { juliet, romeo }: World,
  text: string,
  { from = ROMEO, to = JULIET }: { readonly from?: typeof ROMEO; readonly to?: typeof ROMEO } = {},
): Promise<Omemo2Message> {
  await meetIn(OMEMO2, romeo, juliet);
  const random = (length: number) => new Uint8Array(length);
  const built = buildEnvelope({ content: [body(text)], from, to, at: Date.now() }, random);
  if (built.kind !== 'built') throw new Error(built.kind);
  const { context, scope } = romeo;
  const outgoing = { peer: JULIET, requestId: `r ${text}`, text, envelope: built.xml };
  return messageIn(OMEMO2, await encryptMessage(context, scope, outgoing));
}

function stanzaWith(
  message: Omemo2Message,
  attributes = `from='${ROMEO}/x' to='${JULIET}'`,
): string {
  const encrypted = serialise(omemo2Codec.writeMessage(message));
  return `<message xmlns='jabber:client' ${attributes} type='chat' id='m'>${encrypted}</message>`;
}

const seenBody = (page: Connection): string | undefined => {
  const frame = page.seen.filter((text) => text.startsWith('<message')).at(-1);
  const found =
    frame === undefined ? undefined : childOf(parseFrame(frame), 'body', 'jabber:client');
  return found && textOf(found);
};

describe('a new account', () => {
  it.each(['prosody', 'ejabberd'] as const)('publishes both versions at %s', async (make) => {
    const world = await makeWorld({ make });
    await ready(world);
    const list = () => world.server.node(JULIET, DEVICES)?.items.get('current');
    await until(() => list() !== undefined, 'the list of OMEMO 2');
    await quiet();
    const { deviceId } = world.juliet;
    expect(list()).toBe(`<devices xmlns="urn:xmpp:omemo:2"><device id="${deviceId}"/></devices>`);
    const bundles = world.server.node(JULIET, BUNDLES);
    expect([bundles?.access, bundles?.maxItems]).toEqual(['open', 'max']);
    expect([...(bundles?.items.keys() ?? [])]).toEqual([String(deviceId)]);
    const published = world.server.iqs.filter((iq) => verbIn(iq) === 'publish').map(nodeIn);
    const count = world.server.nodes.get(`${JULIET} ${published[0]}`);
    expect(count?.access).toBe('whitelist');
    expect([...new Set(published)]).toEqual([
      expect.stringMatching(/^urn:uuid:/),
      legacyCodec.bundleNode(deviceId),
      legacyCodec.listNode,
      BUNDLES,
      DEVICES,
    ]);
  });

  it('is ready, and writes, where the server takes nothing of OMEMO 2', async () => {
    const world = await makeWorld();
    world.server.script = (iq) =>
      nodeIn(iq).startsWith('urn:xmpp:omemo:2') && verbIn(iq) !== 'items'
        ? "<error type='cancel'><not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
        : undefined;
    const page = await ready(world);
    await quiet();
    expect(world.state()).toBe('ready');
    page.send(chat('1', 'secret'));
    await until(() => world.server.messages.length > 0, 'sending');
    expect(await world.read(world.server.messages[0] ?? '')).toMatchObject({ text: 'secret' });
  });
});

describe('a contact with OMEMO 2 only', () => {
  it('gets an envelope, and nothing of it in clear', async () => {
    const world = await makeWorld({ speaks: [OMEMO2] });
    const page = await ready(world);
    page.send(chat('1', 'secret'));
    await until(() => world.server.messages.length > 0, 'sending');
    expect(world.server.got.join('\n')).not.toContain('secret');
    const [frame = ''] = world.server.messages;
    expect(childrenOf(parseFrame(frame)).map(({ localName }) => localName)).toEqual([
      'encrypted',
      'encryption',
      'store',
      'body',
    ]);
    const outcome = await world.read(frame);
    expect(outcome.kind === 'text' && bodiesIn(outcome.text)).toEqual(['secret']);
  });

  it('is read, also a second time, and answered', async () => {
    const world = await makeWorld({ speaks: [OMEMO2] });
    const page = await ready(world);
    const stanza = stanzaWith(await fromRomeo(world, 'from the other version'));
    for (let times = 0; times < 2; times++) {
      page.seen.length = 0;
      page.push(stanza);
      await until(() => seenBody(page) !== undefined, 'the text');
      expect(seenBody(page)).toBe('from the other version');
      expect(page.seen.join()).not.toContain('encrypted');
    }
    page.send(chat('1', 'answer'));
    await until(() => world.server.messages.length > 0, 'sending');
    const outcome = await world.read(world.server.messages.at(-1) ?? '');
    expect(outcome.kind === 'text' && bodiesIn(outcome.text)).toEqual(['answer']);
  });

  it('is not believed to be someone else, nor to write to another chat', async () => {
    const world = await makeWorld({ speaks: [OMEMO2] });
    const page = await ready(world);
    const forged = await fromRomeo(world, 'forged', { from: JULIET });
    page.push(stanzaWith(forged));
    await until(() => seenBody(page) !== undefined, 'a remark');
    expect(seenBody(page)).toContain('encrypted by someone else than it claims');
    page.seen.length = 0;
    page.push(stanzaWith(await fromRomeo(world, 'elsewhere', { to: ROMEO })));
    await until(() => seenBody(page) !== undefined, 'a remark');
    expect(seenBody(page)).toContain('encrypted for another chat');
  });

  it('that cannot be reached gives the page its own text back', async () => {
    const world = await makeWorld({ speaks: [OMEMO2] });
    const page = await ready(world);
    page.send(chat('1', 'bounced'));
    await until(() => world.server.messages.length > 0, 'sending');
    const [sent = ''] = world.server.messages;
    const encrypted = childOf(parseFrame(sent), 'encrypted', OMEMO2);
    page.push(
      `<message xmlns='jabber:client' from='${ROMEO}' to='${JULIET}' type='error' id='1'>` +
        `${encrypted === undefined ? '' : serialise(encrypted)}` +
        `<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
    );
    await until(() => seenBody(page) !== undefined, 'the bounce');
    expect(seenBody(page)).toBe('bounced');
  });

  it('is noticed by the event of its list', async () => {
    const world = await makeWorld({ speaks: [] });
    const page = await ready(world);
    page.send(chat('1', 'too early'));
    await until(() => page.errorFor('1') !== undefined, 'a refusal');
    const list = serialise(omemo2Codec.writeDeviceList(undefined, world.romeo.deviceId));
    page.push(
      `<message xmlns='jabber:client' from='${ROMEO}' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'>` +
        `<items node='${DEVICES}'><item id='current'>${list}</item></items></event></message>`,
    );
    await until(() => world.vault.asked('listSeen').length > 0, 'the list');
    await quiet();
    expect(world.vault.asked('listSeen').at(-1)).toMatchObject({
      owner: ROMEO,
      version: OMEMO2,
      list: { value: [world.romeo.deviceId] },
    });
    expect(page.seen.join()).not.toContain(DEVICES);
  });
});

describe('a contact who asks for plain text', () => {
  async function wishFrom(world: World, reason = 'lost my phone'): Promise<string> {
    await meetIn(OMEMO2, world.romeo, world.juliet);
    const content = [
      parseFrame(`<opt-out xmlns='urn:xmpp:omemo:2'><reason>${reason}</reason></opt-out>`),
    ];
    const random = (length: number) => new Uint8Array(length);
    const built = buildEnvelope({ content, from: ROMEO, to: JULIET, at: Date.now() }, random);
    if (built.kind !== 'built') throw new Error(built.kind);
    const { context, scope } = world.romeo;
    const outgoing = { peer: JULIET, requestId: 'wish', text: '', envelope: built.xml };
    return stanzaWith(messageIn(OMEMO2, await encryptMessage(context, scope, outgoing)));
  }

  it('gets nothing until the user has decided, and the page reads why', async () => {
    const world = await makeWorld({ speaks: [OMEMO2] });
    const page = await ready(world);
    page.push(await wishFrom(world));
    await until(() => seenBody(page) !== undefined, 'the wish');
    expect(seenBody(page)).toBe(
      '[OMEMO] This contact asks to go on without encryption. They say: lost my phone',
    );
    await until(() => world.vault.asked('optedOut').length > 0, 'the vault to know');
    await quiet();
    page.send(chat('1', 'secret'));
    await until(() => page.errorFor('1') !== undefined, 'a refusal');
    expect(page.errorFor('1')).toContain('asked to go on without encryption');
    expect(world.server.messages).toEqual([]);
  });

  it.each([500, 501])('has 500 characters of a reason of %i kept', async (length) => {
    const world = await makeWorld({ speaks: [OMEMO2] });
    const page = await ready(world);
    page.push(await wishFrom(world, 'x'.repeat(length)));
    await until(() => world.vault.asked('optedOut').length > 0, 'the vault to know');
    expect(world.vault.asked('optedOut')).toMatchObject([{ reason: 'x'.repeat(500) }]);
  });

  it('with a distrusted device is not listened to', async () => {
    const world = await makeWorld({ speaks: [OMEMO2] });
    const page = await ready(world);
    page.send(chat('1', 'first'));
    await until(() => world.server.messages.length > 0, 'sending');
    const { identity } = await accountOf(world.romeo);
    await changePeer(world.juliet, ROMEO, (peer) =>
      withTrust(peer, identity.publicKey, 'distrusted', 0),
    );
    page.push(await wishFrom(world));
    await until(() => seenBody(page) !== undefined, 'the wish');
    expect(seenBody(page)).toContain('[from a distrusted device]');
    expect(world.vault.asked('optedOut')).toEqual([]);
  });
});

describe('a message dated otherwise than it came', () => {
  it('says so, and is shown', async () => {
    const world = await makeWorld({ speaks: [OMEMO2] });
    const page = await ready(world);
    await meetIn(OMEMO2, world.romeo, world.juliet);
    const at = Date.UTC(2026, 0, 2, 3, 4, 5);
    const parts = { content: [body('old news')], from: ROMEO, to: JULIET, at };
    const built = buildEnvelope(parts, (length) => new Uint8Array(length));
    if (built.kind !== 'built') throw new Error(built.kind);
    const { context, scope } = world.romeo;
    const outgoing = { peer: JULIET, requestId: 'old', text: '', envelope: built.xml };
    page.push(stanzaWith(messageIn(OMEMO2, await encryptMessage(context, scope, outgoing))));
    await until(() => seenBody(page) !== undefined, 'the text');
    expect(seenBody(page)).toBe('[written 2026-01-02 03:04 UTC] old news');
  });
});

describe('a contact with both', () => {
  it('is written to in legacy and read in either', async () => {
    const world = await makeWorld({ speaks: [LEGACY, OMEMO2] });
    const page = await ready(world);
    page.send(chat('1', 'secret'));
    await until(() => world.server.messages.length > 0, 'sending');
    expect(world.server.messages[0]).not.toContain('urn:xmpp:omemo:2');
    expect(await world.read(world.server.messages[0] ?? '')).toMatchObject({ text: 'secret' });
    page.push(stanzaWith(await fromRomeo(world, 'in OMEMO 2')));
    await until(() => seenBody(page) !== undefined, 'the text');
    expect(seenBody(page)).toBe('in OMEMO 2');
  });
});

describe('a message that does not fit a stanza', () => {
  it('is refused before it leaves (I-10)', async () => {
    const world = await makeWorld({ speaks: [OMEMO2] });
    const page = await ready(world);
    page.send(chat('1', 'x'.repeat(128 * 1024)));
    await until(() => page.errorFor('1') !== undefined, 'a refusal');
    expect(page.errorFor('1')).toContain('too large');
    expect(world.server.messages).toEqual([]);
  });
});
