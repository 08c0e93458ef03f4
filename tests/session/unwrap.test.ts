import '../support/dom';
import { describe, expect, it } from 'vitest';
import { bareJid, type BareJid } from '../../src/jid';
import { unwrap, type Unwrapped } from '../../src/session/unwrap';
import { parseFrame } from '../../src/xml/element';

function jid(text: string): BareJid {
  const bare = bareJid(text);
  if (bare === undefined) throw new TypeError(text);
  return bare;
}

const OWN = jid('juliet@example.org');
const MAM = 'urn:xmpp:mam:2';

function read(
  xml: string,
  open: (id: string, from: string | null) => boolean = () => false,
): Unwrapped {
  return unwrap(parseFrame(xml), { own: OWN, isOpenQuery: open });
}

/** What matters of an answer, with the id of the message found. */
function summary(unwrapped: Unwrapped): unknown {
  if (unwrapped.kind !== 'message') return unwrapped.kind;
  const { wrapper, message, sender, peer, at } = unwrapped;
  return [wrapper, message.getAttribute('id'), sender, peer, ...(at === undefined ? [] : [at])];
}

const inner = (attributes: string, children = '<body>x</body>'): string =>
  `<message xmlns='jabber:client' id='in' ${attributes}>${children}</message>`;

const forwarded = (content: string): string =>
  `<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2024-05-06T07:08:09Z'/>${content}</forwarded>`;

function carbon(kind: string, content: string, from: string | undefined = OWN): string {
  const sender = from === '' ? '' : ` from='${from}'`;
  return `<message xmlns='jabber:client' id='out'${sender} to='juliet@example.org/a'><${kind} xmlns='urn:xmpp:carbons:2'>${content}</${kind}></message>`;
}

function result(
  content: string,
  from = `from='${OWN}'`,
  ns = MAM,
  queryId = "queryid='q'",
): string {
  return `<message xmlns='jabber:client' id='out' ${from}><result xmlns='${ns}' ${queryId} id='1'>${forwarded(content)}</result></message>`;
}

const RECEIVED = inner("from='romeo@example.net/r' to='juliet@example.org/b'");
const SENT = inner("from='juliet@example.org/b' to='Romeo@Example.net/r'");
const TIME = Date.UTC(2024, 4, 6, 7, 8, 9);

describe('live messages', () => {
  it.each([
    ['of a contact', inner("from='Romeo@example.net/r' type='chat'"), 'romeo@example.net'],
    ['without from', inner(''), OWN],
    ['of the account itself', inner("from='juliet@example.org/b'"), OWN],
    ['of type error', inner("from='romeo@example.net' type='error'"), 'romeo@example.net'],
  ])('are found: %s', (_name, xml, sender) => {
    expect(summary(read(xml))).toEqual(['live', 'in', sender, sender]);
  });

  it.each(['eu.siacs.conversations.axolotl', 'urn:xmpp:omemo:2'])(
    'are found beside a quotation by their ciphertext: %s',
    (ns) => {
      const children = `${forwarded(RECEIVED)}<encrypted xmlns='${ns}'/>`;
      const sender = 'mallory@example.net';
      expect(summary(read(inner(`from='${sender}'`, children)))).toEqual([
        'live',
        'in',
        sender,
        sender,
      ]);
    },
  );

  it('take the time the server says they waited', () => {
    const delay = "<delay xmlns='urn:xmpp:delay' stamp='2024-05-06T07:08:09Z'/>";
    expect(summary(read(inner("from='romeo@example.net'", delay)))).toEqual([
      'live',
      'in',
      'romeo@example.net',
      'romeo@example.net',
      TIME,
    ]);
    const broken = delay.replace('2024', 'soon');
    expect(read(inner("from='romeo@example.net'", broken))).not.toHaveProperty('at');
  });

  it.each([
    ['groupchat', inner("from='room@muc.example.org/nick' type='groupchat'")],
    ['headline', inner("from='example.org' type='headline'")],
    ['an impossible from', inner("from='@'")],
    ['no message', "<presence xmlns='jabber:client'/>"],
    ['another namespace', "<message xmlns='urn:x'/>"],
    ['only a quotation', inner("from='a@b'", forwarded(RECEIVED))],
  ])('are left alone: %s', (_name, xml) => {
    expect(read(xml).kind).toBe('other');
  });

  it('are the message itself, never the quotation in it', () => {
    const xml = inner("from='mallory@example.net'", `${forwarded(RECEIVED)}<body>look</body>`);
    expect(summary(read(xml))).toEqual([
      'live',
      'in',
      'mallory@example.net',
      'mallory@example.net',
    ]);
  });
});

describe('carbons', () => {
  it.each([
    ['received', carbon('received', forwarded(RECEIVED)), 'romeo@example.net'],
    ['sent', carbon('sent', forwarded(SENT)), OWN],
    ['without from', carbon('received', forwarded(RECEIVED), ''), 'romeo@example.net'],
    ['from in other case', carbon('sent', forwarded(SENT), 'Juliet@Example.org'), OWN],
  ])('of the own account are opened: %s', (_name, xml, sender) => {
    expect(summary(read(xml))).toEqual(['carbon', 'in', sender, 'romeo@example.net', TIME]);
  });

  it.each([
    ['a stranger', carbon('received', forwarded(RECEIVED), 'mallory@example.net')],
    ['a stranger, sent', carbon('sent', forwarded(SENT), 'mallory@example.net')],
    ['the own server', carbon('received', forwarded(RECEIVED), 'example.org')],
    ['another own device', carbon('received', forwarded(RECEIVED), 'juliet@example.org/b')],
    ['no JID', carbon('received', forwarded(RECEIVED), '@')],
  ])('from %s are forged', (_name, xml) => {
    expect(read(xml).kind).toBe('forged');
  });

  it.each([
    ['nothing in it', carbon('received', '')],
    ['no message in it', carbon('received', forwarded(''))],
    ['two messages', carbon('received', forwarded(RECEIVED + RECEIVED))],
    ['two forwarded', carbon('received', forwarded(RECEIVED).repeat(2))],
    ['a sent one another wrote', carbon('sent', forwarded(RECEIVED))],
    ['a carbon inside', carbon('received', forwarded(carbon('sent', forwarded(SENT))))],
    ['a result inside', carbon('received', forwarded(result(RECEIVED)))],
    [
      'a carbon and a result',
      carbon('received', forwarded(RECEIVED)).replace(
        '</message></forwarded></received>',
        `$&<result xmlns='${MAM}'/>`,
      ),
    ],
    [
      'two carbons',
      carbon('received', forwarded(RECEIVED)).replace(
        '</received>',
        "</received><sent xmlns='urn:xmpp:carbons:2'/>",
      ),
    ],
  ])('with %s are forged', (_name, xml) => {
    expect(read(xml).kind).toBe('forged');
  });

  it('of rooms are left alone', () => {
    const room = inner("from='room@muc.example.org/n' type='groupchat'");
    expect(read(carbon('received', forwarded(room))).kind).toBe('other');
  });

  it('are not mistaken for a plea not to copy', () => {
    const xml = inner("from='romeo@example.net'", "<private xmlns='urn:xmpp:carbons:2'/>");
    expect(read(xml).kind).toBe('message');
  });
});

describe('archive results', () => {
  const open = (id: string, from: string | null): boolean =>
    id === 'q' && (from === null || from === OWN || from === 'room@muc.example.org');

  it.each([
    ['received', result(RECEIVED), 'romeo@example.net', 'romeo@example.net'],
    ['sent', result(SENT), OWN, 'romeo@example.net'],
    ['without from', result(RECEIVED, ''), 'romeo@example.net', 'romeo@example.net'],
    ['of an older version', result(SENT, '', 'urn:xmpp:mam:1'), OWN, 'romeo@example.net'],
    ['a note to self', result(inner(`from='${OWN}/b' to='${OWN}'`)), OWN, OWN],
    ['a note to nobody', result(inner(`from='${OWN}/b'`)), OWN, OWN],
  ])('of the own archive are opened: %s', (_name, xml, sender, peer) => {
    expect(summary(read(xml, open))).toEqual(['archive', 'in', sender, peer, TIME]);
  });

  it.each([
    ['another id', result(RECEIVED, `from='${OWN}'`, MAM, "queryid='p'")],
    ['no id', result(RECEIVED, `from='${OWN}'`, MAM, '')],
    ['a stranger', result(RECEIVED, "from='mallory@example.net'")],
  ])('nobody asked for are forged: %s', (_name, xml) => {
    expect(read(xml, open).kind).toBe('forged');
  });

  it('with a query without id are opened when such a query is open', () => {
    const asked = (id: string): boolean => id === '';
    expect(read(result(RECEIVED, '', MAM, ''), asked).kind).toBe('message');
  });

  it.each([
    ['of a room', result(RECEIVED, "from='room@muc.example.org'")],
    ['of a message of a room', result(inner("from='room@muc.example.org/n' type='groupchat'"))],
    ['without message', result('')],
    ['with a wrapper inside', result(carbon('received', forwarded(RECEIVED)))],
    ['without sender', result(inner("to='juliet@example.org'"))],
  ])('are left alone: %s', (_name, xml) => {
    expect(read(xml, open).kind).toBe('other');
  });
});
