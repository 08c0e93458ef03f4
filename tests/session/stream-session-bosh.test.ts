// BOSH sessions that a page goes on with, without log-in and bind (interception I-23).
import { chat, fails, JULIET, makeWorld, quiet, until, untilLate } from './stream-world';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { explainRefusal } from '../../src/rpc/reasons';
import { childrenOf } from '../../src/xml/element';
import type { Connection, World } from './stream-world';

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

/** A page that logged in over BOSH. */
async function begun(world: World): Promise<Connection> {
  const connection = world.connect();
  connection.session.handle({ t: 'session', s: 1, sid: 'abc' });
  await connection.bind();
  await until(() => world.state() === 'ready', 'publishing');
  return connection;
}

/** Somebody else logged in: the server knows the resource, we do not know the session. */
async function bound(): Promise<World> {
  const world = await makeWorld();
  const connection = world.connect();
  await connection.bind();
  connection.drop();
  await quiet();
  return world;
}

const isPing = (iq: Element): boolean =>
  childrenOf(iq, 'ping').some(({ namespaceURI }) => namespaceURI === 'urn:xmpp:ping');

async function sends(world: World, connection: Connection, text: string): Promise<void> {
  connection.send(chat('1', text));
  await until(() => world.server.messages.length > 0, 'sending');
  const [message] = world.server.messages;
  expect(await world.read(message ?? '')).toMatchObject({ kind: 'text', text });
}

describe('a BOSH session that is older than its page', () => {
  it('is known again, and encrypts at once (I-23)', async () => {
    const world = await makeWorld();
    (await begun(world)).drop();
    const mark = world.server.iqs.length;
    const connection = world.connect('abc');
    await sends(world, connection, 'after the reload');
    await until(() => world.state() === 'ready', 'publishing');
    expect(world.server.iqs.slice(mark).filter(isPing)).toEqual([]);
    expect(connection.seen.join('')).not.toContain('axolotl');
  });

  it('keeps what was asked before the reload from the page', async () => {
    const world = await makeWorld();
    world.server.script = (iq) => (isPing(iq) ? 'silent' : undefined);
    const before = await begun(world);
    const asked = before.injected[0] ?? '';
    before.drop();
    const connection = world.connect('abc');
    await until(() => world.state() === 'ready', 'publishing');
    connection.push(`<iq xmlns='jabber:client' type='result' id='${asked}' to='${JULIET}/a'/>`);
    await quiet();
    expect(connection.seen).toEqual([]);
  });

  it('nobody knows is told by the server, and known from then on', async () => {
    const world = await bound();
    world.server.script = (iq) => (isPing(iq) ? '' : undefined);
    const connection = world.connect('made by the site');
    await sends(world, connection, 'without a log-in');
    expect(connection.seen).toEqual([]);
    connection.drop();
    const mark = world.server.iqs.length;
    const next = world.connect('made by the site');
    next.send(chat('2', 'and again'));
    await until(() => world.server.messages.length > 1, 'sending');
    expect(world.server.iqs.slice(mark).filter(isPing)).toEqual([]);
  });

  it('nobody knows is asked about again where a question is lost with the request it was in', async () => {
    const world = await bound();
    let lost = 2;
    world.server.script = (iq) => (isPing(iq) ? (lost-- > 0 ? 'silent' : '') : undefined);
    const connection = world.connect('made by the site');
    const isAsked = (times: number) => () => world.server.iqs.filter(isPing).length === times;
    await until(isAsked(1), 'asking');
    await vi.advanceTimersByTimeAsync(2999);
    expect(world.server.iqs.filter(isPing).length).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    await until(isAsked(2), 'asking again');
    await vi.advanceTimersByTimeAsync(3000);
    await until(isAsked(3), 'asking once more');
    await sends(world, connection, 'in the end');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(world.server.iqs.filter(isPing).length).toBe(3);
    expect(connection.seen).toEqual([]);
  });

  it('nobody knows sends nothing while the server does not tell', async () => {
    const world = await makeWorld();
    world.server.script = () => 'silent';
    const connection = world.connect('made by the site');
    connection.send(chat('1', 'to whom it may concern'));
    await untilLate(() => connection.errorFor('1') !== undefined, 'refusing');
    expect(connection.errorFor('1')).toContain(explainRefusal('account-unknown'));
    expect(world.server.messages).toEqual([]);
  });

  it('is asked about where the vault does not answer', async () => {
    const world = await bound();
    world.server.script = (iq) => (isPing(iq) ? 'silent' : undefined);
    world.vault.faults.set('smLoad', fails('internal'));
    world.vault.faults.set('smSave', fails('internal'));
    const connection = world.connect('abc');
    await until(() => world.server.iqs.some(isPing), 'asking');
    const id = connection.injected[0] ?? '';
    // From the account itself, as the RFC allows.
    connection.push(
      `<iq xmlns='jabber:client' type='error' id='${id}' from='${JULIET}' to='${JULIET}/r1'/>`,
    );
    await sends(world, connection, 'all the same');
  });
});
