import '../support/dom';
import { describe, expect, it } from 'vitest';
import { bareJid, type BareJid } from '../../src/jid';
import type { DecryptOutcome } from '../../src/rpc/vault-api';
import { restore, restoreError, restorePlain } from '../../src/session/inbound';
import { unwrap, type UnwrappedMessage } from '../../src/session/unwrap';
import { childOf, childrenOf, parseFrame, serialise, textOf } from '../../src/xml/element';
import { fixturesOf } from '../support/fixtures';

function jid(text: string): BareJid {
  const bare = bareJid(text);
  if (bare === undefined) throw new TypeError(text);
  return bare;
}

const OWN = jid('juliet@example.org');
const CLIENT = 'jabber:client';
const FORWARD = 'urn:xmpp:forward:0';

function found(stanza: Element): UnwrappedMessage {
  const unwrapped = unwrap(stanza, { own: OWN, isOpenQuery: () => true });
  if (unwrapped.kind !== 'message') throw new Error(unwrapped.kind);
  return unwrapped;
}

const ENCRYPTED =
  "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/><payload>AAAA</payload></encrypted>" +
  "<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl'/>" +
  "<body>fallback</body><body xml:lang='de'>fallback</body>";

const live = (children: string, attributes = ''): string =>
  `<message xmlns='jabber:client' from='romeo@example.net/r' to='${OWN}' id='in' type='chat' ${attributes}>${children}</message>`;

const DELAY = "<delay xmlns='urn:xmpp:delay' from='example.org' stamp='2024-05-06T07:08:09Z'/>";

const carbon = (content: string): string =>
  `<message xmlns='jabber:client' from='${OWN}' to='${OWN}/a' id='out'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='${FORWARD}'>${content}</forwarded></received></message>`;

const archived = (content: string): string =>
  `<message xmlns='jabber:client' to='${OWN}/a' id='out'><result xmlns='urn:xmpp:mam:2' queryid='q' id='28'><forwarded xmlns='${FORWARD}'>${DELAY}${content}</forwarded></result></message>`;

const text = (content: string, trust: 'trusted' | 'distrusted' = 'trusted'): DecryptOutcome => ({
  kind: 'text',
  text: content,
  trust,
  chores: [],
});

const EMPTY: DecryptOutcome = { kind: 'empty', chores: [] };
const FAILED: DecryptOutcome = { kind: 'failed', code: 'bad-mac', chores: [] };

function shown(xml: string, outcome: DecryptOutcome): Element {
  const stanza = parseFrame(xml);
  const before = serialise(stanza);
  const frame = restore(stanza, found(stanza), outcome, OWN);
  expect(serialise(stanza)).toBe(before);
  if (frame === undefined) throw new Error('swallowed');
  return parseFrame(frame);
}

const bodiesOf = (element: Element): string[] => childrenOf(element, 'body', CLIENT).map(textOf);
const names = (element: Element): string[] => childrenOf(element).map((child) => child.localName);

/** An element without the order of its attributes. */
function described(element: Element): unknown {
  const attributes = Array.from(element.attributes, ({ name, value }) => `${name}=${value}`);
  const shown = attributes.filter((attribute) => !attribute.startsWith('xmlns=')).sort();
  const children = childrenOf(element).map(described);
  return [element.namespaceURI, element.localName, shown, children, textOf(element)];
}

describe('a decrypted message', () => {
  it('shows its text and nothing of the ciphertext', () => {
    const root = shown(live(ENCRYPTED), text('a < b & 😀 ]]> </body>'));
    expect(names(root)).toEqual(['body']);
    expect(bodiesOf(root)).toEqual(['a < b & 😀 ]]> </body>']);
    expect(['from', 'to', 'id', 'type'].map((name) => root.getAttribute(name))).toEqual([
      'romeo@example.net/r',
      OWN,
      'in',
      'chat',
    ]);
  });

  it('shows characters no XML can carry as U+FFFD', () => {
    expect(bodiesOf(shown(live(ENCRYPTED), text('a\u0000b\ud800')))).toEqual(['a\ufffdb\ufffd']);
  });

  it.each([
    "<request xmlns='urn:xmpp:receipts'/>",
    "<markable xmlns='urn:xmpp:chat-markers:0'/>",
    "<origin-id xmlns='urn:xmpp:sid:0' id='1'/>",
    `<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='${OWN}'/>`,
    "<replace xmlns='urn:xmpp:message-correct:0' id='0'/>",
    "<reply xmlns='urn:xmpp:reply:0' to='a@b' id='0'/>",
    "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='4'/></fallback>",
    '<thread>t</thread>',
    DELAY,
  ])('keeps %s', (child) => {
    const root = shown(live(ENCRYPTED + child), text('x'));
    expect(names(root)).toHaveLength(2);
    const [kept] = childrenOf(root);
    const [wanted] = childrenOf(parseFrame(live(child)));
    expect(kept && described(kept)).toEqual(wanted && described(wanted));
  });

  it.each([
    "<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>evil</body></html>",
    "<x xmlns='jabber:x:oob'><url>evil</url></x>",
    '<subject>evil</subject>',
    "<retract xmlns='urn:xmpp:message-retract:1' id='evil'/>",
    "<reactions xmlns='urn:xmpp:reactions:0' id='1'><reaction>evil</reaction></reactions>",
    "<envelope xmlns='urn:xmpp:sce:1'>evil</envelope>",
    "<stanza-id xmlns='urn:xmpp:sid:0' id='evil' by='romeo@example.net'/>",
    "<fallback xmlns='urn:xmpp:fallback:0' for='evil'/>",
    '<thread>t<body>evil</body></thread>',
    "<active xmlns='http://jabber.org/protocol/chatstates'>evil</active>",
    'evil',
  ])('loses %s', (child) => {
    expect(serialise(shown(live(ENCRYPTED + child), text('x')))).not.toContain('evil');
  });

  it('stands in its carbon', () => {
    const root = shown(carbon(live(ENCRYPTED)), text('x'));
    const received = childOf(root, 'received', 'urn:xmpp:carbons:2');
    const forwarded = received && childOf(received, 'forwarded', FORWARD);
    const message = forwarded && childOf(forwarded, 'message', CLIENT);
    expect(message && bodiesOf(message)).toEqual(['x']);
    expect(root.getAttribute('from')).toBe(OWN);
    expect(found(root)).toMatchObject({ wrapper: 'carbon', sender: 'romeo@example.net' });
  });

  it('stands in its archive result with ids and date', () => {
    const root = shown(archived(live(ENCRYPTED)), text('x'));
    const result = childOf(root, 'result', 'urn:xmpp:mam:2');
    expect([result?.getAttribute('queryid'), result?.getAttribute('id')]).toEqual(['q', '28']);
    const { at, message } = found(root);
    expect(at).toBe(Date.UTC(2024, 4, 6, 7, 8, 9));
    expect(bodiesOf(message)).toEqual(['x']);
  });

  it('says that its device is distrusted, and corrects nothing', () => {
    const replace = "<replace xmlns='urn:xmpp:message-correct:0' id='0'/>";
    const root = shown(live(ENCRYPTED + replace), text('x', 'distrusted'));
    expect(bodiesOf(root)).toEqual(['[from a distrusted device] x']);
    expect(names(root)).toEqual(['body']);
  });

  it.each([
    '[OMEMO] broken',
    '[not encrypted] x',
    ' \u200b[ＯＭＥＭＯ] x',
    '[From A Distrusted device] x',
    '[written 2026-01-02 03:04 UTC] x',
  ])('cannot speak in our name: %s', (content) => {
    expect(bodiesOf(shown(live(ENCRYPTED), text(content)))).toEqual([
      `[from the sender] ${content}`,
    ]);
  });
});

describe('a message that cannot be opened', () => {
  it('explains why, and corrects nothing', () => {
    const references =
      "<replace xmlns='urn:xmpp:message-correct:0' id='0'/><reply xmlns='urn:xmpp:reply:0' id='0'/>" +
      "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='9'/></fallback>";
    const root = shown(live(ENCRYPTED + references), FAILED);
    expect(bodiesOf(root)).toEqual([
      '[OMEMO] This message is damaged or forged and was not opened.',
    ]);
    expect(names(root)).toEqual(['body']);
  });
});

describe('an empty message', () => {
  it.each([live(ENCRYPTED), carbon(live(ENCRYPTED))])('is swallowed', (xml) => {
    const stanza = parseFrame(xml);
    expect(restore(stanza, found(stanza), EMPTY, OWN)).toBe(undefined);
  });

  it('stays countable in an archive page', () => {
    const root = shown(archived(live(ENCRYPTED)), EMPTY);
    expect(childOf(root, 'result', 'urn:xmpp:mam:2')?.getAttribute('id')).toBe('28');
    expect(bodiesOf(found(root).message)).toEqual([]);
  });
});

describe('a plain message', () => {
  const plain = (xml: string, mark: boolean): string => {
    const stanza = parseFrame(xml);
    return restorePlain(stanza, found(stanza), mark);
  };

  it('comes as it is in a chat that is not encrypted', () => {
    const xml = live(
      "<body>hi</body><html xmlns='http://jabber.org/protocol/xhtml-im'/><x xmlns='urn:x'/>",
    );
    expect(plain(xml, false)).toBe(serialise(parseFrame(xml)));
  });

  it('is marked in every language and as subject where the chat is encrypted', () => {
    const xml = live(
      "<body>hi</body><body xml:lang='de'>hallo</body><subject>s</subject><x xmlns='urn:x'/>",
    );
    const root = parseFrame(plain(xml, true));
    expect(childrenOf(root).map(textOf)).toEqual([
      '[not encrypted] hi',
      '[not encrypted] hallo',
      '[not encrypted] s',
      '',
    ]);
  });

  it.each([
    [
      'html',
      "<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>evil</body></html>",
    ],
    ['a correction', "<replace xmlns='urn:xmpp:message-correct:0' id='evil'/>"],
    [
      'a fallback range',
      "<fallback xmlns='urn:xmpp:fallback:0' for='evil'><body start='0' end='16'/></fallback>",
    ],
  ])('has nothing beside the mark that could undo it: %s', (_name, child) => {
    expect(plain(live(`<body>hi</body>${child}`), true)).not.toContain('evil');
  });

  it.each([false, true])('cannot speak in our name, marked %s', (mark) => {
    const root = parseFrame(plain(live('<body>[OMEMO] x</body>'), mark));
    expect(bodiesOf(root)).toEqual([
      `${mark ? '[not encrypted] ' : ''}[from the sender] [OMEMO] x`,
    ]);
  });

  it('cannot speak in our name through html either', () => {
    const html =
      "<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>[OMEMO] x</body></html>";
    const root = parseFrame(plain(live(`<body>hi</body>${html}`), false));
    expect(names(root)).toEqual(['body']);
    expect(bodiesOf(root)).toEqual(['hi']);
  });

  it.each([carbon(live('<body>hi</body>')), archived(live('<body>hi</body>'))])(
    'is marked inside its wrapper',
    (xml) => {
      expect(bodiesOf(found(parseFrame(plain(xml, true))).message)).toEqual(['[not encrypted] hi']);
    },
  );
});

describe('a bounced message', () => {
  const ERROR = "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";

  it('comes back with the error and the text the page wrote', () => {
    const xml = `<message xmlns='jabber:client' type='error' id='in' from='a@b'>${ENCRYPTED}<store xmlns='urn:xmpp:hints'/>${ERROR}</message>`;
    const root = parseFrame(restoreError(parseFrame(xml), 'mine'));
    expect(names(root)).toEqual(['error', 'body']);
    expect(bodiesOf(root)).toEqual(['mine']);
    expect(root.getAttribute('id')).toBe('in');
    const error = childOf(root, 'error', CLIENT);
    expect(error && names(error)).toEqual(['gone']);
  });

  it('comes back without text when it is not known', () => {
    const root = parseFrame(restoreError(parseFrame(live(ENCRYPTED + ERROR)), undefined));
    expect(names(root)).toEqual(['error']);
  });
});

describe('messages of real clients', () => {
  it.each(fixturesOf('message'))('keep what they need: $name', ({ xml, expected }) => {
    const stanza = parseFrame(xml);
    const unwrapped = unwrap(stanza, { own: OWN, isOpenQuery: () => true });
    if (unwrapped.kind !== 'message') throw new Error(unwrapped.kind);
    const own = jid(stanza.getAttribute('to') ?? OWN);
    const frame = restore(stanza, unwrapped, text('hello'), own);
    const kept = names(parseFrame(frame ?? ''));
    expect(kept).toEqual([
      ...(Array.isArray(expected['keptBeside']) ? expected['keptBeside'] : []),
      'body',
    ]);
  });
});
