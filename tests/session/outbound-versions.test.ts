import '../support/dom';
import { describe, expect, it } from 'vitest';
import { bareJid, type BareJid } from '../../src/jid';
import type { Omemo2Message, WireMessage } from '../../src/rpc/vault-api';
import { findEncrypted } from '../../src/session/codec/codec';
import {
  composeEmpty,
  composeOutbound,
  FALLBACK_BODY,
  planOutbound,
  type ProtectPlan,
} from '../../src/session/outbound';
import { childOf, childrenOf, parseFrame, serialise, textOf } from '../../src/xml/element';

const L = 'eu.siacs.conversations.axolotl';
const V2 = 'urn:xmpp:omemo:2';
const jid = (text: string): BareJid => bareJid(text) ?? expect.fail('a JID');

const LEGACY: WireMessage = {
  version: L,
  senderDeviceId: 7,
  iv: new Uint8Array(12).fill(1),
  keys: [{ deviceId: 9, bytes: new Uint8Array(40).fill(2), isKeyExchange: false }],
  payload: new Uint8Array(5).fill(3),
};

const OMEMO2: Omemo2Message = {
  version: V2,
  senderDeviceId: 7,
  keys: [{ jid: jid('a@b'), deviceId: 8, bytes: new Uint8Array(40).fill(4), isKeyExchange: true }],
  payload: new Uint8Array(16).fill(5),
};

function plan(children: string): ProtectPlan {
  const xml = `<message xmlns='jabber:client' to='a@b/c' type='chat' id='1'>${children}</message>`;
  const planned = planOutbound(parseFrame(xml), () => 'new-id');
  if (planned.kind !== 'protect') throw new Error(planned.kind);
  return planned;
}

/** What stands in a frame, in order: names and namespaces. */
const shape = (frame: string): string[] =>
  childrenOf(parseFrame(frame)).map((child) => `${child.localName} ${child.namespaceURI}`);

const SIGNALS =
  "<request xmlns='urn:xmpp:receipts'/><active xmlns='http://jabber.org/protocol/chatstates'/>" +
  "<replace xmlns='urn:xmpp:message-correct:0' id='0'/><thread>t</thread>";
const FOR_SERVERS =
  "<origin-id xmlns='urn:xmpp:sid:0' id='1'/><private xmlns='urn:xmpp:carbons:2'/><no-copy xmlns='urn:xmpp:hints'/>";

describe('a message in the newer version alone', () => {
  const frame = composeOutbound(plan(`<body>x</body>${SIGNALS}${FOR_SERVERS}`), [OMEMO2]);

  it('has only what servers need beside it, EME, hint and fallback body', () => {
    expect(shape(frame)).toEqual([
      'origin-id urn:xmpp:sid:0',
      'private urn:xmpp:carbons:2',
      'no-copy urn:xmpp:hints',
      `encrypted ${V2}`,
      'encryption urn:xmpp:eme:0',
      'store urn:xmpp:hints',
      'body jabber:client',
    ]);
    expect(childrenOf(parseFrame(frame), 'body').map(textOf)).toEqual([FALLBACK_BODY]);
    const eme = childOf(parseFrame(frame), 'encryption', 'urn:xmpp:eme:0');
    expect(eme?.getAttribute('namespace')).toBe(V2);
    expect(['to', 'id', 'type'].map((name) => parseFrame(frame).getAttribute(name))).toEqual([
      'a@b/c',
      '1',
      'chat',
    ]);
  });

  it('keeps a call beside it, which others read only there', () => {
    const call = "<propose xmlns='urn:xmpp:jingle-message:0' id='1'/>";
    const planned = plan(`<body>x</body>${call}`);
    expect(shape(composeOutbound(planned, [OMEMO2]))[0]).toBe('propose urn:xmpp:jingle-message:0');
    expect(planned.content.map(({ localName }) => localName)).toEqual(['body']);
  });
});

describe('a message in both versions', () => {
  const planned = plan(`<body>secret</body>${SIGNALS}${FOR_SERVERS}`);

  it('Q-4, Q-13: has legacy first, EME of legacy, hint and fallback body', () => {
    const frame = composeOutbound(planned, [LEGACY, OMEMO2]);
    expect(shape(frame).slice(-5)).toEqual([
      `encrypted ${L}`,
      `encrypted ${V2}`,
      'encryption urn:xmpp:eme:0',
      'store urn:xmpp:hints',
      'body jabber:client',
    ]);
    const root = parseFrame(frame);
    expect(childOf(root, 'encryption', 'urn:xmpp:eme:0')?.getAttribute('namespace')).toBe(L);
    expect(childrenOf(root, 'body').map(textOf)).toEqual([FALLBACK_BODY]);
    expect(frame).not.toContain('secret');
    expect(frame).not.toMatch(/>\s+</);
  });

  it('has beside it what legacy devices need', () => {
    expect(shape(composeOutbound(planned, [LEGACY, OMEMO2])).slice(0, -5)).toEqual(
      shape(composeOutbound(planned, [LEGACY])).slice(0, -4),
    );
  });

  it('is not made of one version twice, nor in another order', () => {
    expect(() => composeOutbound(planned, [OMEMO2, OMEMO2])).toThrow('want one of each version');
    expect(() => composeOutbound(planned, [OMEMO2, LEGACY])).toThrow('want legacy first');
  });

  it('is read back', () => {
    const found = findEncrypted(parseFrame(composeOutbound(planned, [LEGACY, OMEMO2])));
    if (found === 'several') throw new Error(found);
    const [legacy, omemo2] = found.map(({ codec, element }) => codec.readMessage(element));
    const { version: _legacy, ...legacyRecord } = LEGACY;
    const { version: _omemo2, ...omemo2Record } = OMEMO2;
    expect([legacy, omemo2]).toEqual([legacyRecord, omemo2Record]);
  });
});

describe('a message in legacy alone', () => {
  it('Q-4: is one ciphertext with everything beside it as ever', () => {
    const frame = composeOutbound(plan(`<body>x</body>${SIGNALS}`), [LEGACY]);
    expect(shape(frame)).toEqual([
      'request urn:xmpp:receipts',
      'active http://jabber.org/protocol/chatstates',
      'replace urn:xmpp:message-correct:0',
      'thread jabber:client',
      `encrypted ${L}`,
      'encryption urn:xmpp:eme:0',
      'store urn:xmpp:hints',
      'body jabber:client',
    ]);
  });
});

describe('what an envelope of a message holds', () => {
  it('is all bodies and everything else that no server has to read', () => {
    const { content, text } = plan(
      "<body>one</body><body xml:lang='de'>eins</body><subject>s</subject>" +
        "<html xmlns='http://jabber.org/protocol/xhtml-im'/><x xmlns='jabber:x:oob'><url>u</url></x>" +
        `<x xmlns='urn:unknown'/>${SIGNALS}${FOR_SERVERS}`,
    );
    expect(text).toBe('one');
    expect(content.map(({ localName }) => localName)).toEqual([
      'body',
      'body',
      'subject',
      'html',
      'x',
      'x',
      'request',
      'active',
      'replace',
      'thread',
    ]);
  });

  it.each([
    ['in the newer version', [OMEMO2] as const],
    ['in both', [LEGACY, OMEMO2] as const],
  ])('never leaves in clear: %s', (_name, messages) => {
    const children =
      "<body>secret</body><body xml:lang='de'>secret</body><subject>secret</subject>" +
      "<x xmlns='jabber:x:oob'><url>secret</url></x><x xmlns='urn:unknown' a='secret'/>" +
      "<reactions xmlns='urn:xmpp:reactions:0' id='1'><reaction>secret</reaction></reactions>secret";
    expect(composeOutbound(plan(children), messages)).not.toContain('secret');
  });
});

describe('an empty message in the newer version', () => {
  it('has neither body nor EME nor payload', () => {
    const { payload: _, ...empty } = OMEMO2;
    const frame = composeEmpty(jid('a@b'), 'i', empty);
    expect(shape(frame)).toEqual([`encrypted ${V2}`, 'store urn:xmpp:hints']);
    expect(serialise(parseFrame(frame))).not.toContain('payload');
    expect(parseFrame(frame).getAttribute('type')).toBe('chat');
  });
});
