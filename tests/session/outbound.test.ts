import '../support/dom';
import { describe, expect, it } from 'vitest';
import { bareJid } from '../../src/jid';
import type { WireMessage } from '../../src/rpc/vault-api';
import { findEncrypted } from '../../src/session/codec/codec';
import {
  composeEmpty,
  composeOutbound,
  errorFrame,
  FALLBACK_BODY,
  planOutbound,
  type OutboundPlan,
  type ProtectPlan,
} from '../../src/session/outbound';
import { childOf, childrenOf, parseFrame, serialise, textOf } from '../../src/xml/element';

const CLIENT = 'jabber:client';
const L = 'eu.siacs.conversations.axolotl';

const message = (
  children: string,
  attributes = "to='romeo@example.net' type='chat' id='1'",
): string => `<message xmlns='jabber:client' ${attributes}>${children}</message>`;

const plan = (xml: string): OutboundPlan => planOutbound(parseFrame(xml), () => 'new-id');

function protect(xml: string): ProtectPlan {
  const planned = plan(xml);
  if (planned.kind !== 'protect') throw new Error(JSON.stringify(planned));
  return planned;
}

const WIRE: WireMessage = {
  version: L,
  senderDeviceId: 7,
  iv: new Uint8Array(12).fill(1),
  keys: [{ deviceId: 9, bytes: new Uint8Array(40).fill(2), isKeyExchange: false }],
  payload: new Uint8Array(5).fill(3),
};

/** What leaves, as names of children. */
const leaving = (xml: string): string[] =>
  childrenOf(parseFrame(composeOutbound(protect(xml), [WIRE]))).map((child) => child.localName);

describe('a message that passes', () => {
  it.each([
    ['a presence', "<presence xmlns='jabber:client'><status>x</status></presence>"],
    ['a message to a room', message('<body>x</body>', "to='r@muc.example.org' type='groupchat'")],
    ['a headline', message('<body>x</body>', "to='romeo@example.net' type='headline'")],
    ['a chat state', message("<composing xmlns='http://jabber.org/protocol/chatstates'/>")],
    ['a receipt', message("<received xmlns='urn:xmpp:receipts' id='5'/>")],
    ['a marker', message("<displayed xmlns='urn:xmpp:chat-markers:0' id='5'/>")],
    [
      'an empty body',
      message(
        "<body/><active xmlns='http://jabber.org/protocol/chatstates'/>",
        "to='a@b' id='1'",
      ).replace('<body/>', ''),
    ],
    [
      'an error',
      message(
        "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>no</text></error>",
        "to='a@b/c' type='error'",
      ),
    ],
  ])('is %s', (_name, xml) => {
    expect(plan(xml)).toEqual({ kind: 'pass' });
  });

  it.each([L, 'urn:xmpp:omemo:2', 'urn:xmpp:omemo:1'])('unless the page encrypts it: %s', (ns) => {
    const xml = message(`<encrypted xmlns='${ns}'/><body>fallback</body>`);
    expect(plan(xml)).toEqual({ kind: 'own-omemo' });
  });

  it('is not taken for the page’s own when an error quotes it: anyone could make it do so', () => {
    const error = "<error type='cancel'/>";
    const planned = plan(message(`<encrypted xmlns='${L}'/>${error}`, "to='a@b/c' type='error'"));
    expect(planned).toMatchObject({ kind: 'control', peer: 'a@b' });
    expect(planned.kind === 'control' && planned.frame).not.toContain('encrypted');
  });

  it('does not quote in an error what we decrypted', () => {
    const error =
      "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
    const planned = plan(message(`<body>secret</body>${error}`, "to='a@b/c' type='error' id='1'"));
    expect(planned).toMatchObject({ kind: 'control', peer: 'a@b' });
    const frame = planned.kind === 'control' ? planned.frame : '';
    expect(frame).toContain('<gone');
    expect(frame).not.toContain('secret');
  });
});

describe('a message with text', () => {
  it('is to be encrypted for the bare JID, under its own id', () => {
    const planned = protect(
      message('<body>a &lt; b 😀\u202e</body>', "to='Romeo@example.net/x' id='1'"),
    );
    expect([planned.peer, planned.id, planned.text]).toEqual([
      'romeo@example.net',
      '1',
      'a < b 😀\u202e',
    ]);
    expect(planned.stanza.getAttribute('to')).toBe('Romeo@example.net/x');
  });

  it('keeps the language that stands on it (I-124)', () => {
    const planned = protect(message('<body>x</body>', "to='a@b' id='1' xml:lang='de'"));
    const frame = parseFrame(composeOutbound(planned, [WIRE]));
    expect(frame.getAttributeNS('http://www.w3.org/XML/1998/namespace', 'lang')).toBe('de');
  });

  it.each(["to='a@b'", "to='a@b' id=''"])('gets an id when it has none: %s', (attributes) => {
    const planned = protect(message('<body>x</body>', attributes));
    expect(planned.id).toBe('new-id');
    expect(parseFrame(composeOutbound(planned, [WIRE])).getAttribute('id')).toBe('new-id');
  });

  it.each([
    ["<body xml:lang='de'>eins</body><body>one</body>", 'one'],
    ["<body xml:lang='de'>eins</body><body xml:lang='en'>one</body>", 'eins'],
    ["<body/><body xml:lang='en'>one</body>", 'one'],
    ['<body><![CDATA[<b>]]></body>', '<b>'],
  ])('of several bodies is the one without language: %s', (bodies, text) => {
    expect(protect(message(bodies)).text).toBe(text);
  });

  it('leaves as ciphertext, EME, hint and fallback, and is not changed itself', () => {
    const stanza = parseFrame(message('<body>secret</body>'));
    const before = serialise(stanza);
    const planned = planOutbound(stanza, () => 'new-id');
    if (planned.kind !== 'protect') throw new Error(planned.kind);
    const kept = serialise(planned.stanza);
    const frame = composeOutbound(planned, [WIRE]);
    expect([serialise(stanza), serialise(planned.stanza)]).toEqual([before, kept]);
    const root = parseFrame(frame);
    expect(childrenOf(root).map((child) => [child.localName, child.namespaceURI])).toEqual([
      ['encrypted', L],
      ['encryption', 'urn:xmpp:eme:0'],
      ['store', 'urn:xmpp:hints'],
      ['body', CLIENT],
    ]);
    expect(textOf(childrenOf(root, 'body')[0] ?? root)).toBe(FALLBACK_BODY);
    expect(frame).not.toContain('secret');
    const [found] = findEncrypted(root);
    if (typeof found !== 'object') throw new Error('not found');
    expect(found.codec.readMessage(found.element)).toMatchObject({
      senderDeviceId: 7,
      keys: WIRE.keys,
      payload: WIRE.payload,
    });
  });

  it('gets no second storage hint', () => {
    const hint = "<no-store xmlns='urn:xmpp:hints'/>";
    expect(leaving(message(`<body>x</body>${hint}`))).toEqual([
      'no-store',
      'encrypted',
      'encryption',
      'body',
    ]);
  });

  it.each([
    "<request xmlns='urn:xmpp:receipts'/>",
    "<markable xmlns='urn:xmpp:chat-markers:0'/>",
    "<origin-id xmlns='urn:xmpp:sid:0' id='1'/>",
    "<replace xmlns='urn:xmpp:message-correct:0' id='0'/>",
    "<reply xmlns='urn:xmpp:reply:0' to='a@b' id='0'/>",
    "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='4'/></fallback>",
    '<thread>t</thread>',
    "<active xmlns='http://jabber.org/protocol/chatstates'/>",
    "<attention xmlns='urn:xmpp:attention:0'/>",
  ])('keeps beside it %s', (child) => {
    const kept = parseFrame(composeOutbound(protect(message(`<body>x</body>${child}`)), [WIRE]));
    const wanted = childrenOf(parseFrame(message(child)))[0];
    const [found] = childrenOf(kept);
    expect(found && wanted && [found.localName, found.namespaceURI]).toEqual([
      wanted?.localName,
      wanted?.namespaceURI,
    ]);
    expect(
      Array.from(found?.attributes ?? [], ({ name, value }) => [name, value]).filter(
        ([n]) => n !== 'xmlns',
      ),
    ).toEqual(
      Array.from(wanted?.attributes ?? [], ({ name, value }) => [name, value]).filter(
        ([n]) => n !== 'xmlns',
      ),
    );
  });

  it.each([
    "<x xmlns='jabber:x:oob'><url>aesgcm://secret</url></x>",
    "<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>secret</body></html>",
    '<subject>secret</subject>',
    "<body xml:lang='de'>secret</body>",
    "<reference xmlns='urn:xmpp:reference:0' uri='secret'/>",
    "<spoiler xmlns='urn:xmpp:spoiler:0'>secret</spoiler>",
    "<geoloc xmlns='http://jabber.org/protocol/geoloc'><lat>secret</lat></geoloc>",
    "<replace xmlns='urn:xmpp:message-correct:0' id='0'>secret</replace>",
    "<active xmlns='http://jabber.org/protocol/chatstates' note='secret'/>",
    "<active xmlns='http://jabber.org/protocol/chatstates'><body>secret</body></active>",
    "<thread xmlns:p='urn:p' p:x='secret'>t</thread>",
    '<thread><body>secret</body></thread>',
    'secret',
    "<reactions xmlns='urn:xmpp:reactions:0' id='1'><reaction>secret</reaction></reactions>",
    "<x xmlns='urn:unknown' constructor='secret'/>",
    "<constructor xmlns='' a='secret'/>",
  ])('never leaves beside it %s', (child) => {
    const frame = composeOutbound(protect(message(`<body>x</body>${child}`)), [WIRE]);
    expect(frame).not.toContain('secret');
  });

  it('leaves no unknown attribute', () => {
    const xml = message(
      '<body>x</body>',
      "to='a@b' id='1' x='secret' xmlns:p='urn:p' p:to='secret'",
    );
    expect(composeOutbound(protect(xml), [WIRE])).not.toContain('secret');
  });
});

describe('a message without text', () => {
  it.each([
    [
      'a reaction',
      "<reactions xmlns='urn:xmpp:reactions:0' id='1'><reaction>👍</reaction></reactions>",
    ],
    ['a retraction', "<retract xmlns='urn:xmpp:message-retract:1' id='1'/>"],
    [
      'a call',
      "<propose xmlns='urn:xmpp:jingle-message:0' id='1'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>",
    ],
    ['an invitation', "<x xmlns='jabber:x:conference' jid='r@muc.example.org' reason='come'/>"],
    [
      'a mediated invitation',
      "<x xmlns='http://jabber.org/protocol/muc#user'><invite to='a@b'><reason>come</reason></invite></x>",
    ],
  ])('says in clear what every client says in clear: %s', (_name, child) => {
    const planned = plan(message(child));
    if (planned.kind !== 'control') throw new Error(planned.kind);
    expect(planned.peer).toBe('romeo@example.net');
    const wanted = parseFrame(message(child));
    expect(serialise(parseFrame(planned.frame)).length).toBe(serialise(wanted).length);
  });

  it('loses the stand-in text of a reaction', () => {
    const child =
      "<reactions xmlns='urn:xmpp:reactions:0' id='1'><reaction>👍</reaction></reactions>" +
      "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reactions:0'><body/></fallback><body>secret</body>";
    const planned = plan(message(child));
    expect(planned.kind === 'control' && planned.frame).not.toContain('secret');
  });

  it('does not take a text for a stand-in without what it stands for', () => {
    const fallback = "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reactions:0'/>";
    expect(protect(message(`${fallback}<body>x</body>`)).text).toBe('x');
  });

  it('loses the text beside an invitation', () => {
    const planned = plan(
      message("<body>secret</body><x xmlns='jabber:x:conference' jid='r@muc.example.org'/>"),
    );
    expect(planned.kind).toBe('control');
    expect(planned.kind === 'control' && planned.frame).not.toContain('secret');
  });

  it('loses what stands inside a known element', () => {
    const planned = plan(
      message("<active xmlns='http://jabber.org/protocol/chatstates'>secret</active>"),
    );
    expect(planned.kind === 'control' && planned.frame).not.toContain('secret');
  });
});

describe('a message that is refused', () => {
  const body = '<body>x</body>';
  it.each([
    ['content-unsupported', message("<x xmlns='jabber:x:oob'><url>u</url></x>")],
    ['content-unsupported', message('<subject>x</subject>')],
    ['content-unsupported', message('loose text')],
    ['content-unsupported', message("<file xmlns='urn:unknown'/>")],
    [
      'content-unsupported',
      message(`${body}<addresses xmlns='http://jabber.org/protocol/address'/>`),
    ],
    ['content-unsupported', message(`${body}<openpgp xmlns='urn:xmpp:openpgp:0'/>`)],
    ['content-unsupported', message(`${body}<x xmlns='jabber:x:encrypted'/>`)],
    [
      'room-private',
      message(
        `${body}<x xmlns='http://jabber.org/protocol/muc#user'/>`,
        "to='r@muc.example.org/n' type='chat'",
      ),
    ],
    [
      'room-private',
      message(
        "<x xmlns='http://jabber.org/protocol/muc#user'/><file xmlns='urn:unknown'/>",
        "to='r@muc.example.org/n'",
      ),
    ],
    ['too-large', message(`<body>${'ä'.repeat(64 * 1024 + 1)}</body>`)],
    ['malformed', message(body, "type='chat'")],
    ['malformed', message(body, "to='@' type='chat'")],
    ['malformed', "<message to='a@b'><body>x</body></message>"],
    ['malformed', message(body, "type='error'")],
  ])('%s', (code, xml) => {
    expect(plan(xml)).toMatchObject({ kind: 'refuse', code });
  });

  it('is answered by an error the page can match', () => {
    const stanza = parseFrame(message('<body>secret</body>', "to='a@b/c' id='1&apos;&lt;'"));
    const root = parseFrame(errorFrame(stanza, 'no-devices', 'me@example.org/r'));
    const attributes = ['type', 'id', 'from', 'to'].map((name) => root.getAttribute(name));
    expect(attributes).toEqual(['error', "1'<", 'a@b/c', 'me@example.org/r']);
    const error = childOf(root, 'error', CLIENT);
    expect(error && childrenOf(error).map((child) => child.localName)).toEqual([
      'not-acceptable',
      'text',
    ]);
    expect(textOf(root)).toMatch(/no OMEMO device/);
    expect(serialise(root)).not.toContain('secret');
  });

  it('gets an error without what it had not', () => {
    const root = parseFrame(errorFrame(parseFrame(message('', '')), 'malformed'));
    expect(['id', 'from', 'to'].some((name) => root.hasAttribute(name))).toBe(false);
  });
});

describe('an empty message', () => {
  it('has neither body nor EME', () => {
    const { payload: _, ...empty } = WIRE;
    const to = bareJid('a@b');
    const root = parseFrame(composeEmpty(to ?? expect.fail('a JID'), 'i', empty));
    expect(childrenOf(root).map((child) => child.localName)).toEqual(['encrypted', 'store']);
    expect(['to', 'id', 'type'].map((name) => root.getAttribute(name))).toEqual([
      'a@b',
      'i',
      'chat',
    ]);
  });
});
