import '../support/dom';
import { describe, expect, it } from 'vitest';
import { publishesOmemo } from '../../src/session/route';
import { parseFrame } from '../../src/xml/element';

const PUBSUB = 'http://jabber.org/protocol/pubsub';
const publish = (node: string, { type = 'set', ns = PUBSUB, verb = 'publish' } = {}) =>
  parseFrame(
    `<iq xmlns='jabber:client' type='${type}' id='1'><pubsub xmlns='${ns}'><${verb} node='${node}'/></pubsub></iq>`,
  );

describe('an OMEMO node of the page', () => {
  it.each([
    'eu.siacs.conversations.axolotl.devicelist',
    'eu.siacs.conversations.axolotl.bundles:31415',
    'urn:xmpp:omemo:2:devices',
    'urn:xmpp:omemo:2:bundles',
    'urn:xmpp:omemo:1:devices',
    'urn:xmpp:omemo:2',
  ])('is published: %s', (node) => {
    expect(publishesOmemo(publish(node))).toBe(true);
  });

  it.each([
    ['another node', publish('urn:xmpp:avatar:data')],
    ['a longer name', publish('eu.siacs.conversations.axolotlx')],
    ['a version that never was', publish('urn:xmpp:omemo:23:devices')],
    ['a name that only ends so', publish('x:urn:xmpp:omemo:2')],
    ['a request', publish('urn:xmpp:omemo:2:devices', { type: 'get' })],
    ['another namespace', publish('urn:xmpp:omemo:2:devices', { ns: `${PUBSUB}#owner` })],
    ['a retraction', publish('urn:xmpp:omemo:2:devices', { verb: 'retract' })],
    ['no node', parseFrame(`<iq type='set'><pubsub xmlns='${PUBSUB}'><publish/></pubsub></iq>`)],
    ['no pubsub', parseFrame("<iq type='set'><x/></iq>")],
  ])('is not %s', (_name, iq) => {
    expect(publishesOmemo(iq)).toBe(false);
  });

  it('is also one beside others', () => {
    const xml = `<iq type='set'><pubsub xmlns='${PUBSUB}'><publish node='a'/><publish node='urn:xmpp:omemo:2:bundles'/></pubsub></iq>`;
    expect(publishesOmemo(parseFrame(xml))).toBe(true);
  });
});
