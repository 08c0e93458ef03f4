import { describe, expect, it } from 'vitest';
import { isInteresting, isStanza, rootName } from '../../../src/stream/hook/peek';

describe('rootName', () => {
  it.each([
    ["<message to='a@example.org'/>", 'message'],
    ['<iq>', 'iq'],
    ['<a/>', 'a'],
    [" \n<?xml version='1.0'?>\n<open xmlns='x'/>", 'open'],
    ["<stream:features xmlns:stream='x'/>", 'features'],
    ["<x:message xmlns:x='jabber:client'/>", 'message'],
    ['', undefined],
    [' \n', undefined],
    ['text', undefined],
    ['<!-- a --><message/>', undefined],
    ['</message>', undefined],
    ['< message/>', undefined],
  ])('reads %j as %s', (text, name) => {
    expect(rootName(text)).toBe(name);
  });
});

describe('isStanza', () => {
  it.each(['<message/>', '<presence type="x"/>', '<iq></iq>', '<c:iq xmlns:c="jabber:client"/>'])(
    'counts %s',
    (text) => {
      expect(isStanza(text)).toBe(true);
    },
  );
  it.each([
    ...['<a h="1"/>', '<r/>', '<open/>', '', ' ', '<iqs/>', '<messages/>'],
    "<active xmlns='urn:xmpp:csi:0'/>",
    "<inactive xmlns='urn:xmpp:csi:0'/>",
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>x</auth>",
    "<success xmlns='urn:xmpp:sasl:2'/>",
    "<stream:features xmlns:stream='x'/>",
  ])('does not count %j (I-35)', (text) => {
    expect(isStanza(text)).toBe(false);
  });
});

describe('a keepalive', () => {
  it.each(['', ' ', '\n', '\r\n \t', 'ping'])('passes either way untouched (I-8): %j', (text) => {
    const prefixes = { prefix: 'first', next: undefined };
    expect(isInteresting('out', text, prefixes)).toBe(false);
    expect(isInteresting('in', text, prefixes)).toBe(false);
  });
});

describe('outbound', () => {
  it.each([
    '<message/>',
    '<!-- odd --><message/>',
    '\ufeff<message/>',
    '<x:message xmlns:x="jabber:client"/>',
    '<iq><message/></iq>',
    "<enable xmlns='urn:xmpp:sm:3'/>",
    "<resume xmlns='urn:xmpp:sm:3' previd='x' h='1'/>",
    "<a xmlns='urn:xmpp:sm:3' h='1'/>",
    "<r xmlns='urn:xmpp:sm:3'/>",
    "<authenticate xmlns='urn:xmpp:sasl:2'/>",
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>",
    "<iq type='set'><query xmlns='jabber:iq:auth'/></iq>",
    "<iq><query xmlns='urn:xmpp:mam:2'/></iq>",
    "<iq><publish node='eu.siacs.conversations.axolotl.devicelist'/></iq>",
    "<iq><publish node='urn:xmpp:omemo:2:devices'/></iq>",
    "<iq type='get'><query xmlns='jabber:iq:roster'/></iq>",
    '<unheard-of/>',
    '<presence/>',
    "<iq type='result'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
  ])('shows %s', (text) => {
    expect(isInteresting('out', text, undefined)).toBe(true);
  });
  it('shows an answer to a question of ours', () => {
    const prefixes = { prefix: 'first', next: undefined };
    expect(isInteresting('out', "<iq id='first-1' type='error'/>", prefixes)).toBe(true);
  });
  it.each([
    '',
    ' ',
    'ping',
    "<iq type='get'><query xmlns='jabber:iq:version'/></iq>",
    "<iq type='get'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>",
    '<close/>',
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>x</auth>",
    '<response/>',
    "<active xmlns='urn:xmpp:csi:0'/>",
  ])('lets %j pass', (text) => {
    expect(isInteresting('out', text, undefined)).toBe(false);
  });
});

describe('inbound', () => {
  const prefixes = { prefix: 'second', next: { prefix: 'first', next: undefined } };
  it.each([
    '<message/>',
    '<!-- odd --><message/>',
    "<enabled xmlns='urn:xmpp:sm:3'/>",
    "<resumed h='1'/>",
    "<failed h='1'/>",
    "<a h='1'/>",
    '<r/>',
    "<success xmlns='urn:xmpp:sasl:2'/>",
    "<iq><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
    "<iq><query xmlns='jabber:iq:roster'/></iq>",
    "<iq><fin xmlns='urn:xmpp:mam:2'/></iq>",
    "<iq><items node='eu.siacs.conversations.axolotl.devicelist'/></iq>",
    "<iq id='first-1' type='result'/>",
    "<iq id='second-9' type='error'/>",
    "<iq type='get'><query xmlns='http://jabber.org/protocol/disco#info' node='a#b'/></iq>",
    "<stream:features xmlns:stream='x'><sm xmlns='urn:xmpp:sm:3'/></stream:features>",
    "<stream:error xmlns:stream='x'/>",
    "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
  ])('shows %s', (text) => {
    expect(isInteresting('in', text, prefixes)).toBe(true);
  });
  it.each([
    '',
    '<presence/>',
    "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
    "<iq id='third-1' type='result'/>",
    "<iq type='result'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    "<stream:features xmlns:stream='x'><message/></stream:features>",
  ])('lets %j pass', (text) => {
    expect(isInteresting('in', text, prefixes)).toBe(false);
  });
  it('shows no reply before its prefix is told', () => {
    expect(isInteresting('in', "<iq id='first-1' type='result'/>", undefined)).toBe(false);
  });
});
