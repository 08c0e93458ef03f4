// Capabilities: hashes as XEP-0115 1.6 §5.2 and §5.3 print them, and what is made of a page's presence and answers.
import { describe, expect, it } from 'vitest';
import '../support/dom';
import {
  announce,
  announcedIn,
  answerTo,
  isBroadcast,
  NOTIFICATIONS,
  ourCaps,
  verificationString,
  verOf,
  withNotifications,
} from '../../src/session/caps';
import { childrenOf, parseFrame } from '../../src/xml/element';
import { NS } from '../../src/xml/ns';

const FEATURES = ['caps', 'disco#info', 'disco#items', 'muc']
  .map((name) => `<feature var='http://jabber.org/protocol/${name}'/>`)
  .join('');
const SIMPLE = `<query xmlns='${NS.discoInfo}'><identity category='client' name='Exodus 0.9.1' type='pc'/>${FEATURES}</query>`;
const COMPLEX = `<query xmlns='${NS.discoInfo}' node='http://psi-im.org#q07IKJEyjvHSyhy//CH0CxmKi8w='>
<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>
<identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/>${FEATURES}
<x xmlns='${NS.dataForms}' type='result'>
<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>
<field var='ip_version'><value>ipv4</value><value>ipv6</value></field>
<field var='os'><value>Mac</value></field>
<field var='os_version'><value>10.5.1</value></field>
<field var='software'><value>Psi</value></field>
<field var='software_version'><value>0.11</value></field></x></query>`;
const PRESENCE = `<presence xmlns='jabber:client'><show>away</show><c xmlns='${NS.caps}' hash='sha-1' node='https://example.org' ver='abc='/><c xmlns='${NS.caps2}'><hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>AAAA</hash></c></presence>`;

const query = (inner: string) => parseFrame(`<query xmlns='${NS.discoInfo}'>${inner}</query>`);

describe('ver', () => {
  it.each([
    ['the simple example', SIMPLE, 'QgayPKawpkPSDYmwT/WM94uAlu0='],
    ['the complex example', COMPLEX, 'q07IKJEyjvHSyhy//CH0CxmKi8w='],
  ])('is that of %s', async (_name, xml, ver) => {
    expect(await verOf(parseFrame(xml))).toBe(ver);
  });

  it('does not depend on the order of anything', async () => {
    const turned = parseFrame(COMPLEX);
    for (const parent of [turned, ...childrenOf(turned, 'x')]) {
      for (const child of childrenOf(parent).reverse()) parent.appendChild(child);
    }
    expect(await verOf(turned)).toBe('q07IKJEyjvHSyhy//CH0CxmKi8w=');
  });

  it.each([
    ['a feature twice', "<feature var='a'/><feature var='a'/>"],
    ['an identity twice', "<identity category='c' type='t'/><identity category='c' type='t'/>"],
    [
      'a form twice',
      `<x xmlns='${NS.dataForms}'><field var='FORM_TYPE'><value>a</value></field></x>`.repeat(2),
    ],
    ['a name that could pass for several', "<identity category='c' type='t' name='a&lt;b'/>"],
  ])('is none for %s (§5.4)', async (_name, inner) => {
    expect(verificationString(query(inner))).toBe(undefined);
    expect(await ourCaps(undefined, query(inner))).toBe(undefined);
  });

  it('leaves out a form without type', () => {
    const form = `<x xmlns='${NS.dataForms}'><field var='a'><value>b</value></field></x>`;
    expect(verificationString(query(`<feature var='f'/>${form}`))).toBe('f<');
  });

  it('orders by code points, beyond the first plane too', () => {
    expect(verificationString(query("<feature var='\u{1f512}'/><feature var='\uff21'/>"))).toBe(
      '\uff21<\u{1f512}<',
    );
  });
});

describe('the notifications', () => {
  it('are those of both versions (I-50)', () => {
    expect(NOTIFICATIONS).toEqual([
      'eu.siacs.conversations.axolotl.devicelist+notify',
      'urn:xmpp:omemo:2:devices+notify',
    ]);
  });

  it('are added once', () => {
    const once = withNotifications(parseFrame(SIMPLE));
    const twice = withNotifications(once);
    const names = childrenOf(twice, 'feature').map((each) => each.getAttribute('var'));
    expect(names).toHaveLength(6);
    expect(names.slice(4)).toEqual(NOTIFICATIONS);
  });
});

describe('a presence', () => {
  it('tells what it announces, and to whom', () => {
    const presence = parseFrame(PRESENCE);
    expect(announcedIn(presence)).toEqual({ node: 'https://example.org', ver: 'abc=' });
    expect(isBroadcast(presence)).toBe(true);
    expect(announcedIn(parseFrame("<presence xmlns='jabber:client'/>"))).toBe(undefined);
    const others = ["to='room@example.org/n'", "type='unavailable'"];
    for (const attribute of others) {
      expect(isBroadcast(parseFrame(`<presence xmlns='jabber:client' ${attribute}/>`))).toBe(false);
    }
  });

  it('announces ours in the place of any, and keeps the rest', () => {
    const frame = parseFrame(announce(parseFrame(PRESENCE), { node: 'n', ver: 'v' }));
    expect(childrenOf(frame).map(({ localName }) => localName)).toEqual(['show', 'c']);
    expect(announcedIn(frame)).toEqual({ node: 'n', ver: 'v' });
  });
});

describe('an answer', () => {
  it('goes back to who asked, for what was asked', async () => {
    const iq = parseFrame(
      `<iq xmlns='jabber:client' type='get' id='q' from='example.org' to='juliet@example.org/r'><query xmlns='${NS.discoInfo}' node='a#b'/></iq>`,
    );
    const answer = parseFrame(answerTo(iq, parseFrame(SIMPLE)));
    const attributes = ['type', 'id', 'from', 'to'].map((name) => answer.getAttribute(name));
    expect(attributes).toEqual(['result', 'q', 'juliet@example.org/r', 'example.org']);
    const [told] = childrenOf(answer);
    expect(told?.getAttribute('node')).toBe('a#b');
    expect(told && (await verOf(told))).toBe((await ourCaps(undefined, parseFrame(SIMPLE)))?.ver);
  });
});
