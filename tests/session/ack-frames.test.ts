import '../support/dom';
import { describe, expect, it } from 'vitest';
import { resumeRefusal, smElementsIn, withH, withoutResume } from '../../src/session/ack-frames';
import { childOf, parseFrame } from '../../src/xml/element';

const SM = "xmlns='urn:xmpp:sm:3'";
const AUTHENTICATE =
  "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>AA==</initial-response>" +
  `<resume ${SM} previd='x' h='5'/><bind xmlns='urn:xmpp:bind:0'><tag>t</tag><enable ${SM} resume='true'/></bind></authenticate>`;

const elements = (xml: string): unknown => smElementsIn(parseFrame(xml));

describe('stream management in a frame', () => {
  it.each([
    [`<a ${SM} h='4294967295'/>`, [{ kind: 'a', h: 4294967295 }]],
    [`<r ${SM}/>`, [{ kind: 'r' }]],
    ["<a xmlns='urn:xmpp:sm:2' h='0'/>", [{ kind: 'a', h: 0 }]],
    [`<enable ${SM} resume='true'/>`, [{ kind: 'enable' }]],
    [`<enabled ${SM} id='i' resume='true'/>`, [{ kind: 'enabled', id: 'i' }]],
    [`<enabled ${SM} id='i' resume='1'/>`, [{ kind: 'enabled', id: 'i' }]],
    [`<enabled ${SM} id='i'/>`, [{ kind: 'enabled' }]],
    [`<resume ${SM} previd='p' h='3'/>`, [{ kind: 'resume', h: 3, id: 'p' }]],
    [`<resumed ${SM} previd='p' h='3'/>`, [{ kind: 'resumed', h: 3, id: 'p' }]],
    [`<failed ${SM} h='9'/>`, [{ kind: 'failed', h: 9 }]],
    [AUTHENTICATE, [{ kind: 'resume', h: 5, id: 'x' }, { kind: 'enable' }]],
    [
      `<success xmlns='urn:xmpp:sasl:2'><bound xmlns='urn:xmpp:bind:0'><enabled ${SM} id='i' resume='true'/></bound></success>`,
      [{ kind: 'enabled', id: 'i' }],
    ],
    [
      `<success xmlns='urn:xmpp:sasl:2'><resumed ${SM} previd='p' h='3'/></success>`,
      [{ kind: 'resumed', h: 3, id: 'p' }],
    ],
  ])('reads %s', (xml, expected) => {
    expect(elements(xml)).toEqual(expected);
  });

  it.each(['4294967296', '-1', '1.5', '', ' 1', '0x1', '99999999999'])('has no number %j', (h) => {
    expect(elements(`<a ${SM} h='${h}'/>`)).toEqual([{ kind: 'a' }]);
  });

  it.each([
    "<a xmlns='urn:other' h='1'/>",
    `<x ${SM} h='1'/>`,
    `<message xmlns='jabber:client'><a ${SM} h='1'/></message>`,
    `<iq xmlns='jabber:client'><bind xmlns='urn:xmpp:bind:0'><enable ${SM}/></bind></iq>`,
  ])('is not in %s', (xml) => {
    expect(elements(xml)).toEqual([]);
  });

  it('is written with another h and nothing else changed', () => {
    const root = parseFrame(`<resume ${SM} previd='p' h='3' x='y'/>`);
    expect(withH(root, 'resume', 7)).toBe('<resume xmlns="urn:xmpp:sm:3" previd="p" h="7" x="y"/>');
    expect(root.getAttribute('h')).toBe('3');
  });

  it('is written inside SASL2', () => {
    const root = parseFrame(AUTHENTICATE);
    const written = parseFrame(withH(root, 'resume', 8));
    expect(smElementsIn(written)).toEqual([{ kind: 'resume', h: 8, id: 'x' }, { kind: 'enable' }]);
    expect(written.textContent).toBe(root.textContent);
  });

  it('loses an inline resumption', () => {
    const written = parseFrame(withoutResume(parseFrame(AUTHENTICATE)));
    expect(smElementsIn(written)).toEqual([{ kind: 'enable' }]);
    expect(childOf(written, 'initial-response', 'urn:xmpp:sasl:2')?.textContent).toBe('AA==');
  });

  it('refuses a resumption in the words of the specification', () => {
    const refusal = resumeRefusal(parseFrame(`<resume ${SM} previd='p' h='3'/>`));
    expect(refusal).toMatch(/^<failed xmlns=['"]urn:xmpp:sm:3['"]>/);
    const root = parseFrame(refusal);
    expect(smElementsIn(root)).toEqual([{ kind: 'failed' }]);
    expect(childOf(root, 'item-not-found', 'urn:ietf:params:xml:ns:xmpp-stanzas')).toBeDefined();
  });
});
