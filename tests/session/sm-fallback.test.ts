import '../support/dom';
import { describe, expect, it } from 'vitest';
import { miscountIn, withoutManagement } from '../../src/session/sm-fallback';
import { parseFrame } from '../../src/xml/element';

const streamError = (inner: string) =>
  parseFrame(
    `<stream:error xmlns:stream='http://etherx.jabber.org/streams'>${inner}</stream:error>`,
  );
const condition = (name: string, text = '') =>
  `<${name} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>` +
  `<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>${text}</text>`;

describe('a stream error', () => {
  it.each([
    // XEP-0198 §4, example 9
    `${condition('undefined-condition')}<handled-count-too-high xmlns='urn:xmpp:sm:3' h='10' send-count='8'/>`,
    `${condition('undefined-condition')}<handled-count-too-high xmlns='urn:xmpp:sm:2' h='10' send-count='8'/>`,
    // Prosody 0.12.3 and ejabberd 23.01, as measured
    condition('undefined-condition', 'Client acknowledged more stanzas than sent by server'),
  ])('tells of a wrong number (I-26, I-36): %s', (inner) => {
    expect(miscountIn(streamError(inner))).toBe('count');
  });

  it('over a conflict may come from one (I-123)', () => {
    expect(miscountIn(streamError(condition('conflict', 'Replaced by new connection')))).toBe(
      'conflict',
    );
  });

  it.each([
    condition('undefined-condition', 'No particular reason'),
    condition('system-shutdown', 'Not acknowledged'),
    condition('policy-violation'),
    "<handled-count-too-high xmlns='urn:x'/>",
    "<conflict xmlns='urn:x'/>",
    '',
  ])('tells of none: %s', (inner) => {
    expect(miscountIn(streamError(inner))).toBeUndefined();
  });

  it('is none in another namespace', () => {
    const frame = parseFrame(`<error xmlns='urn:x'>${condition('conflict')}</error>`);
    expect(miscountIn(frame)).toBeUndefined();
  });
});

const FEATURES =
  `<stream:features xmlns:stream='http://etherx.jabber.org/streams'>` +
  `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><required/></bind>` +
  `<sm xmlns='urn:xmpp:sm:2'><optional/></sm><sm xmlns='urn:xmpp:sm:3'><optional/></sm>` +
  `<authentication xmlns='urn:xmpp:sasl:2'><mechanism>PLAIN</mechanism><inline>` +
  `<sm xmlns='urn:xmpp:sm:3'/><bind xmlns='urn:xmpp:bind:0'><inline>` +
  `<feature var='urn:xmpp:carbons:2'/><feature var='urn:xmpp:sm:3'/></inline></bind>` +
  `</inline></authentication><csi xmlns='urn:xmpp:csi:0'/></stream:features>`;

describe('without stream management (I-36)', () => {
  it('a page is not offered it, and is offered everything else', () => {
    const [frame = ''] = withoutManagement(parseFrame(FEATURES), 'in')?.frames ?? [];
    expect(frame).not.toContain('urn:xmpp:sm:');
    const left = ['xmpp-bind', 'required', 'PLAIN', 'urn:xmpp:bind:0', 'carbons', 'csi'];
    expect(left.filter((part) => !frame.includes(part))).toEqual([]);
  });

  it.each([
    [`<enable xmlns='urn:xmpp:sm:3' resume='true'/>`, 'unexpected-request'],
    [`<resume xmlns='urn:xmpp:sm:3' previd='x' h='1'/>`, 'item-not-found'],
  ])('a page that asks all the same gets no: %s', (text, reason) => {
    const result = withoutManagement(parseFrame(text), 'out');
    expect(result?.frames).toEqual([]);
    expect(parseFrame(result?.answer ?? '').localName).toBe('failed');
    expect(result?.answer).toContain(`<${reason} `);
  });

  it('a login in one frame goes on without it', () => {
    const login =
      `<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>x</initial-response>` +
      `<resume xmlns='urn:xmpp:sm:3' previd='x' h='1'/><bind xmlns='urn:xmpp:bind:0'><tag>a</tag>` +
      `<enable xmlns='urn:xmpp:carbons:2'/><enable xmlns='urn:xmpp:sm:3'/></bind></authenticate>`;
    const [frame = ''] = withoutManagement(parseFrame(login), 'out')?.frames ?? [];
    expect(frame).not.toContain('urn:xmpp:sm:');
    expect(frame).toMatch(/<initial-response>x<.*<tag>a<.*<enable xmlns="urn:xmpp:carbons:2"/);
  });

  it.each([
    ['out', "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'/>"],
    ['out', "<r xmlns='urn:xmpp:sm:3'/>"],
    ['in', "<success xmlns='urn:xmpp:sasl:2'/>"],
  ] as const)('%s goes as it is: %s', (dir, text) => {
    expect(withoutManagement(parseFrame(text), dir)).toBeUndefined();
  });
});
