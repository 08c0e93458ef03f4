// What the page can do, announced with the notifications of device lists (I-50, I-51).
import { beforeEach, afterEach, describe, expect, it, vi } from 'vitest';
import { announcedIn, NOTIFICATIONS, verOf } from '../../src/session/caps';
import { childOf, childrenOf, parseFrame } from '../../src/xml/element';
import { NS } from '../../src/xml/ns';
import {
  chat,
  JULIET,
  makeWorld,
  quiet,
  ready,
  until,
  type Connection,
  type World,
} from './stream-world';

vi.mock('webextension-polyfill', async () => ({
  default: (await import('../vault/browser')).browser,
}));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const NODE = 'https://client.example';
const FEATURES = `<identity category='client' type='web' name='Page'/><feature var='urn:example:feature'/>`;
const C = `<c xmlns='${NS.caps}' hash='sha-1' node='${NODE}' ver='page='/>`;
const PRESENCE = `<presence xmlns='jabber:client' id='p1'>${C}</presence>`;
const BARE = "<presence xmlns='jabber:client'/>";

/** The page answers disco#info as clients do; ends with what it was asked. */
function answering(page: Connection, features = FEATURES): string[] {
  const asked: string[] = [];
  const before = page.onPage;
  page.onPage = (text) => {
    before(text);
    if (!text.includes(NS.discoInfo)) return;
    asked.push(text);
    const iq = parseFrame(text);
    page.send(
      `<iq xmlns='jabber:client' type='result' id='${iq.getAttribute('id')}' to='${iq.getAttribute('from')}'><query xmlns='${NS.discoInfo}'>${features}</query></iq>`,
    );
  };
  return asked;
}

const presences = ({ server }: World): Element[] =>
  server.got.filter((text) => text.startsWith('<presence')).map((text) => parseFrame(text));

/** Somebody asks what was announced. */
async function askFor(world: World, page: Connection, node: string): Promise<Element> {
  const id = `ask-${world.server.got.length}`;
  page.push(
    `<iq xmlns='jabber:client' type='get' id='${id}' from='example.org' to='${JULIET}/r1'><query xmlns='${NS.discoInfo}' node='${node}'/></iq>`,
  );
  const answer = () => world.server.got.find((text) => text.includes(`id="${id}"`));
  await until(() => answer() !== undefined, 'an answer');
  const query = childOf(parseFrame(answer() ?? ''), 'query', NS.discoInfo);
  if (query === undefined) throw new Error('want a query');
  return query;
}

const featuresOf = (query: Element) =>
  childrenOf(query, 'feature').map((feature) => feature.getAttribute('var'));

describe('a page that announces what it can do', () => {
  it('is asked once, and announces the notifications beside it from then on (I-50)', async () => {
    const world = await makeWorld();
    const page = await ready(world);
    const asked = answering(page);
    page.send(PRESENCE);
    await until(() => presences(world).length === 2, 'announcing');
    page.send(`<presence xmlns='jabber:client' to='room@example.net/n'>${C}</presence>`);
    page.send("<presence xmlns='jabber:client' type='unavailable'/>");
    await until(() => presences(world).length === 4, 'later presences');
    const [first, second, third, last] = presences(world).map((each) => announcedIn(each));
    expect(first).toEqual({ node: NODE, ver: 'page=' });
    expect(second?.node).toBe(NODE);
    expect(second?.ver).not.toBe('page=');
    expect([third, last]).toEqual([second, undefined]);
    expect(asked).toHaveLength(1);
    expect(world.server.got.join()).not.toContain('urn:example:feature');
    const answer = await askFor(world, page, `${NODE}#${second?.ver}`);
    expect(await verOf(answer)).toBe(second?.ver);
    expect(featuresOf(answer)).toEqual(['urn:example:feature', ...NOTIFICATIONS]);
    expect(asked).toHaveLength(1);
    // Each is counted where the hook reports it, by its id.
    expect(new Set(page.injected).size).toBe(page.injected.length);
  });

  it('announces them at once in its next stream, and in a resumed one is still stood for', async () => {
    const world = await makeWorld();
    const before = await ready(world);
    answering(before);
    before.send(PRESENCE);
    await until(() => presences(world).length === 2, 'announcing');
    await quiet();
    before.drop();
    const page = world.connect();
    const asked = answering(page);
    await page.bind();
    page.send(PRESENCE);
    await until(() => presences(world).length === 3, 'announcing at once');
    const [, ours, again] = presences(world).map((each) => announcedIn(each));
    expect(again).toEqual(ours);
    await quiet(200);
    page.drop();
    const resumed = world.connect();
    answering(resumed);
    await resumed.bind();
    expect(featuresOf(await askFor(world, resumed, `${NODE}#${ours?.ver}`))).toHaveLength(3);
    expect([presences(world).length, asked]).toEqual([3, []]);
  });

  it('tells those who ask it without a node the same', async () => {
    const world = await makeWorld();
    const page = await ready(world);
    answering(page);
    page.send(PRESENCE);
    await until(() => presences(world).length === 2, 'announcing');
    const id = 'plain';
    page.push(
      `<iq xmlns='jabber:client' type='get' id='${id}' from='romeo@example.net/r' to='${JULIET}/r1'><query xmlns='${NS.discoInfo}'/></iq>`,
    );
    const answer = () => world.server.iqs.find((iq) => iq.getAttribute('id') === id);
    await until(() => answer() !== undefined, 'an answer');
    const iq = answer();
    const query = iq && childOf(iq, 'query', NS.discoInfo);
    expect(query && featuresOf(query)).toEqual(['urn:example:feature', ...NOTIFICATIONS]);
  });

  it.each([
    ['does not say what', undefined],
    ['asks for the lists itself', NOTIFICATIONS.map((each) => `<feature var='${each}'/>`).join('')],
    ['cannot be hashed', "<feature var='a'/><feature var='a'/>"],
  ])('is left as it is when it %s', async (_name, features) => {
    const world = await makeWorld();
    const page = await ready(world);
    if (features !== undefined) answering(page, features);
    page.send(PRESENCE);
    await quiet(300);
    page.send(PRESENCE);
    await until(() => presences(world).length === 2, 'sending');
    await quiet(300);
    expect(world.server.got.filter((text) => text.startsWith('<presence'))).toEqual([
      PRESENCE,
      PRESENCE,
    ]);
  });

  it.each(['pending', 'ignored'] as const)(
    'is left as it is while its account is %s',
    async (decision) => {
      const world = await makeWorld({ decision });
      const page = world.connect();
      const asked = answering(page);
      await page.bind();
      page.send(PRESENCE);
      await quiet(300);
      expect(world.server.got.at(-1)).toBe(PRESENCE);
      expect(asked).toEqual([]);
    },
  );

  it('announces them when the user has granted its account', async () => {
    const world = await makeWorld({ decision: 'pending' });
    const page = world.connect();
    answering(page);
    await page.bind();
    page.send(PRESENCE);
    await until(() => presences(world).length === 1, 'a presence');
    await world.decide('granted');
    await page.session.wake();
    await until(() => presences(world).length === 2, 'announcing');
    expect(announcedIn(presences(world)[1] ?? parseFrame(BARE))?.ver).not.toBe('page=');
  });
});

describe('a page that announces nothing', () => {
  it.each([
    ['what it says when asked', FEATURES, 3],
    ['that it is a web client', undefined, 2],
  ])('announces the notifications and %s (I-51)', async (_name, features, count) => {
    const world = await makeWorld();
    const page = await ready(world);
    if (features !== undefined) answering(page, features);
    else
      page.onPage = (text) => {
        if (!text.includes(NS.discoInfo)) return;
        const id = parseFrame(text).getAttribute('id');
        page.send(`<iq xmlns='jabber:client' type='error' id='${id}'/>`);
      };
    page.send(BARE);
    await until(() => presences(world).length === 2, 'announcing');
    const ours = announcedIn(presences(world)[1] ?? parseFrame(BARE));
    const answer = await askFor(world, page, `${ours?.node}#${ours?.ver}`);
    expect(featuresOf(answer)).toHaveLength(count);
    expect(childrenOf(answer, 'identity')).toHaveLength(1);
    expect(await verOf(answer)).toBe(ours?.ver);
    page.send("<presence xmlns='jabber:client' to='room@example.net/n'/>");
    await until(() => presences(world).length === 3, 'sending');
    expect(world.server.got.at(-1)).toBe(
      "<presence xmlns='jabber:client' to='room@example.net/n'/>",
    );
  });

  it('is counted right by both sides', async () => {
    const world = await makeWorld();
    const page = await ready(world);
    page.send(`<enable xmlns='${NS.sm}' resume='true'/>`);
    await until(() => page.seen.some((text) => text.startsWith('<enabled')), 'enabling');
    answering(page);
    page.send(BARE);
    await until(() => presences(world).length === 2, 'announcing');
    page.send(chat('1', 'secret'));
    await until(() => world.server.messages.length > 0, 'sending');
    page.send(`<r xmlns='${NS.sm}'/>`);
    const acked = () => page.seen.find((text) => text.startsWith('<a'));
    await until(() => acked() !== undefined, 'an acknowledgement');
    // Of the page: the presence, its answer to us, the message.
    expect(acked()).toContain('h="3"');
    page.send(
      `<a xmlns='${NS.sm}' h='${page.seen.filter((text) => /^<(iq|message|presence)/.test(text)).length - 1}'/>`,
    );
    await quiet();
    expect(world.server.complaints).toEqual([]);
  });
});
