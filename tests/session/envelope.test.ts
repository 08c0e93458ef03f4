import '../support/dom';
import { describe, expect, it } from 'vitest';
import { bareJid, type BareJid } from '../../src/jid';
import type { OmemoVersion } from '../../src/omemo/types';
import { LEGACY, OMEMO2, VERSIONS } from '../../src/rpc/versions';
import {
  openEnvelope,
  type EnvelopeContext,
  type OpenedEnvelope,
} from '../../src/session/envelope';
import { parseFrame, serialise, textOf } from '../../src/xml/element';
import { fixturesOf } from '../support/fixtures';

const jid = (text: string): BareJid => bareJid(text) ?? expect.fail('a JID');

const AT = Date.UTC(2026, 4, 6, 7, 8, 9);
const CONTEXT: EnvelopeContext = {
  sender: jid('romeo@example.org'),
  recipient: jid('juliet@example.org'),
  isGroup: false,
  at: AT,
};
const ROOM: EnvelopeContext = {
  ...CONTEXT,
  recipient: jid('room@muc.example.org'),
  isGroup: true,
};

const BODY = "<body xmlns='jabber:client'>hi</body>";
const FROM = "<from jid='romeo@example.org'/>";
const TO = "<to jid='juliet@example.org'/>";
const envelope = (inside: string): string =>
  `<envelope xmlns='urn:xmpp:sce:1'>${inside}</envelope>`;
const around = (content: string): string => envelope(`<content>${content}</content><rpad/>${FROM}`);
const emptyMessage = (version: OmemoVersion, besideHeader = ''): string =>
  `<encrypted xmlns='${version}'><header sid='1'/>${besideHeader}</encrypted>`;
const open = (xml: string, context: EnvelopeContext = CONTEXT): OpenedEnvelope =>
  openEnvelope(xml, context);

/** Names of what a page gets, or the code of the refusal. */
function outcome(opened: OpenedEnvelope): readonly string[] | string {
  if (opened.kind === 'refused') return opened.error.code;
  return opened.children.map(({ localName }) => localName);
}

describe('an envelope', () => {
  it.each(fixturesOf('envelope'))('of a real client is opened: $name', ({ xml, expected }) => {
    const opened = open(xml);
    expect([opened.kind, outcome(opened)]).toEqual(['content', expected['content']]);
    expect(opened.kind === 'content' && opened.time.kind).toBe(expected['time']);
  });

  it('keeps text and white space of its content', () => {
    const opened = open(
      `<?xml version='1.0'?>\n${around("<body xmlns='jabber:client'> a\n &lt;b&gt; <![CDATA[&]]> </body>")}`,
    );
    expect(opened.kind === 'content' && opened.children.map(textOf)).toEqual([' a\n <b> & ']);
  });

  it('may be empty', () => {
    expect(open(around(''))).toEqual({ kind: 'content', children: [], time: { kind: 'absent' } });
  });

  it.each(VERSIONS)('may have an empty message inside, which says nothing: %s', (version) => {
    expect(outcome(open(around(emptyMessage(version))))).toEqual([]);
    expect(outcome(open(around(emptyMessage(version) + BODY)))).toEqual(['body']);
  });

  it('may have padding of any kind and length, and affixes nobody knows', () => {
    const rpad = `<rpad>${'x'.repeat(5000)}</rpad><rpad><rpad/></rpad>`;
    const affixes = "<later/><other xmlns='urn:x'/>";
    const xml = envelope(`loose ${rpad}${affixes}<content>loose ${BODY}</content>`);
    expect(outcome(open(xml))).toEqual(['body']);
  });

  it.each([
    ['no XML', 'hello'],
    ['nothing', ''],
    ['a truncated text', around(BODY).slice(0, -1)],
    ['a DOCTYPE', `<!DOCTYPE envelope [<!ENTITY x "y">]>${around(BODY)}`],
    ['an entity', around("<body xmlns='jabber:client'>&x;</body>")],
    ['a comment', around(`<!-- x -->${BODY}`)],
    ['a processing instruction', around(`<?x y?>${BODY}`)],
    ['a character no XML can carry', around("<body xmlns='jabber:client'>&#1;</body>")],
    ['too deep elements', around(`${"<x xmlns='urn:x'>".repeat(40)}${'</x>'.repeat(40)}`)],
    ['two roots', around(BODY) + around(BODY)],
    ['another root', "<body xmlns='jabber:client'>hi</body>"],
    ['another namespace', around(BODY).replace('urn:xmpp:sce:1', 'urn:xmpp:sce:0')],
    ['no content', envelope(FROM)],
    ['two contents', envelope(`<content>${BODY}</content><content>${BODY}</content>`)],
    ['an envelope inside', around(around(BODY))],
    ['an envelope beside', envelope(`<content>${BODY}</content>${around(BODY)}`)],
    ['an envelope deep inside', around(`<x xmlns='urn:x'>${around(BODY)}</x>`)],
    ['a child without namespace', around("<body xmlns=''>hi</body>")],
    [
      'an affix without namespace',
      envelope(`<content>${BODY}</content><from xmlns='' jid='a@b'/>`),
    ],
    ['a ciphertext that says something', around(emptyMessage(OMEMO2, '<payload>AA==</payload>'))],
    [
      'a legacy ciphertext that says something',
      around(emptyMessage(LEGACY, '<payload>AA==</payload>')),
    ],
    ['a ciphertext beside', envelope(`<content>${BODY}</content>${emptyMessage(OMEMO2)}`)],
    ['a ciphertext deep inside', around(`<x xmlns='urn:x'>${emptyMessage(OMEMO2)}</x>`)],
    ['something inside an empty message', around(emptyMessage(OMEMO2, around(BODY)))],
    ['two senders', envelope(`<content>${BODY}</content>${FROM}${FROM}`)],
    ['two recipients', envelope(`<content>${BODY}</content>${TO}${TO}`)],
    ['two times', envelope(`<content>${BODY}</content><time stamp=''/><time stamp=''/>`)],
    ['a sender without address', envelope(`<content>${BODY}</content><from/>`)],
    ['a sender with an impossible address', envelope(`<content>${BODY}</content><from jid='@'/>`)],
    ['a recipient without address', envelope(`<content>${BODY}</content><to/>`)],
  ])('is refused with %s', (_name, xml) => {
    expect(outcome(open(xml))).toBe('malformed');
  });
});

describe('the sender of an envelope', () => {
  const from = (address: string) =>
    outcome(open(envelope(`<content>${BODY}</content><from jid='${address}'/>`)));

  it('is who sent the stanza, or nobody', () => {
    expect(from('romeo@example.org')).toEqual(['body']);
    expect(from('Romeo@Example.org/phone')).toEqual(['body']);
    expect(outcome(open(envelope(`<content>${BODY}</content>`)))).toEqual(['body']);
  });

  it.each(['mallory@example.org', 'example.org', 'romeo@example.org.example.net'])(
    'is not %s',
    (address) => {
      expect(from(address)).toBe('wrong-sender');
    },
  );
});

describe('the recipient of an envelope', () => {
  const to = (affix: string, context: EnvelopeContext) =>
    outcome(open(envelope(`<content>${BODY}</content>${FROM}${affix}`), context));

  it.each([
    ['is us or nobody', CONTEXT, TO, true],
    ['is us or nobody', CONTEXT, "<to jid='Juliet@example.org/x'/>", true],
    ['is us or nobody', CONTEXT, '', true],
    ['is nobody else', CONTEXT, "<to jid='mallory@example.org'/>", false],
    ['is no room we did not get it from', CONTEXT, "<to jid='room@muc.example.org'/>", false],
    ['is the room in a room', ROOM, "<to jid='room@muc.example.org'/>", true],
    ['is not missing in a room', ROOM, '', false],
    ['is not us in a room', ROOM, TO, false],
    ['is no other room', ROOM, "<to jid='other@muc.example.org'/>", false],
  ])('%s (%#)', (_name, context, affix, isRight) => {
    expect(to(affix, context)).toEqual(isRight ? ['body'] : 'wrong-recipient');
  });
});

describe('the time of an envelope', () => {
  const time = (stamp: string) => {
    const opened = open(envelope(`<content>${BODY}</content>${FROM}<time stamp='${stamp}'/>`));
    if (opened.kind !== 'content') throw new Error(opened.kind);
    return opened.time;
  };

  it.each([
    ['2026-05-06T07:08:09Z', 0],
    ['2026-05-06T09:08:09.123+02:00', 123],
    ['2026-05-06T07:18:09Z', 600_000],
    ['2026-05-06T06:58:09Z', -600_000],
  ])('agrees with the servers: %s', (stamp, difference) => {
    expect(time(stamp)).toEqual({ kind: 'plausible', at: AT + difference });
  });

  it.each([
    ['2026-05-06T07:18:10Z', 601_000],
    ['2025-05-06T07:08:09Z', -365 * 86_400_000],
  ])('is marked, never refused, where it does not: %s', (stamp, difference) => {
    expect(time(stamp)).toEqual({ kind: 'implausible', at: AT + difference });
  });

  it.each(['', 'yesterday', '2026-05-06', '2026-05-06T07:08:09', '2026-99-06T07:08:09Z'])(
    'is told apart from none where nobody can read it: "%s"',
    (stamp) => {
      expect(time(stamp)).toEqual({ kind: 'unreadable' });
    },
  );
});

describe('the content of an envelope', () => {
  it.each([
    "<body xmlns='jabber:client' xml:lang='de'>x</body>",
    "<subject xmlns='jabber:client'>x</subject>",
    "<thread xmlns='jabber:client' parent='p'>t</thread>",
    "<paused xmlns='http://jabber.org/protocol/chatstates'/>",
    "<received xmlns='urn:xmpp:receipts' id='1'/>",
    "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>",
    "<replace xmlns='urn:xmpp:message-correct:0' id='1'/>",
    "<reply xmlns='urn:xmpp:reply:0' id='1'/>",
    "<fallback xmlns='urn:xmpp:fallback:0' for='urn:x'/>",
    "<reactions xmlns='urn:xmpp:reactions:0' id='1'><reaction>👍</reaction></reactions>",
    "<retract xmlns='urn:xmpp:message-retract:1' id='1'/>",
    "<apply-to xmlns='urn:xmpp:fasten:0' id='1'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>",
    "<x xmlns='jabber:x:oob'><url>https://example.org/</url></x>",
    "<file-sharing xmlns='urn:xmpp:sfs:0'><file xmlns='urn:xmpp:file:metadata:0'/></file-sharing>",
    "<spoiler xmlns='urn:xmpp:spoiler:0'>hint</spoiler>",
    "<geoloc xmlns='http://jabber.org/protocol/geoloc'><lat>1</lat></geoloc>",
  ])('goes to the page as it is: %s', (child) => {
    const opened = open(around(child));
    const shown = opened.kind === 'content' ? opened.children : [];
    expect(shown.map(serialise)).toEqual([serialise(parseFrame(child))]);
  });

  it.each([
    "<store xmlns='urn:xmpp:hints'/>",
    "<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='juliet@example.org'/>",
    "<origin-id xmlns='urn:xmpp:sid:0' id='1'/>",
    "<addresses xmlns='http://jabber.org/protocol/address'/>",
    "<encryption xmlns='urn:xmpp:eme:0' namespace='x'/>",
    "<delay xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/>",
    "<x xmlns='jabber:x:delay' stamp='20200101T00:00:00'/>",
    "<x xmlns='http://jabber.org/protocol/muc#user'><item jid='a@b'/></x>",
    "<sent xmlns='urn:xmpp:carbons:2'/>",
    "<result xmlns='urn:xmpp:mam:2'/>",
    "<forwarded xmlns='urn:xmpp:forward:0'/>",
    "<event xmlns='http://jabber.org/protocol/pubsub#event'/>",
    "<error xmlns='jabber:client' type='cancel'/>",
    "<message xmlns='jabber:client'/>",
    "<propose xmlns='urn:xmpp:jingle-message:0' id='1'/>",
    "<html xmlns='http://jabber.org/protocol/xhtml-im'/>",
    "<content xmlns='urn:xmpp:content'/>",
    "<body>of the envelope's own namespace</body>",
    "<trust-message xmlns='urn:xmpp:tm:1'/>",
    "<constructor xmlns='jabber:client'/>",
    "<x xmlns='constructor'/>",
    "<x xmlns='urn:unknown'/>",
    "<reference xmlns='urn:xmpp:reference:0'><result xmlns='urn:xmpp:mam:2'/></reference>",
    "<x xmlns='jabber:x:oob'><y xmlns='urn:y'><store xmlns='urn:xmpp:hints'/></y></x>",
  ])('does not go to the page: %s', (child) => {
    expect(outcome(open(around(child + BODY)))).toEqual(['body']);
  });
});

describe('an opt-out', () => {
  const optOut = (inside: string) =>
    open(around(`<opt-out xmlns='urn:xmpp:omemo:2'>${inside}</opt-out>${BODY}`));

  it('is told with its reason', () => {
    expect(optOut('<reason>\n  I need a record. </reason>')).toMatchObject({
      kind: 'opt-out',
      reason: 'I need a record.',
    });
    expect(optOut('')).toMatchObject({ kind: 'opt-out', reason: '' });
    expect(outcome(optOut(''))).toEqual(['body']);
  });

  it('is none in another namespace or deeper', () => {
    const elsewhere = ["<opt-out xmlns='urn:xmpp:omemo:1'/>", '<opt-out/>'];
    const deep =
      "<spoiler xmlns='urn:xmpp:spoiler:0'><opt-out xmlns='urn:xmpp:omemo:2'/></spoiler>";
    for (const child of [...elsewhere, deep]) expect(open(around(child)).kind).toBe('content');
  });

  it('is not believed from someone else', () => {
    const xml = envelope(
      "<content><opt-out xmlns='urn:xmpp:omemo:2'/></content><from jid='mallory@example.org'/>",
    );
    expect(outcome(open(xml))).toBe('wrong-sender');
  });
});
