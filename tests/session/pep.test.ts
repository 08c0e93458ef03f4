import { connected, JULIET, LEGACY, LIST_NODE, ROMEO } from './pep-world';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  fetchItem,
  isSameElement,
  openNode,
  publishAmong,
  publishItem,
} from '../../src/session/pep';
import { parseFrame, serialise } from '../../src/xml/element';
import { verbIn, type Make } from './server';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout'] }));
afterEach(() => void vi.useRealTimers());

const MAKES: readonly Make[] = ['prosody', 'ejabberd'];
const STANZAS = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'";
const error = (condition: string) => `<error type='cancel'><${condition} ${STANZAS}/></error>`;
const list = (...ids: number[]) =>
  `<list xmlns="${LEGACY}">${ids.map((id) => `<device id="${id}"/>`).join('')}</list>`;

describe.each(MAKES)('a fetch from %s', (make) => {
  it('of a node of someone else is told apart: there, closed, not there', async () => {
    const { server, iqs } = connected(make);
    server.put(ROMEO, 'open', list(1));
    server.put(ROMEO, 'closed', list(1), 'presence');
    const kinds = await Promise.all(
      ['open', 'closed', 'missing'].map(async (node) => (await fetchItem(iqs, ROMEO, node)).kind),
    );
    // Prosody does not tell a missing node from a closed one.
    expect(kinds).toEqual(['present', 'hidden', make === 'prosody' ? 'hidden' : 'absent']);
  });

  it('of a node of our own is there or not there', async () => {
    const { server, iqs } = connected(make);
    server.put(JULIET, LIST_NODE, list(1, 2), 'presence');
    const found = await fetchItem(iqs, undefined, LIST_NODE);
    expect(found.kind === 'present' && serialise(found.value)).toBe(list(1, 2));
    expect(await fetchItem(iqs, undefined, 'missing')).toEqual({ kind: 'absent' });
  });
});

describe('a fetch', () => {
  it('asks for one item, and for all where the server refuses that', async () => {
    const { server, iqs } = connected();
    server.put(ROMEO, LIST_NODE, list(1));
    server.script = (iq) =>
      serialise(iq).includes('max_items') ? error('feature-not-implemented') : undefined;
    expect(await fetchItem(iqs, ROMEO, LIST_NODE)).toMatchObject({ kind: 'present' });
    expect(server.got).toHaveLength(2);
  });

  it.each(['item-not-found', 'forbidden', 'not-authorized'])(
    'does not ask twice where the answer was clear: %s',
    async (condition) => {
      const { server, iqs } = connected();
      server.script = () => error(condition);
      await fetchItem(iqs, ROMEO, LIST_NODE);
      expect(server.got).toHaveLength(1);
    },
  );

  it.each([
    'internal-server-error',
    'remote-server-not-found',
    'service-unavailable',
    'undefined-condition',
  ])('that ends with %s proves nothing', async (condition) => {
    const { server, iqs } = connected();
    server.script = () => error(condition);
    expect(await fetchItem(iqs, ROMEO, LIST_NODE)).toEqual({ kind: 'failed' });
  });

  it('without answer has failed', async () => {
    const { server, iqs } = connected();
    server.script = () => 'silent';
    const fetching = fetchItem(iqs, ROMEO, LIST_NODE);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(await fetching).toEqual({ kind: 'failed' });
    expect(server.got).toHaveLength(1);
  });

  const items = (content: string) =>
    `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='n'>${content}</items></pubsub>`;
  const item = (id: number, attributes = '') => `<item ${attributes}>${list(id)}</item>`;

  it.each([
    // wire §2.1: item ids of others are arbitrary, and several items are possible.
    ['the item called current', item(1, "id='current'") + item(2, "id='x'"), 1],
    ['the last item', item(1, "id='a'") + item(2), 2],
    ['the only item', item(3), 3],
  ])('takes %s', async (_name, content, id) => {
    const { server, iqs } = connected();
    server.script = () => items(content);
    const found = await fetchItem(iqs, ROMEO, LIST_NODE);
    expect(found.kind === 'present' && serialise(found.value)).toBe(list(id));
  });

  it.each([
    items(''),
    items('<item/>'),
    '',
    `<items xmlns='http://jabber.org/protocol/pubsub'>${item(1)}</items>`,
    items(item(1, "xmlns='urn:x'")),
  ])('brings nothing where nothing is in it: %s', async (payload) => {
    const { server, iqs } = connected();
    server.script = () => payload;
    expect(await fetchItem(iqs, ROMEO, LIST_NODE)).toEqual({ kind: 'absent' });
  });
});

describe.each(MAKES)('a publication at %s', (make) => {
  it('makes a node that everybody may read', async () => {
    const { server, iqs } = connected(make);
    expect(await publishItem(iqs, LIST_NODE, parseFrame(list(1)))).toBe(true);
    expect(server.got).toHaveLength(1);
    expect(server.node(JULIET, LIST_NODE)).toEqual({
      access: 'open',
      maxItems: '1',
      items: new Map([['current', list(1)]]),
    });
  });

  it('opens a node that another client left closed', async () => {
    const { server, iqs } = connected(make);
    server.put(JULIET, LIST_NODE, list(9), 'presence');
    expect(await publishItem(iqs, LIST_NODE, parseFrame(list(9, 1)))).toBe(true);
    expect(server.iqs.map(verbIn)).toEqual(['publish', 'configure', 'publish']);
    expect(server.node(JULIET, LIST_NODE)?.access).toBe('open');
    expect(server.node(JULIET, LIST_NODE)?.items.get('current')).toBe(list(9, 1));
  });
});

describe('a publication', () => {
  it('at a server that refuses its options, or its configuration too, is there at least', async () => {
    for (const refused of [/publish-options/, /publish-options|configure/]) {
      const { server, iqs } = connected();
      server.script = (iq) => (refused.test(serialise(iq)) ? error('not-allowed') : undefined);
      expect(await publishItem(iqs, LIST_NODE, parseFrame(list(1)))).toBe(true);
      expect(server.node(JULIET, LIST_NODE)?.items.get('current')).toBe(list(1));
    }
  });

  it('that is refused in every way has failed', async () => {
    const { server, iqs } = connected();
    server.script = () => error('service-unavailable');
    expect(await publishItem(iqs, LIST_NODE, parseFrame(list(1)))).toBe(false);
  });

  it('without answer has failed and is not repeated: the server may have it', async () => {
    const { server, iqs } = connected();
    server.script = () => 'silent';
    const publishing = publishItem(iqs, LIST_NODE, parseFrame(list(1)));
    await vi.advanceTimersByTimeAsync(15_000);
    expect(await publishing).toBe(false);
    expect(server.got).toHaveLength(1);
  });

  it('goes to ourselves, with no white space between the elements (Q-17)', async () => {
    const { server, iqs } = connected();
    await publishItem(iqs, LIST_NODE, parseFrame(list(1)));
    expect(server.iqs[0]?.hasAttribute('to')).toBe(false);
    expect(server.got[0]).not.toMatch(/>\s+</);
    expect(server.got[0]).toContain(list(1));
  });
});

describe('a node of ours', () => {
  it.each(['open', 'presence'] as const)('is open afterwards: it was %s', async (access) => {
    const { server, iqs } = connected();
    server.put(JULIET, LIST_NODE, list(1), access);
    await openNode(iqs, LIST_NODE);
    expect(server.node(JULIET, LIST_NODE)?.access).toBe('open');
    const sets = server.iqs.filter((iq) => iq.getAttribute('type') === 'set');
    expect(sets).toHaveLength(access === 'open' ? 0 : 1);
  });

  it.each([
    error('feature-not-implemented'),
    "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><configure/></pubsub>",
    '',
  ])('of which the server tells nothing is left alone: %s', async (payload) => {
    const { server, iqs } = connected();
    server.script = () => payload;
    await openNode(iqs, LIST_NODE);
    expect(server.got).toHaveLength(1);
  });
});

describe('two elements', () => {
  it('are the same if they read the same', () => {
    const a = parseFrame("<a xmlns='x' y='1'><b>t</b></a>");
    expect(isSameElement(a, parseFrame('<a xmlns="x" y="1"><b>t</b></a>'))).toBe(true);
    expect(isSameElement(a, parseFrame('<a xmlns="x" y="2"><b>t</b></a>'))).toBe(false);
    expect(isSameElement(a, parseFrame('<a xmlns="x" y="1"><b/></a>'))).toBe(false);
  });
});

describe.each(MAKES)('an item among those of other devices at %s', (make) => {
  const NODE = 'urn:xmpp:omemo:2:bundles';
  const publish = (iqs: Parameters<typeof publishAmong>[0], id: string) =>
    publishAmong(iqs, NODE, parseFrame(list(Number(id))), id);

  it('makes a node with room for all, open to everybody', async () => {
    const { server, iqs } = connected(make);
    expect(await publish(iqs, '7')).toBe(true);
    const node = server.node(JULIET, NODE);
    expect([node?.access, node?.maxItems]).toEqual(['open', 'max']);
    expect(await publish(iqs, '8')).toBe(true);
    expect([...(node?.items.keys() ?? [])]).toEqual(['7', '8']);
  });

  it('takes no other item away from a node that kept one', async () => {
    const { server, iqs } = connected(make);
    server.put(JULIET, NODE, list(9), 'open', '9');
    expect(await publish(iqs, '7')).toBe(true);
    expect([...(server.node(JULIET, NODE)?.items.keys() ?? [])]).toEqual(['9', '7']);
  });

  it('replaces its own only', async () => {
    const { server, iqs } = connected(make);
    await publish(iqs, '7');
    await publish(iqs, '8');
    await publish(iqs, '7');
    expect([...(server.node(JULIET, NODE)?.items.keys() ?? [])].sort()).toEqual(['7', '8']);
  });

  it('is fetched by its id, and absent when only others are there', async () => {
    const { server, iqs } = connected(make);
    server.put(ROMEO, NODE, list(9), 'open', '9');
    expect(await fetchItem(iqs, ROMEO, NODE, '9')).toMatchObject({ kind: 'present' });
    expect(await fetchItem(iqs, ROMEO, NODE, '7')).toEqual({ kind: 'absent' });
    expect(server.got.join()).not.toContain('max_items');
  });
});

describe('an item among others', () => {
  const NODE = 'urn:xmpp:omemo:2:bundles';

  it('gets the largest room a server gives', async () => {
    const { server, iqs } = connected();
    server.put(JULIET, NODE, list(9), 'open', '9');
    server.script = (iq) =>
      /<value>(max|1000)</.test(serialise(iq)) ? error('not-acceptable') : undefined;
    expect(await publishAmong(iqs, NODE, parseFrame(list(7)), '7')).toBe(true);
    expect(server.node(JULIET, NODE)?.maxItems).toBe('100');
  });

  it('that is refused in every way has failed', async () => {
    const { server, iqs } = connected();
    server.script = () => error('service-unavailable');
    expect(await publishAmong(iqs, NODE, parseFrame(list(7)), '7')).toBe(false);
  });

  it('from a server that sends another item than was asked for is absent', async () => {
    const { server, iqs } = connected();
    server.script = () =>
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='n'><item id='8'>${list(8)}</item></items></pubsub>`;
    expect(await fetchItem(iqs, ROMEO, NODE, '7')).toEqual({ kind: 'absent' });
  });
});
