import '../../support/dom';
import { describe, expect, it } from 'vitest';
import type { BridgeMessage, Direction } from '../../../src/rpc/page-api';
import { createRefuser } from '../../../src/stream/bridge/refuse';
import { childOf, parseFrame } from '../../../src/xml/element';

const SM = 'urn:xmpp:sm:3';

function refused(text: string, dir: Direction = 'out'): BridgeMessage[] {
  const posted: BridgeMessage[] = [];
  const refuse = createRefuser((message) => void posted.push(message));
  refuse({ t: 'frame', s: 4, dir, text, at: { page: 0, wire: 0 } });
  return posted;
}

/** The frames that go on, and what the page gets besides. */
function outcome(text: string) {
  const [release, inject] = refused(text);
  return {
    frames: release?.t === 'release' ? release.frames : undefined,
    told: inject?.t === 'inject' ? inject.text : undefined,
  };
}

describe('a document without session', () => {
  it.each([
    ['<message/>'],
    ["<presence xmlns='jabber:client'/><message id='1'><body>x</body></message>"],
    ["<iq type='result' id='9'/>\n<message id='1'><body>x</body></message>"],
    ["<r xmlns='urn:xmpp:sm:3'/><c:message xmlns:c='jabber:client'/>"],
    ['<message'],
    ['<!DOCTYPE x><message/>'],
  ])('sends no message, whatever it stands behind: %s', (text) => {
    const { frames, told } = outcome(text);
    expect(frames).toEqual([]);
    expect(told).toContain('<not-acceptable');
    if (text.includes("id='1'")) expect(told).toContain("id='1'");
    expect(told).not.toContain("id='9'");
  });

  it.each([
    "<presence xmlns='jabber:client'/>",
    "<iq type='get' id='1'><query node='message'/></iq>",
    "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>",
    "<a xmlns='urn:xmpp:sm:3' h='4'/>",
    ' ',
  ])('sends everything else as it is: %j', (text) => {
    expect(outcome(text)).toEqual({ frames: [text], told: undefined });
  });

  it('gives the page what the server sends', () => {
    const text = '<message><body>x</body></message>';
    expect(refused(text, 'in')).toEqual([{ t: 'release', s: 4, dir: 'in', frames: [text] }]);
  });

  it('tells the page in the words it used, as one well-formed stanza', () => {
    const { told = '' } = outcome(
      `<message from='me@a/b' xmlns="jabber:client" to='x@y/"z"' id="a&amp;'1" type='chat'><body>t</body></message>`,
    );
    const error = parseFrame(told);
    const attribute = (name: string) => error.getAttribute(name);
    expect(['type', 'id', 'from', 'to'].map(attribute)).toEqual([
      'error',
      "a&'1",
      'x@y/"z"',
      'me@a/b',
    ]);
    expect(childOf(error, 'error', 'jabber:client')?.getAttribute('type')).toBe('cancel');
  });

  it.each(["type='error'", 'type="error"', "id='1' type = 'error'"])(
    'answers no error with an error: %s',
    (attributes) => {
      expect(outcome(`<message ${attributes}/>`)).toEqual({ frames: [], told: undefined });
    },
  );
});

describe('stream management of a document without session', () => {
  it.each([
    ['enable', 'unexpected-request', SM],
    ['resume', 'item-not-found', SM],
    ['enable', 'unexpected-request', 'urn:xmpp:sm:2'],
  ])('is refused: <%s/> with %s in %s', (name, condition, ns) => {
    const { frames, told = '' } = outcome(`<${name} xmlns='${ns}' previd='1' h='2'/>`);
    expect(frames).toEqual([]);
    const failed = parseFrame(told);
    expect([failed.localName, failed.namespaceURI]).toEqual(['failed', ns]);
    expect(childOf(failed, condition, 'urn:ietf:params:xml:ns:xmpp-stanzas')).toBeDefined();
  });

  it.each([
    `<resume xmlns='${SM}' previd='1' h='2'/>`,
    `<resume previd='1' h='2' xmlns="${SM}"></resume>`,
    `<bind xmlns='urn:xmpp:bind:0'><enable xmlns='${SM}' resume='true'/></bind>`,
    `<s:resume xmlns:s='${SM}' previd='1' h='2'/>`,
    `<resume xmlns='urn:xmpp:sm:2' previd='1' h='2'/>`,
    `<resume xmlns='${SM}' previd='a>b"/' h='2'/>`,
  ])('is not asked for inside SASL2, where nobody would count: %s', (inline) => {
    const start = "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>";
    const text = `${start}AGE=</initial-response>${inline}</authenticate>`;
    const [frame = ''] = outcome(text).frames ?? [];
    expect(frame).not.toMatch(/<(?:s:)?(?:resume|enable)\b/);
    const rest = parseFrame(frame);
    expect(childOf(rest, 'initial-response', 'urn:xmpp:sasl:2')?.textContent).toBe('AGE=');
  });

  it.each([
    '',
    '<tag>enable</tag>',
    // Carbons are switched on by an element of the same name.
    "<enable xmlns='urn:xmpp:carbons:2'/>",
  ])('leaves SASL2 without it byte for byte: %s', (inline) => {
    const text = `<authenticate xmlns='urn:xmpp:sasl:2'><bind xmlns='urn:xmpp:bind:0'>${inline}</bind></authenticate>`;
    expect(outcome(text)).toEqual({ frames: [text], told: undefined });
  });
});
