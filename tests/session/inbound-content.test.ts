import '../support/dom';
import { describe, expect, it } from 'vitest';
import { bareJid, type BareJid } from '../../src/jid';
import type { Trust } from '../../src/rpc/vault-api';
import { openEnvelope } from '../../src/session/envelope';
import { contextOf, restoreContent } from '../../src/session/inbound-content';
import { unwrap, type UnwrappedMessage } from '../../src/session/unwrap';
import { childOf, childrenOf, parseFrame, serialise, textOf } from '../../src/xml/element';
import { fixture, fixturesOf } from '../support/fixtures';

const jid = (text: string): BareJid => bareJid(text) ?? expect.fail('a JID');
const OWN = jid('juliet@example.org');
const NOW = Date.UTC(2026, 4, 6, 7, 8, 9);
const CLIENT = 'jabber:client';
const FORWARD = 'urn:xmpp:forward:0';

const ENCRYPTED =
  "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/><payload>AAAA</payload></encrypted>" +
  "<encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:omemo:2'/>";

const live = (beside = '', attributes = `from='romeo@example.org/r' to='${OWN}/a'`): string =>
  `<message xmlns='jabber:client' ${attributes} id='in' type='chat'>${ENCRYPTED}${beside}</message>`;

const sent = (): string =>
  `<message xmlns='jabber:client' from='${OWN}' to='${OWN}/a'><sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='${FORWARD}'>${live('', `from='${OWN}/b' to='romeo@example.org'`)}</forwarded></sent></message>`;

const archived = (): string =>
  `<message xmlns='jabber:client' to='${OWN}/a' id='out'><result xmlns='urn:xmpp:mam:2' queryid='q' id='28'><forwarded xmlns='${FORWARD}'><delay xmlns='urn:xmpp:delay' stamp='2026-05-01T00:00:00Z'/>${live()}</forwarded></result></message>`;

function found(stanza: Element): UnwrappedMessage {
  const unwrapped = unwrap(stanza, { own: OWN, isOpenQuery: () => true });
  if (unwrapped.kind !== 'message') throw new Error(unwrapped.kind);
  return unwrapped;
}

const envelope = (content: string, affixes = ''): string =>
  `<envelope xmlns='urn:xmpp:sce:1'><content>${content}</content><rpad/>${affixes}</envelope>`;

const body = (text: string): string => `<body xmlns='jabber:client'>${text}</body>`;

function restored(xml: string, plaintext: string, trust: Trust = 'trusted'): string | undefined {
  const stanza = parseFrame(xml);
  const unwrapped = found(stanza);
  const before = serialise(stanza);
  const opened = openEnvelope(plaintext, contextOf(unwrapped, OWN, NOW));
  const frame = restoreContent(stanza, unwrapped, opened, trust, OWN);
  expect(serialise(stanza)).toBe(before);
  return frame;
}

function shown(xml: string, plaintext: string, trust: Trust = 'trusted'): Element {
  return parseFrame(restored(xml, plaintext, trust) ?? expect.fail('swallowed'));
}

const names = (element: Element): string[] => childrenOf(element).map((child) => child.localName);
const bodiesOf = (element: Element): string[] => childrenOf(element, 'body', CLIENT).map(textOf);

describe('a message with an envelope', () => {
  it('shows the content in place of the ciphertext', () => {
    const root = shown(
      live(),
      envelope(
        body('a &lt; b 😀') +
          "<body xmlns='jabber:client' xml:lang='de'>eins</body><subject xmlns='jabber:client'>s</subject>" +
          "<x xmlns='jabber:x:oob'><url>https://example.org/</url></x>",
      ),
    );
    expect(names(root)).toEqual(['body', 'body', 'subject', 'x']);
    expect(bodiesOf(root)).toEqual(['a < b 😀', 'eins']);
    expect(childrenOf(root)[1]?.getAttribute('xml:lang')).toBe('de');
    expect(textOf(root)).toContain('https://example.org/');
    expect(['from', 'id', 'type'].map((name) => root.getAttribute(name))).toEqual([
      'romeo@example.org/r',
      'in',
      'chat',
    ]);
  });

  it('reads a body as text only', () => {
    const root = shown(
      live(),
      envelope("<body xmlns='jabber:client'>a<b xmlns='urn:x'>b</b></body>"),
    );
    expect(childrenOf(childrenOf(root)[0] ?? root)).toEqual([]);
    expect(bodiesOf(root)).toEqual(['ab']);
  });

  it.each([
    ['Q-11: a fallback body', '<body>evil</body>'],
    ['a body in another language', "<body xml:lang='de'>evil</body>"],
    ['a subject', '<subject>evil</subject>'],
    ['a thread', '<thread>evil</thread>'],
    ['XHTML-IM', "<html xmlns='http://jabber.org/protocol/xhtml-im'><body>evil</body></html>"],
    ['a link', "<x xmlns='jabber:x:oob'><url>evil</url></x>"],
    ['a correction', "<replace xmlns='urn:xmpp:message-correct:0' id='evil'/>"],
    ['a retraction', "<retract xmlns='urn:xmpp:message-retract:1' id='evil'/>"],
    ['a reply', "<reply xmlns='urn:xmpp:reply:0' id='evil'/>"],
    ['a fallback range', "<fallback xmlns='urn:xmpp:fallback:0' for='evil'/>"],
    ['a reaction', "<reactions xmlns='urn:xmpp:reactions:0' id='evil'/>"],
    ['a receipt', "<received xmlns='urn:xmpp:receipts' id='evil'/>"],
    ['a marker', "<displayed xmlns='urn:xmpp:chat-markers:0' id='evil'/>"],
    ['a chat state', "<composing xmlns='http://jabber.org/protocol/chatstates'/>"],
    [
      'an envelope in clear',
      `<envelope xmlns='urn:xmpp:sce:1'><content>${body('evil')}</content></envelope>`,
    ],
    ['an id of somebody', "<stanza-id xmlns='urn:xmpp:sid:0' id='evil' by='romeo@example.org'/>"],
    ['something unknown', "<evil xmlns='urn:x'/>"],
    ['loose text', 'evil'],
  ])('loses what stands in clear beside it: %s', (_name, beside) => {
    const frame = restored(live(beside), envelope(body('x')));
    expect(frame).not.toContain('evil');
    expect(names(parseFrame(frame ?? ''))).toEqual(['body']);
    expect(bodiesOf(parseFrame(frame ?? ''))).toEqual(['x']);
  });

  it.each([
    `<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='${OWN}'/>`,
    "<origin-id xmlns='urn:xmpp:sid:0' id='1'/>",
    "<delay xmlns='urn:xmpp:delay' stamp='2026-05-06T07:08:09Z'/>",
    "<store xmlns='urn:xmpp:hints'/>",
    "<request xmlns='urn:xmpp:receipts'/>",
    "<markable xmlns='urn:xmpp:chat-markers:0'/>",
  ])('keeps what servers say and what asks for an answer: %s', (beside) => {
    expect(names(shown(live(beside), envelope(body('x'))))).toHaveLength(2);
  });

  it('asks once for what is asked for both beside it and inside', () => {
    const request = "<request xmlns='urn:xmpp:receipts'/>";
    const sources =
      "<sources xmlns='urn:xmpp:sfs:0' id='1'/><sources xmlns='urn:xmpp:sfs:0' id='2'/>";
    const root = shown(live(request), envelope(body('x') + request + sources));
    expect(names(root)).toEqual(['body', 'request', 'sources', 'sources']);
  });

  it('stands in its archive result, or as the copy of what an own device sent', () => {
    const result = childOf(shown(archived(), envelope(body('x'))), 'result', 'urn:xmpp:mam:2');
    expect(result?.getAttribute('id')).toBe('28');
    const to = "<to jid='romeo@example.org'/><from jid='juliet@example.org'/>";
    const { message, sender, peer } = found(shown(sent(), envelope(body('x'), to)));
    expect([sender, peer, bodiesOf(message)]).toEqual([OWN, 'romeo@example.org', ['x']]);
  });

  it.each([
    ['another sender', "<from jid='mallory@example.org'/>", 'someone else than it claims'],
    ['another chat', "<to jid='mallory@example.org'/>", 'for another chat'],
    ['a broken form', '<to/>', 'is malformed'],
  ])('is explained, not shown, with %s', (_name, affix, reason) => {
    const root = shown(live('<body>evil</body>'), envelope(body('secret'), affix));
    expect(bodiesOf(root)).toHaveLength(1);
    expect(bodiesOf(root)[0]).toMatch(/^\[OMEMO\] /);
    expect(bodiesOf(root)[0]).toContain(reason);
    expect(serialise(root)).not.toMatch(/secret|evil/);
  });

  it('is swallowed without anything for a page, and stays countable in the archive', () => {
    expect(restored(live('<body>fallback</body>'), fixture('qxmpp/trust-message'))).toBeUndefined();
    expect(restored(live(), envelope(''))).toBeUndefined();
    const result = childOf(shown(archived(), envelope('')), 'result', 'urn:xmpp:mam:2');
    expect(result?.getAttribute('id')).toBe('28');
  });
});

describe('Q-15: references of a text', () => {
  const REFERENCES =
    "<reply xmlns='urn:xmpp:reply:0' id='1'/>" +
    "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='2'/></fallback>" +
    "<replace xmlns='urn:xmpp:message-correct:0' id='0'/>";

  it('stay where the text is as it was written, counted in code points', () => {
    const root = shown(live(), envelope(body('😀\nyes') + REFERENCES));
    expect(names(root)).toEqual(['body', 'reply', 'fallback', 'replace']);
    const range = childrenOf(childrenOf(root)[2] ?? root)[0];
    const end = Number(range?.getAttribute('end'));
    expect(
      Array.from(bodiesOf(root)[0] ?? '')
        .slice(end)
        .join(''),
    ).toBe('yes');
  });

  it('go where a remark of ours stands in front', () => {
    const root = shown(live(), envelope(body('[OMEMO] broken') + REFERENCES));
    expect(names(root)).toEqual(['body']);
    expect(bodiesOf(root)).toEqual(['[from the sender] [OMEMO] broken']);
  });
});

describe('a distrusted device', () => {
  const content =
    `${body('x')}<subject xmlns='jabber:client'>s</subject>` +
    "<reactions xmlns='urn:xmpp:reactions:0' id='1'/><retract xmlns='urn:xmpp:message-retract:1' id='1'/>";

  it('gets only text through, with a remark', () => {
    const root = shown(live(), envelope(content), 'distrusted');
    expect(childrenOf(root).map((child) => [child.localName, textOf(child)])).toEqual([
      ['body', '[from a distrusted device] x'],
      ['subject', '[from a distrusted device] s'],
    ]);
  });

  it('gets nothing through without text', () => {
    const reaction = "<reactions xmlns='urn:xmpp:reactions:0' id='1'/>";
    expect(restored(live(), envelope(reaction), 'distrusted')).toBeUndefined();
    expect(names(shown(live(), envelope(reaction)))).toEqual(['reactions']);
  });
});

describe('an opt-out', () => {
  const optOut = (content: string): string =>
    envelope(`<opt-out xmlns='urn:xmpp:omemo:2'>${content}</opt-out>`);

  it('is explained with the words of the other side', () => {
    const [text] = bodiesOf(shown(live(), optOut('<reason>no more</reason>')));
    expect(text).toBe('[OMEMO] This contact asks to go on without encryption. They say: no more');
    const [alone] = bodiesOf(shown(live(), optOut('')));
    expect(alone).toBe('[OMEMO] This contact asks to go on without encryption.');
  });

  it('stands in front of a text', () => {
    const both = envelope(`<opt-out xmlns='urn:xmpp:omemo:2'/>${body('sorry')}`);
    const [text] = bodiesOf(shown(live(), both));
    expect(text).toMatch(/^\[OMEMO\] .*\nsorry$/);
  });

  it('of a distrusted device says so', () => {
    const [text] = bodiesOf(shown(live(), optOut(''), 'distrusted'));
    expect(text).toMatch(/^\[from a distrusted device\] \[OMEMO\] /);
  });
});

describe('messages of real clients', () => {
  it.each(fixturesOf('omemo2-message'))('keep what they need: $name', ({ xml, expected }) => {
    const beside = expected['keptBeside'];
    const kept = names(shown(xml, envelope(body('hello'))));
    expect(kept).toEqual([...(Array.isArray(beside) ? beside : []), 'body']);
  });
});
