import '../support/dom';
import { describe, expect, it } from 'vitest';
import { accountIn, accountOf } from '../../src/session/account';
import { parseFrame } from '../../src/xml/element';

const SASL2 = 'urn:xmpp:sasl:2';
const account = (xml: string) => accountIn(parseFrame(xml));

const bound = (jid: string, attributes = '') =>
  `<iq xmlns='jabber:client' type='result' id='b' ${attributes}>` +
  `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>${jid}</jid></bind></iq>`;

const success = (jid: string, rest = "<bound xmlns='urn:xmpp:bind:0'/>") =>
  `<success xmlns='${SASL2}'><authorization-identifier>${jid}</authorization-identifier>${rest}</success>`;

const BALCONY = { bare: 'juliet@example.org', full: 'juliet@example.org/balcony' };

describe('the account of a stream (I-37, I-38)', () => {
  it.each([
    ['a bind result', bound('juliet@example.org/balcony')],
    [
      'a bind result of the domain',
      bound('juliet@example.org/balcony', "from='example.org' to='x'"),
    ],
    [
      'a bind result of the account',
      bound('juliet@example.org/balcony', "from='JULIET@example.org'"),
    ],
    ['a bind result with white space', bound(' juliet@example.org/balcony\n')],
    ['a success with Bind 2', success('juliet@example.org/balcony')],
  ])('is told by %s', (_name, xml) => {
    expect(account(xml)).toEqual(BALCONY);
  });

  it.each([
    // Anyone can send an IQ; only the own server's says who we are.
    ['a contact’s IQ', bound('juliet@example.org/balcony', "from='romeo@example.net'")],
    ['a neighbour’s IQ', bound('juliet@example.org/balcony', "from='romeo@example.org'")],
    ['another domain’s IQ', bound('juliet@example.org/balcony', "from='ample.org'")],
    ['a subdomain’s IQ', bound('juliet@example.org/balcony', "from='x.example.org'")],
    ['a request', bound('juliet@example.org/balcony').replace("'result'", "'set'")],
    ['an error', bound('juliet@example.org/balcony').replace("'result'", "'error'")],
    ['a message', bound('juliet@example.org/balcony').replaceAll('iq', 'message')],
    ['a domain', bound('example.org/balcony')],
    ['no JID', bound('ju liet@example.org')],
    ['an empty JID', bound('')],
    ['SASL of another namespace', success('juliet@example.org/b').replace(SASL2, 'urn:x')],
    ['a success without account', `<success xmlns='${SASL2}'/>`],
  ])('is not told by %s', (_name, xml) => {
    expect(account(xml)).toBeUndefined();
  });

  it('is not told by a success after which a resource is still to be bound', () => {
    // Requests before binding are answered by not-authorized: the keys would not get to the server.
    expect(account(success('juliet@example.org', ''))).toBeUndefined();
    expect(account(success('juliet@example.org', "<bound xmlns='urn:x'/>"))).toBeUndefined();
  });

  it('is not told by a success that resumes, whose account is the one bound before', () => {
    const resumed = "<resumed xmlns='urn:xmpp:sm:3' previd='1' h='0'/>";
    expect(account(success('juliet@example.org', resumed))).toBeUndefined();
  });
});

describe('a JID of an account', () => {
  it.each([
    ['Juliet@Example.org/Balcony', 'juliet@example.org', 'juliet@example.org/Balcony'],
    ['juliet@example.org/a/b@c', 'juliet@example.org', 'juliet@example.org/a/b@c'],
    ['juliet@example.org', 'juliet@example.org', undefined],
    ['juliet@example.org/', 'juliet@example.org', undefined],
  ])('%s keeps its resource as it is', (text, bare, full) => {
    expect(accountOf(text)).toEqual(full === undefined ? { bare } : { bare, full });
  });
});
