import '../support/dom';
import { describe, expect, it } from 'vitest';
import { bareJid, type BareJid } from '../../src/jid';
import { openEnvelope } from '../../src/session/envelope';
import { buildEnvelope, type EnvelopeParts } from '../../src/session/envelope-build';
import { contentOf } from '../../src/session/envelope-rules';
import { childOf, childrenOf, parseFrame, serialise, textOf } from '../../src/xml/element';

const SCE = 'urn:xmpp:sce:1';
const jid = (text: string): BareJid => bareJid(text) ?? expect.fail('a JID');
const AT = Date.UTC(2026, 4, 6, 7, 8, 9);

const message = (children: string): Element =>
  parseFrame(`<message xmlns='jabber:client' to='a@b'>${children}</message>`);

const parts = (children: string): EnvelopeParts => ({
  content: contentOf(message(children)),
  from: jid('juliet@example.org'),
  to: jid('romeo@example.org'),
  at: AT,
});

/** Bytes that are all the same. */
const all =
  (value: number) =>
  (length: number): Uint8Array =>
    new Uint8Array(length).fill(value);

function built(envelope: EnvelopeParts, random = all(0)): string {
  const result = buildEnvelope(envelope, random);
  if (result.kind !== 'built') throw new Error(result.kind);
  return result.xml;
}

const size = (xml: string): number => new TextEncoder().encode(xml).length;

describe('an envelope of ours', () => {
  it('holds content, padding, sender, recipient and time', () => {
    const root = parseFrame(built(parts('<body>hi</body>')));
    expect([root.localName, root.namespaceURI]).toEqual(['envelope', SCE]);
    expect(childrenOf(root, undefined, SCE).map((child) => child.localName)).toEqual([
      'content',
      'rpad',
      'from',
      'to',
      'time',
    ]);
    const attribute = (name: string, of: string) => childOf(root, name, SCE)?.getAttribute(of);
    expect(attribute('from', 'jid')).toBe('juliet@example.org');
    expect(attribute('to', 'jid')).toBe('romeo@example.org');
    expect(attribute('time', 'stamp')).toBe('2026-05-06T07:08:09.000Z');
    const content = childOf(root, 'content', SCE);
    const [body] = content ? childrenOf(content) : [];
    expect(body && [body.localName, body.namespaceURI, textOf(body)]).toEqual([
      'body',
      'jabber:client',
      'hi',
    ]);
  });

  it('is opened by the other side', () => {
    const opened = openEnvelope(built(parts("<body>a &lt; b 😀</body><x xmlns='jabber:x:oob'/>")), {
      sender: jid('juliet@example.org'),
      recipient: jid('romeo@example.org'),
      isGroup: false,
      at: AT,
    });
    if (opened.kind !== 'content') throw new Error(opened.kind);
    expect(opened.children.map((child) => [child.localName, textOf(child)])).toEqual([
      ['body', 'a < b 😀'],
      ['x', ''],
    ]);
    expect(opened.time).toEqual({ kind: 'plausible', at: AT });
  });

  it('does not change what it was given', () => {
    const given = message('<body>hi</body>');
    const before = serialise(given);
    built({ ...parts(''), content: contentOf(given) });
    expect(serialise(given)).toBe(before);
  });
});

describe('the padding of an envelope', () => {
  const rpadOf = (xml: string): string => {
    const rpad = childOf(parseFrame(xml), 'rpad', SCE);
    return rpad === undefined ? expect.fail('padding') : textOf(rpad);
  };
  /** The two bytes that choose the length, then zeros. */
  const choosing =
    (high: number, low: number) =>
    (length: number): Uint8Array =>
      length === 2 ? Uint8Array.of(high, low) : new Uint8Array(length);

  it('makes short messages equally long', () => {
    const sizes = ['', 'a', 'a'.repeat(50)].map((text) =>
      size(built(parts(`<body>${text}x</body>`))),
    );
    expect(new Set(sizes).size).toBe(1);
    expect(sizes[0]).toBeGreaterThanOrEqual(512);
  });

  it('adds 0 to 200 random characters', () => {
    const long = parts(`<body>${'a'.repeat(1000)}</body>`);
    const lengths = [
      [0, 0],
      [0, 200],
      [0, 201],
      [0xff, 0xff],
    ].map(([high = 0, low = 0]) => rpadOf(built(long, choosing(high, low))).length);
    expect(lengths).toEqual([0, 200, 0, 0xffff % 201]);
  });

  it('consists of characters no XML escapes, each for as many bytes', () => {
    const every = (length: number): Uint8Array =>
      Uint8Array.from({ length }, (_value, index) => index % 256);
    const rpad = rpadOf(built(parts(''), every));
    expect(rpad).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(new Set(rpad.slice(0, 64)).size).toBe(64);
  });

  it('differs with the bytes', () => {
    expect(built(parts(''), all(1))).not.toBe(built(parts(''), all(2)));
  });
});

describe('an envelope too large for a stanza', () => {
  it('is not built', () => {
    const body = (length: number) => parts(`<body>${'ä'.repeat(length)}</body>`);
    expect(buildEnvelope(body(64 * 1024), all(0))).toEqual({ kind: 'too-large' });
    expect(buildEnvelope(body(63 * 1024), all(0)).kind).toBe('built');
  });
});

describe('of a message of ours goes inside', () => {
  const inside = (child: string): number => contentOf(message(child)).length;

  it.each([
    "<body xml:lang='de'>x</body>",
    '<subject>x</subject>',
    '<thread>x</thread>',
    "<html xmlns='http://jabber.org/protocol/xhtml-im'/>",
    "<x xmlns='jabber:x:oob'><url>aesgcm://</url></x>",
    "<active xmlns='http://jabber.org/protocol/chatstates'/>",
    "<request xmlns='urn:xmpp:receipts'/>",
    "<markable xmlns='urn:xmpp:chat-markers:0'/>",
    "<replace xmlns='urn:xmpp:message-correct:0' id='1'/>",
    "<reply xmlns='urn:xmpp:reply:0' id='1'/>",
    "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'/>",
    "<reactions xmlns='urn:xmpp:reactions:0' id='1'/>",
    "<retract xmlns='urn:xmpp:message-retract:1' id='1'/>",
    "<attention xmlns='urn:xmpp:attention:0'/>",
    "<file-sharing xmlns='urn:xmpp:sfs:0'/>",
    "<anything xmlns='urn:unknown'>secret</anything>",
  ])('%s', (child) => {
    expect(inside(child)).toBe(1);
  });

  it.each([
    "<store xmlns='urn:xmpp:hints'/>",
    "<origin-id xmlns='urn:xmpp:sid:0' id='1'/>",
    "<stanza-id xmlns='urn:xmpp:sid:0' id='1'/>",
    "<private xmlns='urn:xmpp:carbons:2'/>",
    "<encryption xmlns='urn:xmpp:eme:0'/>",
    "<addresses xmlns='http://jabber.org/protocol/address'/>",
    "<delay xmlns='urn:xmpp:delay'/>",
    "<x xmlns='jabber:x:delay'/>",
    "<archived xmlns='urn:xmpp:mam:tmp'/>",
    "<result xmlns='urn:xmpp:mam:2'/>",
    "<pubsub xmlns='http://jabber.org/protocol/pubsub'/>",
    "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'/>",
    "<event xmlns='http://jabber.org/protocol/pubsub#event'/>",
    "<encrypted xmlns='urn:xmpp:omemo:1'/>",
    "<envelope xmlns='urn:xmpp:sce:1'/>",
    "<opt-out xmlns='urn:xmpp:omemo:2'/>",
    "<error type='cancel'/>",
    "<x xmlns='http://jabber.org/protocol/muc#user'/>",
    "<propose xmlns='urn:xmpp:jingle-message:0' id='1'/>",
    "<x xmlns='urn:x'><forwarded xmlns='urn:xmpp:forward:0'/></x>",
    "<body xmlns=''>x</body>",
    'loose text',
  ])('nothing of %s', (child) => {
    expect(inside(child)).toBe(0);
  });
});
