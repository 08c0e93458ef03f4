// Rules of the reference about other clients (client-quirks, Q-1 to Q-18) that are decided on the way between stream and
// vault. Nodes and stanzas stand as those clients leave and send them.
import { connected, JULIET, LEGACY, LIST_NODE, ROMEO } from './pep-world';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { OMEMO2 } from '../../src/rpc/versions';
import { legacyCodec } from '../../src/session/codec/legacy';
import { Devices } from '../../src/session/devices';
import { restore } from '../../src/session/inbound';
import { composeEmpty } from '../../src/session/outbound';
import { publishKeys } from '../../src/session/publish';
import { unwrap } from '../../src/session/unwrap';
import { childOf, childrenOf, parseFrame, textOf } from '../../src/xml/element';
import { fixture } from '../support/fixtures';
import { bytes } from '../support/records';
import { jid } from '../vault/world';
import { bundle, ScriptedVault, type Answers } from './scripted-vault';
import { nodeIn, verbIn } from './server';

beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => undefined));

const STANZAS = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'";
const MINE = 7001;

function setUp(answers: Answers = {}) {
  const { server, iqs } = connected();
  const vault = new ScriptedVault({
    claimDeviceId: () => ({ deviceId: MINE }),
    ownBundle: () => ({ deviceId: MINE, bundle: bundle() }),
    ...answers,
  });
  const devices = new Devices(iqs, vault.client, JULIET, () => undefined);
  const publish = () => publishKeys({ iqs, vault: vault.client, devices, jid: JULIET });
  return { server, vault, devices, publish };
}

describe('Q-5: what others publish is found under whatever item id', () => {
  it.each([
    ['Dino', 'dino/bundle', '1'],
    ['lurch, an id of the server', 'lurch/bundle', '5F2A8C1D'],
    ['Psi, an id of the server', 'psi/bundle', '0a1b2c'],
    ['Conversations', 'conversations/bundle', 'current'],
  ])('a bundle of %s', async (_client, name, id) => {
    const { server, vault, devices } = setUp();
    server.put(ROMEO, legacyCodec.bundleNode(5), fixture(name), 'open', id);
    await devices.fetchBundle({ jid: ROMEO, deviceId: 5, version: LEGACY });
    const value = legacyCodec.readBundle(parseFrame(fixture(name)));
    expect(vault.asked('bundleSeen')).toMatchObject([{ bundle: { kind: 'present', value } }]);
    // No item is named, or a server would answer with none.
    expect(server.got[0]).not.toMatch(/<item\b/);
  });

  it('a list of Psi beside the older one of another client', async () => {
    const { server, vault, devices } = setUp();
    server.put(ROMEO, LIST_NODE, fixture('gajim/device-list'), 'open', 'an older one');
    server.put(ROMEO, LIST_NODE, fixture('psi/device-list'), 'open', 'the newest');
    await devices.fetchList({ jid: ROMEO, version: LEGACY });
    expect(vault.asked('listSeen')).toMatchObject([{ list: { value: [55555, 7] } }]);
  });
});

describe('Q-6: a bundle that cannot be had concerns its device only', () => {
  it.each([
    ['that is missing', `<error type='cancel'><item-not-found ${STANZAS}/></error>`, 'absent'],
    ['that is hidden', `<error type='auth'><forbidden ${STANZAS}/></error>`, 'hidden'],
    [
      'the server fails on',
      `<error type='wait'><resource-constraint ${STANZAS}/></error>`,
      'failed',
    ],
  ])('%s', async (_name, error, kind) => {
    const { server, vault, devices } = setUp();
    server.put(ROMEO, legacyCodec.bundleNode(5), fixture('dino/bundle'), 'open', '1');
    server.script = (iq) => (nodeIn(iq) === legacyCodec.bundleNode(6) ? error : undefined);
    await Promise.all(
      [5, 6].map((deviceId) => devices.fetchBundle({ jid: ROMEO, deviceId, version: LEGACY })),
    );
    const seen = vault.asked('bundleSeen');
    expect(seen).toHaveLength(2);
    expect(seen).toContainEqual(
      expect.objectContaining({
        deviceId: 5,
        bundle: expect.objectContaining({ kind: 'present' }),
      }),
    );
    expect(seen).toContainEqual(expect.objectContaining({ deviceId: 6, bundle: { kind } }));
  });
});

describe('Q-7: our keys are on the server before anything else', () => {
  it('bundle first, both open, the devices of others still there', async () => {
    const { server, vault, publish } = setUp();
    server.put(JULIET, LIST_NODE, fixture('psi/device-list'), 'presence', 'of Psi');
    expect(await publish()).toBe(true);
    const published = server.iqs.filter((iq) => verbIn(iq) === 'publish').map(nodeIn);
    expect(published[0]).toBe(legacyCodec.bundleNode(MINE));
    expect(new Set(published)).toEqual(new Set([legacyCodec.bundleNode(MINE), LIST_NODE]));
    const list = server.node(JULIET, LIST_NODE);
    const ids = legacyCodec.readDeviceList(parseFrame(list?.items.get('current') ?? ''));
    expect([...ids].sort((a, b) => a - b)).toEqual([7, MINE, 55555]);
    expect(list?.access).toBe('open');
    expect(server.node(JULIET, legacyCodec.bundleNode(MINE))?.access).toBe('open');
    // Only now the vault lets a message leave; OMEMO 2 follows, and nobody waits for it.
    const before = vault.calls.slice(
      0,
      vault.calls.findIndex(({ name }) => name === 'published'),
    );
    expect(before.map(({ name }) => name)).toContain('ownBundle');
    expect(JSON.stringify(before.filter(({ name }) => name === 'ownBundle'))).not.toContain(OMEMO2);
  });

  it('a list that cannot be read is not replaced by one without the others', async () => {
    const { server, vault, publish } = setUp();
    server.put(JULIET, LIST_NODE, fixture('gajim/device-list'));
    server.script = (iq) =>
      nodeIn(iq) === LIST_NODE && verbIn(iq) === 'items'
        ? `<error type='wait'><internal-server-error ${STANZAS}/></error>`
        : undefined;
    expect(await publish()).toBe(false);
    expect(server.node(JULIET, LIST_NODE)?.items.get('current')).toBe(fixture('gajim/device-list'));
    expect(vault.asked('published')).toEqual([]);
  });
});

it('Q-8: the answer to a key exchange is an empty message, without body and EME', () => {
  const keys = [{ deviceId: 778899, bytes: bytes(40), isKeyExchange: false }];
  const message = {
    version: LEGACY,
    senderDeviceId: MINE,
    iv: bytes(12),
    keys,
  } as const;
  const stanza = parseFrame(composeEmpty(ROMEO, 'e-1', message));
  expect([stanza.getAttribute('to'), stanza.getAttribute('type')]).toEqual([ROMEO, 'chat']);
  expect(childrenOf(stanza).map(({ localName }) => localName)).toEqual(['encrypted', 'store']);
  const encrypted = childOf(stanza, 'encrypted', legacyCodec.version);
  expect(encrypted && legacyCodec.readMessage(encrypted)).toEqual({
    senderDeviceId: MINE,
    iv: bytes(12),
    keys,
  });
});

/** What a page gets for a stanza of a client that the vault opened to this text. */
function shownFor(xml: string, text: string): Element {
  const own = jid('juliet@example.org');
  const stanza = parseFrame(xml);
  const unwrapped = unwrap(stanza, { own, isOpenQuery: () => true });
  if (unwrapped.kind !== 'message') throw new Error(unwrapped.kind);
  const outcome = { kind: 'text', text, trust: 'trusted', chores: [] } as const;
  return parseFrame(restore(stanza, unwrapped, outcome, own) ?? '<message/>');
}

const bodiesFor = (name: string, text: string): readonly string[] =>
  childrenOf(shownFor(fixture(name), text), 'body', 'jabber:client').map(textOf);

it.each([
  ['lurch/first-message', 0],
  ['chatsecure/text', 0],
  ['profanity/text', 1],
  ['monal/text', 1],
])('Q-11: the page gets the one text, whatever stands beside it: %s', (name, fallbacks) => {
  const sent = childrenOf(parseFrame(fixture(name)), 'body', 'jabber:client');
  expect(sent).toHaveLength(fallbacks);
  expect(bodiesFor(name, 'what was written')).toEqual(['what was written']);
});

it('Q-15: the quote in a reply of Dino is counted in code points of what was encrypted', () => {
  const quote = '> 🦊 日本\n';
  const references =
    "<reply xmlns='urn:xmpp:reply:0' to='juliet@example.org/x' id='a-1'/>" +
    "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'>" +
    `<body start='0' end='${Array.from(quote).length}'/></fallback>`;
  const xml = fixture('dino/text').replace('</message>', `${references}</message>`);
  const shown = shownFor(xml, `${quote}yes`);
  expect(childOf(shown, 'reply', 'urn:xmpp:reply:0')?.getAttribute('id')).toBe('a-1');
  const fallback = childOf(shown, 'fallback', 'urn:xmpp:fallback:0');
  const range = fallback && childrenOf(fallback)[0];
  const body = childOf(shown, 'body', 'jabber:client');
  const end = Number(range?.getAttribute('end'));
  const answer = Array.from(body === undefined ? '' : textOf(body)).slice(end);
  expect(answer.join('')).toBe('yes');
});

describe('Q-16: the link to an encrypted file', () => {
  const link = (digits: number) =>
    `aesgcm://upload.example.org/f/photo.jpg#${'0123456789abcdef'.repeat(6).slice(0, digits)}`;

  it.each([
    ['conversations/text', link(88)],
    ['dino/text', link(96)],
    ['conversations/text', `${link(88)}\ndata:image/jpeg;base64,/9j/4AAQSkZJRgABAQ==`],
  ])('comes to the page as it was sent: %s', (name, text) => {
    expect(bodiesFor(name, text)).toEqual([text]);
  });
});
