// A stream while the vault is locked, and after it was unlocked (M70, I-75).
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LEGACY } from '../../src/rpc/versions';
import { codecFor } from '../../src/session/codec/codec';
import { serialise } from '../../src/xml/element';
import { meet, send, START } from '../vault/world';
import { fake, resetFake } from '../vault/browser';
import {
  chat,
  fails,
  JULIET,
  makeWorld,
  quiet,
  ready,
  ROMEO,
  until,
  type Connection,
  type World,
} from './stream-world';

vi.mock('webextension-polyfill', async () => ({
  default: (await import('../vault/browser')).browser,
}));
vi.mock('../../src/crypto/argon2', () => import('../vault/quick-argon2'));

const PASSPHRASE = 'correct horse';
const STANZA_ID = 'urn:xmpp:sid:0';

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  resetFake();
  fake.permitted.add('https://chat.example.org/*');
});
afterEach(() => void vi.restoreAllMocks());

/** What Romeo's device encrypts for Juliet's, as a stanza. */
async function written(world: World, text: string, id: string): Promise<string> {
  await meet(world.romeo, world.juliet);
  const message = await send(world.romeo, JULIET, text);
  const encrypted = serialise(codecFor(LEGACY).writeMessage(message));
  return (
    `<message xmlns='jabber:client' from='${ROMEO}/r' to='${JULIET}/web' type='chat' id='${id}'>${encrypted}` +
    `<body>fallback</body><stanza-id xmlns='${STANZA_ID}' by='${JULIET}' id='archive-${id}'/></message>`
  );
}

const shown = (page: Connection, text: string): string[] =>
  page.seen.filter((frame) => frame.includes(text));
const isLocked = (world: World) => world.state() === 'locked';

/** The page's session hears what the vault tells, as startSession() has it. */
function heard(world: World, page: Connection): Connection {
  world.vault.client.onEvent(() => void page.session.wake().catch(() => undefined));
  return page;
}

async function lockedWorld() {
  const world = await makeWorld();
  const page = await ready(world);
  heard(world, page);
  await world.lock.setPassphrase({ passphrase: PASSPHRASE });
  const said = await written(world, 'by yonder blessed moon', 'm1');
  await world.lock.lock();
  await until(() => isLocked(world), 'locking');
  return { world, page, said };
}

const unlock = (world: World) => world.lock.unlock({ passphrase: PASSPHRASE });

describe('a message that comes while the vault is locked', () => {
  it('reaches the page on unlocking, once, with the time it came at, and its stream counts right', async () => {
    const { world, page, said } = await lockedWorld();
    const before = page.seen.length;
    const from = Date.now();
    page.push(said);
    await until(() => world.vault.asked('hold').length === 1, 'keeping');
    await quiet();
    expect(page.seen.slice(before)).toEqual([]);
    await unlock(world);
    await until(() => shown(page, 'blessed moon').length > 0, 'the text');
    await quiet();
    const [frame = '', ...more] = shown(page, 'blessed moon');
    expect(more).toEqual([]);
    expect(frame).toContain(`id="archive-m1"`);
    expect(frame).not.toContain('encrypted');
    const stamp = Date.parse(/<delay[^>]* stamp="([^"]+)"/.exec(frame)?.[1] ?? '');
    expect(stamp).toBeGreaterThanOrEqual(from - 1);
    expect(stamp).toBeLessThanOrEqual(Date.now());
    expect(world.vault.asked('heldShown')).toHaveLength(1);
    expect(page.injected.filter((id) => id.startsWith('held-'))).toHaveLength(1);
    await until(() => world.state() === 'ready', 'going on');
  });

  it('reaches the next page when the first was loaded anew, and is told apart from the archive', async () => {
    const { world, page, said } = await lockedWorld();
    page.push(said);
    await until(() => world.vault.asked('hold').length === 1, 'keeping');
    page.drop();
    const next = heard(world, world.connect());
    await next.bind();
    await until(() => isLocked(world), 'being locked');
    // The page asks the archive for what it has not seen.
    next.send(
      `<iq xmlns='jabber:client' type='set' id='mam'><query xmlns='urn:xmpp:mam:2' queryid='q'/></iq>`,
    );
    const inner = said.replace(/<stanza-id[^>]*>/, '');
    next.push(
      `<message xmlns='jabber:client' to='${JULIET}/web'><result xmlns='urn:xmpp:mam:2' queryid='q' id='archive-m1'>` +
        `<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2026-01-05T00:00:00Z'/>${inner}</forwarded></result></message>`,
    );
    await until(() => world.vault.asked('hold').length === 2, 'keeping it again');
    expect(next.seen.join()).not.toMatch(/encrypted|fallback|OMEMO/);
    await unlock(world);
    await until(() => shown(next, 'blessed moon').length > 0, 'the text');
    await quiet();
    expect(shown(next, 'blessed moon')).toHaveLength(1);
    expect(shown(next, 'blessed moon').join()).not.toContain('urn:xmpp:mam:2');
    await until(() => world.vault.asked('heldShown').length > 0, 'forgetting');
    const { context } = world.juliet;
    expect(await context.database.held(world.juliet.scope, START)).toEqual([]);
  });

  it('of our own from the archive comes as a carbon, with the time the archive says', async () => {
    const { world, page } = await lockedWorld();
    page.send(
      `<iq xmlns='jabber:client' type='set' id='mam'><query xmlns='urn:xmpp:mam:2' queryid='q'/></iq>`,
    );
    await unlock(world);
    await until(() => world.state() === 'ready', 'unlocking');
    page.send(chat('own', 'my own words'));
    await until(() => world.server.got.some((frame) => frame.includes('id="own"')), 'sending');
    const sent = world.server.got.find((frame) => frame.includes('id="own"')) ?? '';
    await world.lock.lock();
    await until(() => isLocked(world), 'locking');
    const inner = sent.replace('<message ', `<message from='${JULIET}/other' `);
    page.push(
      `<message xmlns='jabber:client' to='${JULIET}/web'><result xmlns='urn:xmpp:mam:2' queryid='q' id='a7'>` +
        `<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2026-01-05T06:07:08Z'/>${inner}</forwarded></result></message>`,
    );
    await until(() => world.vault.asked('hold').length === 1, 'keeping');
    await unlock(world);
    await until(() => shown(page, 'my own words').length > 0, 'the text');
    const [frame = ''] = shown(page, 'my own words');
    expect(frame).toContain('urn:xmpp:carbons:2');
    expect(frame).toMatch(/<sent /);
    expect(frame).toContain('2026-01-05T06:07:08');
    expect(frame).toContain('id="a7"');
  });

  it('that cannot be kept is shown as unreadable, and nothing of it is used up', async () => {
    const { world, page, said } = await lockedWorld();
    world.vault.faults.set('hold', fails('limit'));
    page.push(said);
    await until(() => shown(page, 'Omnemo is locked').length > 0, 'a remark');
    await unlock(world);
    await until(() => world.state() === 'ready', 'unlocking');
    page.push(said);
    await until(() => shown(page, 'blessed moon').length > 0, 'the text');
  });

  it('as it is unlocked is opened at once', async () => {
    const { world, page, said } = await lockedWorld();
    world.vault.faults.set('hello', () => new Promise(() => undefined)); // it has not heard of it yet
    await unlock(world);
    page.push(said);
    await until(() => shown(page, 'blessed moon').length > 0, 'the text');
    expect(shown(page, 'blessed moon')).toHaveLength(1);
  });

  it('is kept until the user has decided about an account that is new, and comes as it came if it is left alone', async () => {
    const { world, page, said } = await lockedWorld();
    page.drop();
    const next = heard(world, world.connect());
    await next.bind();
    await until(() => isLocked(world), 'being locked');
    next.push(said);
    await until(() => world.vault.asked('hold').length === 1, 'keeping');
    const before = next.seen.length;
    world.vault.faults.set('attach', async () => ({ kind: 'pending' }));
    await unlock(world);
    await until(() => world.state() === 'pending', 'asking the user');
    await quiet();
    expect(next.seen.slice(before)).toEqual([]);
    world.vault.faults.delete('attach');
    await world.decide('ignored');
    await next.session.wake();
    await until(() => next.seen.some((frame) => frame.includes('archive-m1')), 'delivering');
    expect(next.seen.join()).toContain('encrypted');
  });

  it('in clear reaches the page at once, with the remark', async () => {
    const { page } = await lockedWorld();
    page.push(
      `<message xmlns='jabber:client' from='${ROMEO}/r' to='${JULIET}/web' type='chat'><body>in clear</body></message>`,
    );
    await until(() => shown(page, '[not encrypted] in clear').length === 1, 'the text');
  });
});

describe('a message of the page while the vault is locked', () => {
  it('is refused with the reason, leaves nothing, and goes after unlocking', async () => {
    const { world, page } = await lockedWorld();
    page.send(chat('one', 'a secret'));
    await until(() => page.errorFor('one') !== undefined, 'a refusal');
    expect(page.errorFor('one')).toContain('Omnemo is locked');
    await unlock(world);
    await until(() => world.state() === 'ready', 'unlocking');
    page.send(chat('two', 'a secret'));
    await until(() => world.server.got.some((frame) => frame.includes('id="two"')), 'sending');
    expect(world.server.got.join()).not.toContain('a secret');
    expect(world.server.got.join()).not.toContain('id="one"');
  });

  it('is refused as well where the stream began locked, whatever is decided about the account', async () => {
    const { world, page } = await lockedWorld();
    page.drop();
    const next = heard(world, world.connect());
    await next.bind();
    await until(() => isLocked(world), 'being locked');
    next.send(chat('one', 'a secret'));
    await until(() => next.errorFor('one') !== undefined, 'a refusal');
    expect(next.errorFor('one')).toContain('Omnemo is locked');
    expect(world.server.got.join()).not.toContain('a secret');
  });
});
