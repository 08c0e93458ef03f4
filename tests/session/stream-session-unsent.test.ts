// Messages that were waiting as the network broke, for a page that begins anew instead of resuming: none is lost silently.
import { chat, makeWorld, quiet, until, type Connection, type World } from './stream-world';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { legacyCodec } from '../../src/session/codec/legacy';
import { MAX_UNSENT } from '../../src/limits';
import { UnsentMessages } from '../../src/session/unsent';
import { AGAIN_MS } from '../../src/session/unsent-flow';
import { jid } from '../vault/world';
import { nodeIn } from './server';
import { SmPage } from './sm-page';

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

const bundleOf = ({ romeo }: World): string => legacyCodec.bundleNode(romeo.deviceId);

/** The contact's bundle does not come: what is written waits. */
function holdKeys(world: World): void {
  world.server.script = (iq) => (nodeIn(iq) === bundleOf(world) ? 'silent' : undefined);
}

async function bound(world: World): Promise<Connection> {
  const connection = world.connect();
  await connection.bind();
  return connection;
}

async function cutWhileHeld(world: World, ...frames: string[]): Promise<void> {
  const connection = await bound(world);
  await until(() => world.state() === 'ready', 'publishing');
  holdKeys(world);
  frames.forEach((frame) => connection.send(frame));
  await quiet();
  connection.drop();
  await quiet();
}

async function waitForPage(): Promise<void> {
  await vi.advanceTimersByTimeAsync(AGAIN_MS);
  await quiet();
}

const errorsOf = ({ seen }: Connection): string[] => seen.filter((text) => text.includes('<error'));

describe('a page that begins anew', () => {
  it('is told of each message that never left, and so is the popup (I-57)', async () => {
    const world = await makeWorld();
    await cutWhileHeld(world, chat('1', 'first'), chat('2', 'second'));
    const connection = await bound(world);
    await quiet();
    expect(errorsOf(connection)).toEqual([]);
    await waitForPage();
    expect(errorsOf(connection).map((text) => /id="(\d)"/.exec(text)?.[1])).toEqual(['1', '2']);
    expect(errorsOf(connection)[0]).toMatch(
      /^<message from="romeo@example.net" [^>]*type="error".*connection was lost/,
    );
    expect(world.server.messages).toEqual([]);
    const told = { code: 'connection-lost', jid: 'juliet@example.org', peer: 'romeo@example.net' };
    expect(world.vault.asked('refused')).toEqual([told, told]);
    // Once is enough.
    connection.drop();
    const next = await bound(world);
    await waitForPage();
    expect(errorsOf(next)).toEqual([]);
  });

  it('is not told of what it sends again by itself', async () => {
    const world = await makeWorld();
    await cutWhileHeld(world, chat('1', 'first'), chat('2', 'second'));
    world.server.script = () => undefined;
    // Past the time in which a failed bundle is not asked for again.
    world.juliet.clock.now += 120_000;
    const connection = await bound(world);
    connection.send(chat('1', 'first'));
    await until(() => world.server.messages.length === 1, 'sending again');
    await waitForPage();
    expect(errorsOf(connection).map((text) => /id="(\d)"/.exec(text)?.[1])).toEqual(['2']);
  });

  it('is told by the stream that lasts', async () => {
    const world = await makeWorld();
    await cutWhileHeld(world, chat('1', 'first'));
    const short = await bound(world);
    await vi.advanceTimersByTimeAsync(AGAIN_MS - 1);
    short.drop();
    const connection = await bound(world);
    await waitForPage();
    expect(errorsOf(short)).toEqual([]);
    expect(errorsOf(connection)).toHaveLength(1);
  });

  it('hears nothing of chat states, receipts and errors', async () => {
    const world = await makeWorld();
    await cutWhileHeld(
      world,
      chat('1', 'first'),
      "<message xmlns='jabber:client' to='romeo@example.net' id='2'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>",
      chat('3', 'quoted').replace("type='chat'", "type='error'"),
    );
    const connection = await bound(world);
    await waitForPage();
    expect(errorsOf(connection).map((text) => /id="(\d)"/.exec(text)?.[1])).toEqual(['1']);
  });

  it('is told also where the account is not ours, without a word in the popup', async () => {
    const world = await makeWorld({ decision: 'ignored' });
    const connection = await bound(world);
    await until(() => world.state() === 'ignored', 'attaching');
    connection.setBusy(true);
    connection.send(chat('1', 'first'));
    await quiet();
    connection.drop();
    connection.setBusy(false);
    const next = await bound(world);
    await waitForPage();
    expect(errorsOf(next)).toHaveLength(1);
    expect(world.vault.asked('refused')).toEqual([]);
  });
});

it('a page that resumes is told nothing: it sends them again', async () => {
  const world = await makeWorld();
  const page = new SmPage();
  await page.begin(world.connect());
  await until(() => world.state() === 'ready', 'publishing');
  holdKeys(world);
  page.send(chat('1', 'first'));
  await until(() => world.server.iqs.some((iq) => nodeIn(iq) === bundleOf(world)), 'fetching');
  page.connection.drop();
  await quiet();
  world.server.script = () => undefined;
  world.juliet.clock.now += 120_000;
  await page.resume(world.connect());
  expect(page.isResumeRefused).toBe(false);
  await until(() => world.server.messages.length === 1, 'sending again');
  page.connection.drop();
  const connection = await bound(world);
  await waitForPage();
  expect(errorsOf(connection)).toEqual([]);
});

describe('what is kept', () => {
  const own = jid('juliet@example.org');
  const other = jid('mercutio@example.org');

  it('is of its account, oldest first, and bounded', () => {
    const messages = new UnsentMessages();
    for (let id = 0; id <= MAX_UNSENT; id++) messages.add(own, chat(`${id}`, 'text'));
    messages.add(other, chat('x', 'text'));
    const ids = messages.take(own).map(({ stanza }) => stanza.getAttribute('id'));
    expect(ids).toEqual(Array.from({ length: MAX_UNSENT - 1 }, (_, index) => `${index + 2}`));
    expect(messages.take(own)).toEqual([]);
    expect(messages.take(other)).toHaveLength(1);
  });

  it.each([
    '<message',
    `<presence xmlns='jabber:client'/>`,
    '<message xmlns="urn:x"><body/></message>',
  ])('is no %s', (text) => {
    const messages = new UnsentMessages();
    messages.add(own, text);
    expect(messages.take(own)).toEqual([]);
  });
});
