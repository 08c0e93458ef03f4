import { describe, expect, it } from 'vitest';
import { fromMessageTag } from '../../src/xml/raw';

describe('a message in the text of a frame', () => {
  it.each([
    ["<message id='1'>x", ''],
    ['<message/>', ''],
    ['<message\n>', ''],
    ["<c:message xmlns:c='jabber:client'/>", ''],
    ['<message/>', '<presence/>\n'],
    ['<message/>', '<iq><x>1</x></iq>'],
    ['<message/>', '<!-- a -->'],
    ['<message/>', "<?xml version='1.0'?>"],
    ['<message/>', '<<<'],
    ['<b:message/>', '<a:messages/><a:b:message '],
  ])('is %j behind %j', (message, before) => {
    expect(fromMessageTag(before + message)).toBe(message);
  });

  it.each([
    '',
    'message',
    '<messages/>',
    '<my-message/>',
    '<Message/>',
    '</message>',
    "<query node='message'/>",
    "<a b='message '/>",
    '<iq>message </iq>',
    '<messa',
  ])('is not in %j', (text) => {
    expect(fromMessageTag(text)).toBeUndefined();
  });

  it('is searched in one pass, also in a hostile frame', () => {
    const started = performance.now();
    fromMessageTag('<a:'.repeat(400_000));
    fromMessageTag(`<${'a'.repeat(1_000_000)}`);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
