import '../support/dom';
import { describe, expect, it } from 'vitest';
import { adopt, build, elementOf, frameOf } from '../../src/xml/build';
import { childOf, parseFrame, serialise } from '../../src/xml/element';
import { NS } from '../../src/xml/ns';

describe('build', () => {
  it('gives children the namespace of their parent unless they name one', () => {
    const builder = build('iq', { xmlns: NS.client, type: 'get', id: 'x1' });
    builder.c('pubsub', { xmlns: NS.pubsub }).c('items', { node: 'n' });
    const pubsub = childOf(elementOf(builder), 'pubsub', NS.pubsub);
    const items = pubsub && childOf(pubsub, 'items', NS.pubsub);
    expect(items?.getAttribute('node')).toBe('n');
  });

  it('escapes text and attributes and replaces characters XML does not have', () => {
    const frame = frameOf(
      build('message', { xmlns: NS.client, to: `a'"<&>` }).c('body', {}).t('<x>&\u0000'),
    );
    const message = parseFrame(frame);
    expect(message.getAttribute('to')).toBe(`a'"<&>`);
    expect(childOf(message, 'body', NS.client)?.textContent).toBe('<x>&\ufffd');
  });

  it('writes no white space between elements', () => {
    expect(frameOf(build('a', { xmlns: 'u' }).c('b', {}).c('c', {}))).toBe(
      '<a xmlns="u"><b><c/></b></a>',
    );
  });

  it('adopts elements with the namespaces they inherited', () => {
    const foreign = parseFrame("<l xmlns='urn:l' xmlns:p='urn:p'><device id='1' p:label='x'/></l>");
    const device = childOf(foreign, 'device', 'urn:l');
    if (device === undefined) throw new Error('fixture');
    const builder = build('item', { xmlns: NS.pubsub });
    const item = elementOf(adopt(builder, device).c('next', {}));
    const copy = childOf(item, 'device', 'urn:l');
    expect(copy?.getAttributeNS('urn:p', 'label')).toBe('x');
    expect(childOf(item, 'next', NS.pubsub)).toBeDefined();
    expect(serialise(foreign)).toContain('device');
  });
});
