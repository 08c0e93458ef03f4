// What the state of a stream means for messages, and how it goes on after a failure.
import {
  chat,
  fails,
  gate,
  hangs,
  JULIET,
  makeWorld,
  quiet,
  ready,
  until,
  type Connection,
  type World,
} from './stream-world';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MAX_FRAME } from '../../src/limits';
import { NS } from '../../src/xml/ns';
import { accountOf } from '../vault/world';

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

const OWN_LIST = `<iq xmlns='jabber:client' type='set' id='own'><pubsub xmlns='${NS.pubsub}'><publish node='${NS.legacy}.devicelist'><item><list xmlns='${NS.legacy}'/></item></publish></pubsub></iq>`;
const OWN_MESSAGE = `<message xmlns='jabber:client' to='romeo@example.net' id='o'><encrypted xmlns='${NS.legacy}'/><body>fallback</body></message>`;

/** What a contact sent while the page was away, for the page's own device. */
const FOR_PAGE = `<message xmlns='jabber:client' from='romeo@example.net/r' to='${JULIET}' type='chat' id='p'><encrypted xmlns='${NS.legacy}'><header sid='5'><key rid='77' prekey='true'>MwgB</key><iv>AAAAAAAAAAAAAAAA</iv></header><payload>AAAA</payload></encrypted><body>fallback</body></message>`;
const THEIR_LIST = `<message xmlns='jabber:client' from='romeo@example.net' type='headline'><event xmlns='${NS.pubsubEvent}'><items node='${NS.legacy}.devicelist'><item id='current'><list xmlns='${NS.legacy}'><device id='5'/></list></item></items></event></message>`;

/** A world without published keys. */
async function newcomer(): Promise<World> {
  const world = await makeWorld();
  const { database } = world.juliet.context;
  const account = { ...(await accountOf(world.juliet)), isPublished: false };
  await database.write([
    { store: 'accounts', key: `${account.origin}\n${JULIET}`, value: account },
  ]);
  return world;
}

async function refused(page: Connection, id: string): Promise<string> {
  page.send(chat(id, 'secret'));
  await until(() => page.errorFor(id) !== undefined, 'a refusal');
  return page.errorFor(id) ?? '';
}

/** The page writes until a message leaves. */
async function untilSent(world: World, page: Connection): Promise<number> {
  for (let tries = 1; tries <= 3; tries++) {
    page.send(chat(`try-${tries}`, 'secret'));
    const { server } = world;
    const isAnswered = () =>
      server.messages.length > 0 || page.errorFor(`try-${tries}`) !== undefined;
    await until(isAnswered, 'an answer');
    if (server.messages.length > 0) return tries;
    await quiet();
  }
  throw new Error('no message left');
}

describe('a page with OMEMO of its own', () => {
  it.each([OWN_LIST, OWN_MESSAGE])('is left alone from then on: %s', async (frame) => {
    const world = await makeWorld();
    const page = await ready(world);
    page.send(frame);
    page.send(chat('1', 'its own business'));
    await until(() => world.server.got.some((text) => text.includes('business')), 'sending');
    expect(world.server.got.slice(-2)).toEqual([frame, chat('1', 'its own business')]);
    expect(world.state()).toBe('passive');
  });

  it.each([
    ['granted', undefined],
    ['pending', undefined],
    ['granted', 'storage'],
  ] as const)(
    'stays left alone when the account turns out %s later (%s)',
    async (decision, code) => {
      const world = await makeWorld({ decision });
      const held = gate();
      const failing = code === undefined ? undefined : fails(code);
      world.vault.faults.set('attach', (ask, ms) =>
        held.fault(() => failing?.(ask, ms) ?? ask(), ms),
      );
      const page = world.connect();
      await page.bind();
      page.send(OWN_LIST);
      await until(() => world.state() === 'passive', 'stepping back');
      held.open();
      await quiet();
      expect(world.state()).toBe('passive');
      page.send(chat('1', 'its own business'));
      await until(() => world.server.messages.length > 0, 'sending');
      expect(world.server.iqs.filter((iq) => iq.getAttribute('type') === 'set')).toHaveLength(2);
    },
  );

  describe.each(['granted', 'pending'] as const)('in its next stream (account %s)', (decision) => {
    /** A new stream of a page that showed its OMEMO in the one before, logged in and silent so far. */
    const next = async () => {
      const world = await makeWorld({ decision });
      const before = world.connect();
      await before.bind();
      before.send(OWN_LIST);
      await until(() => world.state() === 'passive', 'stepping back');
      await quiet();
      before.drop();
      const page = world.connect();
      await page.bind();
      return { world, page };
    };

    it.each([FOR_PAGE, THEIR_LIST])('gets as it came what its server kept: %s', async (frame) => {
      const { page } = await next();
      page.push(frame);
      await quiet(200);
      expect(page.seen).toContain(frame);
    });

    it('is expected to do it again, and left alone when it does', async () => {
      const { world, page } = await next();
      await until(() => world.state() === 'expecting', 'expecting');
      const published = world.server.iqs.length;
      page.send(OWN_LIST);
      page.send(chat('1', 'its own business'));
      await until(() => world.state() === 'passive', 'stepping back');
      await until(() => world.server.messages.length > 0, 'sending');
      expect(world.server.got.slice(-2)).toEqual([OWN_LIST, chat('1', 'its own business')]);
      expect(world.server.iqs.slice(published)).toHaveLength(1);
    });

    it('is no longer expected to once it wrote in clear, in the stream after it neither', async () => {
      const { world, page } = await next();
      const state = decision === 'granted' ? 'ready' : 'pending';
      page.send(chat('1', 'secret'));
      await until(() => world.state() === state, 'taking over');
      page.push(FOR_PAGE);
      await quiet(200);
      expect(page.seen).not.toContain(FOR_PAGE);
      page.drop();
      const after = world.connect();
      await after.bind();
      await until(() => world.state() === state, 'taking over at once');
    });

    it('gets what is too large to be read as it came, too', async () => {
      const { page } = await next();
      const large = FOR_PAGE.replace('AAAA</payload>', `${'A'.repeat(MAX_FRAME)}</payload>`);
      page.push(large);
      await quiet(200);
      expect(page.seen.includes(large)).toBe(true);
    });

    it('sends what it writes once the user leaves its account alone', async () => {
      const { world, page } = await next();
      page.drop();
      await world.decide('ignored', true);
      const after = world.connect();
      await after.bind();
      after.send(chat('1', 'in clear by the will of the user'));
      await until(() => world.server.messages.length > 0, 'sending');
      expect(after.errorFor('1')).toBe(undefined);
    });

    it('still lets nothing out in clear before it has shown its OMEMO again', async () => {
      const { world, page } = await next();
      page.send(chat('1', 'secret'));
      await until(
        () => world.server.messages.length > 0 || page.errorFor('1') !== undefined,
        'an answer',
      );
      expect(world.server.got.join()).not.toContain('secret');
    });
  });

  it('is not one that bounces what a room sent it encrypted', async () => {
    const world = await makeWorld();
    const page = await ready(world);
    page.send(OWN_MESSAGE.replace('<message ', "<message type='error' "));
    page.send(chat('1', 'secret'));
    await until(() => world.server.messages.length > 1, 'sending');
    expect(world.server.got.join()).not.toContain('secret');
    expect(world.state()).toBe('ready');
  });
});

describe('an error of the page', () => {
  it('that does not leave is not answered by an error', async () => {
    const world = await makeWorld({ decision: 'pending' });
    const page = world.connect();
    await page.bind();
    page.send(chat('1', 'quoted').replace("type='chat'", "type='error'"));
    await refused(page, '2');
    expect(page.errorFor('1')).toBeUndefined();
    expect(world.server.messages).toEqual([]);
  });
});

describe('a vault that failed as the account was looked up', () => {
  it.each([
    ['storage', 'could not store'],
    ['disconnected', 'Reload this page'],
    ['timeout', 'did not answer in time'],
  ] as const)('is what the page is told: %s', async (code, reason) => {
    const world = await makeWorld();
    world.vault.faults.set('attach', fails(code));
    const page = world.connect();
    await page.bind();
    expect(await refused(page, '1')).toContain(reason);
    expect(world.state()).toBe('failed');
  });

  it('is asked again: once it works, messages leave without a reload', async () => {
    const world = await makeWorld();
    world.vault.faults.set('attach', fails('storage'));
    const page = world.connect();
    await page.bind();
    await refused(page, '1');
    world.vault.faults.clear();
    expect(await untilSent(world, page)).toBeLessThanOrEqual(2);
    expect(world.server.got.join()).not.toContain('secret');
    expect(world.state()).toBe('ready');
  });

  it('that does not answer is not asked twice at once', async () => {
    const world = await makeWorld();
    world.vault.faults.set('attach', hangs);
    const page = world.connect();
    await page.bind();
    await page.session.wake();
    await page.session.wake();
    await quiet();
    expect(world.vault.asked('attach')).toHaveLength(1);
  });
});

describe('keys that could not be published', () => {
  it('are tried again when the user writes: no reload is needed', async () => {
    const world = await newcomer();
    world.server.script = (iq) =>
      iq.getAttribute('id') === 'bind'
        ? undefined
        : `<error type='wait'><internal-server-error xmlns='${NS.stanzas}'/></error>`;
    const page = world.connect();
    await page.bind();
    await until(() => world.state() === 'failed', 'failing');
    expect(await refused(page, '1')).toContain('not on the server yet');
    world.server.script = () => undefined;
    expect(await untilSent(world, page)).toBeLessThanOrEqual(2);
    expect(world.server.got.join()).not.toContain('secret');
  });

  it('that a server lost are put there again with the next login, in both versions (I-54)', async () => {
    const world = await newcomer();
    const ours = () => [...world.server.nodes.keys()].filter((name) => name.startsWith(JULIET));
    const publish = async () => {
      const page = world.connect();
      await page.bind();
      await until(() => world.state() === 'ready' && ours().length === 5, 'publishing');
      return page;
    };
    (await publish()).drop();
    const before = ours().toSorted();
    // A restart of a server that keeps them in memory only.
    ours().forEach((name) => world.server.nodes.delete(name));
    await publish();
    expect(ours().toSorted()).toEqual(before);
  });

  it('stand under one id, however often it takes: no dead device is left on the list', async () => {
    const world = await newcomer();
    world.vault.faults.set('published', fails('storage'));
    const page = world.connect();
    await page.bind();
    await until(() => world.state() === 'failed', 'failing');
    await refused(page, '1');
    await until(() => world.vault.asked('published').length > 1, 'trying again');
    world.vault.faults.clear();
    await until(() => world.state() === 'failed', 'failing');
    await untilSent(world, page);
    const listed = world.server.node(JULIET, `${NS.legacy}.devicelist`)?.items.get('current');
    expect(listed?.match(/<device /g)).toHaveLength(1);
  });
});
