// How long texts are kept, on look-up and on disk, and what is left of one that is not (M80).
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ARCHIVE_BATCH,
  PASSING_MS,
  SWEEP_EVERY_MS,
  SWEEP_PASSING_EVERY_MS,
} from '../../src/limits';
import type { PopupApi, Retention } from '../../src/rpc/popup-api';
import { LEGACY } from '../../src/rpc/versions';
import { ownBundle } from '../../src/vault/accounts';
import { archiveSize, forget, setRetention, sweepArchive } from '../../src/vault/archive-upkeep';
import { popupHandlers } from '../../src/vault/popup-handlers';
import { createPresence } from '../../src/vault/presence';
import { changeSite } from '../../src/vault/sites';
import { withRepair } from '../../src/vault/repair';
import { resetFake } from './browser';
import {
  changePeer,
  jid,
  keysOf,
  meet,
  ORIGIN,
  peerOf,
  person,
  present,
  receive,
  send,
  START,
  textOf,
  type Person,
} from './world';

vi.mock('webextension-polyfill', async () => ({ default: (await import('./browser')).browser }));
beforeEach(resetFake);

const JULIET = jid('juliet@example.org');
const ROMEO = jid('romeo@example.net');
const NURSE = jid('nurse@example.net');
const DAY = 24 * 3600 * 1000;
const CHAT = { jid: JULIET, peer: ROMEO };

/** Juliet and Romeo with a session, and the nurse, whom Juliet writes to as well. */
async function chat() {
  const juliet = await person(JULIET);
  const romeo = await person(ROMEO);
  const nurse = await person(NURSE);
  await changeSite(juliet.context, ORIGIN, (site) => ({ ...site, isProtected: true }));
  await meet(juliet, romeo);
  await meet(romeo, juliet);
  await meet(juliet, nurse);
  return { juliet, romeo, nurse };
}

const keep = (who: Person, retention: Retention | 'default', chat?: typeof CHAT): Promise<void> =>
  setRetention(who.context, { origin: ORIGIN, retention, ...(chat !== undefined && { chat }) });

const archived = async ({ context }: Person): Promise<number> =>
  (await keysOf(context.database, 'archive')).length;

/** One text each way with Romeo, and one to the nurse. */
async function talk({ juliet, romeo }: Awaited<ReturnType<typeof chat>>) {
  const out = await send(juliet, ROMEO, 'to Romeo');
  const back = await send(romeo, JULIET, 'to Juliet');
  expect(textOf(await receive(juliet, back, romeo))).toBe('to Juliet');
  const other = await send(juliet, NURSE, 'to the nurse');
  const own = (at?: number) =>
    receive(juliet, out, juliet, { peer: ROMEO, ...(at !== undefined && { at }) });
  const theirs = (at?: number) => receive(juliet, back, romeo, { ...(at !== undefined && { at }) });
  const toNurse = () => receive(juliet, other, juliet, { peer: NURSE });
  return { own, theirs, toNurse };
}

const FORGOTTEN = { kind: 'failed', code: 'forgotten' };

describe('a text', () => {
  it('is kept for ever where nothing was said', async () => {
    const people = await chat();
    const { own, theirs } = await talk(people);
    people.juliet.clock.now += 50 * 365 * DAY;
    await sweepArchive(people.juliet.context);
    expect(textOf(await own())).toBe('to Romeo');
    expect(textOf(await theirs())).toBe('to Juliet');
    expect(await archived(people.juliet)).toBe(3);
  });

  it.each<[string, Retention, number]>([
    ['off', 'off', PASSING_MS],
    ['a day', 1, DAY],
    ['a year', 365, 365 * DAY],
  ])('of a chat with %s is there until then and not after it', async (_name, retention, ms) => {
    const people = await chat();
    const { juliet } = people;
    await keep(juliet, retention, CHAT);
    const { own, theirs, toNurse } = await talk(people);
    juliet.clock.now += ms;
    expect(textOf(await own())).toBe('to Romeo');
    expect(textOf(await theirs())).toBe('to Juliet');
    juliet.clock.now += 1;
    expect(await own()).toMatchObject(FORGOTTEN);
    expect(await theirs()).toMatchObject(FORGOTTEN);
    expect(textOf(await toNurse())).toBe('to the nurse');
    expect(await archived(juliet)).toBe(3);
    await sweepArchive(juliet.context);
    expect(await archived(juliet)).toBe(1);
    expect(textOf(await toNurse())).toBe('to the nurse');
  });

  it('of a chat with a rule of its own is not under that of the site', async () => {
    const people = await chat();
    const { juliet } = people;
    await keep(juliet, 1);
    await keep(juliet, 'ever', CHAT);
    const { own, toNurse } = await talk(people);
    juliet.clock.now += 2 * DAY;
    expect(await toNurse()).toMatchObject(FORGOTTEN);
    expect(textOf(await own())).toBe('to Romeo');
    await keep(juliet, 'default', CHAT);
    expect(await own()).toMatchObject(FORGOTTEN);
  });

  it('once off the disk is said to be gone, and starts no new session', async () => {
    const people = await chat();
    const { juliet, romeo } = people;
    await keep(juliet, 30, CHAT);
    const { own, theirs } = await talk(people);
    const at = juliet.clock.now;
    juliet.clock.now += 31 * DAY;
    await sweepArchive(juliet.context);
    // Neither session nor prekey of it are there any more.
    await ownBundle(juliet.context, juliet.scope, LEGACY);
    await juliet.context.database.write(
      (await keysOf(juliet.context.database, 'sessions')).map((key) => ({
        store: 'sessions',
        key,
      })),
    );
    const before = await peerOf(juliet, ROMEO);
    // Without its date it would cost a session.
    const broken = withRepair(before, romeo.deviceId, LEGACY, 'no-session', juliet.clock.now);
    expect(broken).toBeDefined();
    expect(await theirs(at)).toEqual({ ...FORGOTTEN, chores: [] });
    expect(await own(at)).toEqual({ ...FORGOTTEN, chores: [] });
    expect(await own()).toMatchObject({ code: 'own-unknown' });
    expect(await peerOf(juliet, ROMEO)).toEqual(before);
  });

  it('that was never read is read, however old', async () => {
    const { juliet, romeo } = await chat();
    await keep(juliet, 1);
    const late = await send(romeo, JULIET, 'long on its way');
    const at = juliet.clock.now;
    juliet.clock.now += 100 * DAY;
    expect(textOf(await receive(juliet, late, romeo, { at }))).toBe('long on its way');
    expect(textOf(await receive(juliet, late, romeo, { at }))).toBe('long on its way');
  });
});

describe('forgetting now', () => {
  it.each<[string, Pick<PopupApi['forget']['arg'], 'chat'>, boolean]>([
    ['a chat', { chat: CHAT }, false],
    ['a site', {}, true],
  ])('of %s holds at once and for what was there; the disk follows', async (_name, chat_, all) => {
    const people = await chat();
    const { juliet } = people;
    const { own, theirs, toNurse } = await talk(people);
    await forget(juliet.context, { origin: ORIGIN, ...chat_ });
    expect(await own()).toMatchObject(FORGOTTEN);
    expect(await theirs()).toMatchObject(FORGOTTEN);
    if (all) expect(await toNurse()).toMatchObject(FORGOTTEN);
    else expect(textOf(await toNurse())).toBe('to the nurse');
    juliet.clock.now += 1;
    const next = await send(juliet, ROMEO, 'after it');
    await sweepArchive(juliet.context);
    expect(await archived(juliet)).toBe(all ? 1 : 2);
    expect(textOf(await receive(juliet, next, juliet, { peer: ROMEO }))).toBe('after it');
  });

  it('by a clock that was ahead does not reach what comes after it was set right', async () => {
    const people = await chat();
    const { juliet } = people;
    juliet.clock.now = START + 1000 * DAY;
    await forget(juliet.context, { origin: ORIGIN });
    juliet.clock.now = START + DAY;
    const { own } = await talk(people);
    await sweepArchive(juliet.context);
    expect(textOf(await own())).toBe('to Romeo');
  });

  it('is begun by the popup, which does not wait for the disk', async () => {
    const people = await chat();
    const { juliet } = people;
    await talk(people);
    const presence = createPresence(
      () => undefined,
      () => undefined,
    );
    const popup = popupHandlers(juliet.context, presence);
    await popup.forget({ origin: ORIGIN });
    await vi.waitFor(async () => expect(await archived(juliet)).toBe(0));
    await popup.setRetention({ origin: ORIGIN, chat: CHAT, retention: 30 });
    const { retention, accounts } = await popup.site({ origin: ORIGIN });
    expect({ retention, accounts }).toEqual({ retention: 'ever', accounts: [] });
    expect((await peerOf(juliet, ROMEO)).retention).toBe(30);
  });
});

describe('looking for what is not kept', () => {
  it.each<[Retention, number]>([
    [1, SWEEP_EVERY_MS],
    ['off', SWEEP_PASSING_EVERY_MS],
  ])('with %s is due after a while, not before', async (retention, every) => {
    const people = await chat();
    const { juliet } = people;
    await keep(juliet, retention, CHAT);
    await sweepArchive(juliet.context);
    await talk(people);
    juliet.clock.now += every - 1;
    await keep(juliet, 'off', CHAT);
    await keep(juliet, retention, CHAT);
    const reads = vi.spyOn(juliet.context.database, 'page');
    await sweepArchive(juliet.context);
    expect(reads).not.toHaveBeenCalled();
    juliet.clock.now += 1;
    await sweepArchive(juliet.context);
    expect(reads).toHaveBeenCalled();
    reads.mockRestore();
  });

  it('reads nothing where all is kept, whatever there is', async () => {
    const people = await chat();
    await talk(people);
    const reads = vi.spyOn(people.juliet.context.database, 'page');
    await sweepArchive(people.juliet.context);
    expect(reads).not.toHaveBeenCalled();
    reads.mockRestore();
  });

  it.each([ARCHIVE_BATCH - 1, ARCHIVE_BATCH, ARCHIVE_BATCH + 1, 3 * ARCHIVE_BATCH + 7])(
    'goes through %i texts in parts, and leaves those of others',
    async (count) => {
      const { juliet } = await chat();
      const { database } = juliet.context;
      const key = (account: string, index: number) =>
        `${ORIGIN}\n${account}\n${String(index).padStart(64, '0')}`;
      const record = (index: number) => ({
        v: 1 as const,
        peer: index % 2 === 0 ? ROMEO : NURSE,
        text: `text ${index}`,
        at: START,
      });
      const all = Array.from({ length: count }, (_, index) => index);
      await database.write(
        all.map((index) => ({ store: 'archive', key: key(JULIET, index), value: record(index) })),
      );
      await database.write([{ store: 'archive', key: key('other@x', 0), value: record(0) }]);
      const sizes = new Map<string, { count: number; bytes: number }>();
      let after: Uint8Array | undefined;
      do {
        const part = await archiveSize(juliet.context, {
          origin: ORIGIN,
          jid: JULIET,
          ...(after !== undefined && { after }),
        });
        for (const chat of part.chats) {
          const known = sizes.get(chat.peer) ?? { count: 0, bytes: 0 };
          sizes.set(chat.peer, {
            count: known.count + chat.count,
            bytes: known.bytes + chat.bytes,
          });
        }
        after = part.after;
      } while (after !== undefined);
      expect(sizes.get(ROMEO)?.count).toBe(Math.ceil(count / 2));
      expect(sizes.get(NURSE)?.count).toBe(Math.floor(count / 2));
      expect(present(sizes.get(ROMEO)).bytes).toBeGreaterThan(150 * Math.ceil(count / 2));
      await changePeer(juliet, ROMEO, (peer) => ({ ...peer, retention: 1 }));
      juliet.clock.now += 2 * DAY;
      await sweepArchive(juliet.context);
      expect(await archived(juliet)).toBe(Math.floor(count / 2) + 1);
    },
  );
});
