// Who writes without end or skips without end costs a bounded record and bounded time (T19, M63). OMNEMO_STRANGERS=10000 has that many
// key exchanges of strangers, and skipped keys in all sessions that are kept; some more than the limits belong to each check.
import { describe, expect, it } from 'vitest';
import {
  MAX_ARCHIVED_SESSIONS,
  MAX_SKIPPED_KEYS,
  MAX_SPENT_PREKEYS,
  MAX_STRANGER_SKIPPED_KEYS,
  MAX_STRANGERS,
  RATCHET_LIMITS,
} from '../../src/limits';
import type { DeviceSessions, RatchetSession } from '../../src/omemo/types';
import { LEGACY } from '../../src/rpc/versions';
import { newPeer, type SessionsRecord } from '../../src/vault/records';
import { withinSkipped } from '../../src/vault/skipped';
import { sessionsKey } from '../../src/vault/sessions';
import { attackerOf, type Attacker } from './attacker';
import { bytesIn, rawRecords } from './disk';
import { jid, keysOf, person, prekeysOf, present, textOf, type Person } from './world';

const JULIET = jid('juliet@example.org');
const ROMEO = jid('romeo@example.net');
const DEVICE = 7;
const LONG_RUN = process.env['OMNEMO_STRANGERS'];
/** A message may skip this many. */
const STEP = RATCHET_LIMITS.ahead - 1;

async function skippedBy({ context, scope }: Person): Promise<number> {
  const stored = await context.database.get('sessions', sessionsKey(scope, LEGACY, ROMEO));
  const { current, archived } = present(present(stored).devices[DEVICE]);
  return [present(current), ...archived].reduce(
    (sum, { ratchet }) => sum + ratchet.skippedMessageKeys.length,
    0,
  );
}

/** Bytes of all records of a store as they lie on disk. */
async function bytesOf({ name }: Person, store: string): Promise<number> {
  const records = (await rawRecords(name)).filter((record) => record.store === store);
  return records.reduce((sum, { value }) => sum + bytesIn(value).length, 0);
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

const median = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN;

/** Skips as far as a message may, again and again, in new sessions or in one. */
async function skipThrough(attacker: Attacker, count: number, isAnew: boolean): Promise<void> {
  for (let skipped = 0; skipped < count; skipped += STEP) {
    if (isAnew || skipped === 0) await attacker.begin();
    attacker.skip(STEP);
    expect(textOf(await attacker.write(ROMEO, DEVICE, 'x'))).toBe('x');
  }
}

describe('100,000 skipped keys', () => {
  it('of one chain leave the latest of them', async () => {
    const juliet = await person(JULIET);
    const attacker = await attackerOf(juliet, true);
    await skipThrough(attacker, 100_000, false);
    expect(await skippedBy(juliet)).toBe(RATCHET_LIMITS.perChain);
  }, 300_000);

  it.each([
    [
      ...(['somebody known', true, MAX_SKIPPED_KEYS] as const),
      LONG_RUN === undefined ? 12 : MAX_ARCHIVED_SESSIONS + 10,
    ],
    ['a stranger', false, MAX_STRANGER_SKIPPED_KEYS, 12],
  ])(
    'in sessions begun anew leave of %s what one session may have',
    async (_who, isContact, most, sessions) => {
      const juliet = await person(JULIET);
      const attacker = await attackerOf(juliet, isContact);
      await skipThrough(attacker, STEP * sessions, true);
      expect(await skippedBy(juliet)).toBe(most);
      const bytes = await bytesOf(juliet, 'sessions');
      const time = await timeOf(() => attacker.write(ROMEO, DEVICE, 'y'));
      console.log(
        `${most} skipped keys: a record of ${bytes} bytes, a message ${time.toFixed(0)} ms`,
      );
      expect(bytes).toBeLessThan(most * 120 + 100_000);
    },
    300_000,
  );
});

describe('skipped keys together', () => {
  const key = new Uint8Array(32);
  const sessionWith = (ids: readonly number[]): RatchetSession => ({
    ...{ version: LEGACY, remoteIdentityKey: key, isInitiator: false, ephemeralKey: key },
    ratchet: {
      ...{ rootKey: key, ratchetKeyPair: { privateKey: key, publicKey: key } },
      previousChainLength: 0,
      skippedMessageKeys: ids.map((n) => ({ remoteRatchetKey: key, n, messageKey: key })),
      endedRatchetKeys: [key],
    },
  });
  const device = (current: readonly number[], ...archived: number[][]): DeviceSessions => ({
    current: sessionWith(current),
    archived: archived.map(sessionWith),
  });
  const stored: SessionsRecord = {
    ...{ v: 1, version: LEGACY },
    devices: { 1: device([1, 2], [3, 4]), 2: device([5, 6]), 3: device([7, 8], [9]) },
  };
  const seen = (deviceId: number, lastSeen: number) => ({
    ...{ deviceId, lastSeen, firstSeen: 0, versions: {} },
  });
  const peer = { ...newPeer(ROMEO), devices: [seen(1, 10), seen(2, 30), seen(3, 20)] };
  const numbersIn = ({ devices }: SessionsRecord) =>
    Object.values(devices).map(({ current, archived }) =>
      [current, ...archived].map((each) => each?.ratchet.skippedMessageKeys.map(({ n }) => n)),
    );

  it('stay as they are up to the limit', () => {
    expect(withinSkipped(stored, peer, 3, 9)).toBe(stored);
  });

  it('above it are kept of the writing device, its current session and the latest heard of first', () => {
    const kept = withinSkipped(stored, peer, 3, 8);
    expect(numbersIn(kept)).toEqual([[[1, 2], [4]], [[5, 6]], [[7, 8], [9]]]);
    expect(numbersIn(withinSkipped(stored, peer, 3, 4))).toEqual([[[], []], [[6]], [[7, 8], [9]]]);
    expect(numbersIn(withinSkipped(stored, peer, 1, 3))).toEqual([[[1, 2], [4]], [[]], [[], []]]);
    const [current, archived] = [kept.devices[1]?.current, kept.devices[1]?.archived[0]];
    expect([current, archived].map((each) => each?.ratchet.endedRatchetKeys)).toEqual([[key], []]);
  });
});

describe('key exchanges of strangers', () => {
  it('cost the same however many came before, and leave the last of them', async () => {
    const count = Number(LONG_RUN ?? MAX_STRANGERS + 100);
    const juliet = await person(JULIET);
    const attacker = await attackerOf(juliet, false);
    const times: number[] = [];
    let half = { sessions: 0, accounts: 0 };
    const sizes = async () => ({
      sessions: await bytesOf(juliet, 'sessions'),
      accounts: await bytesOf(juliet, 'accounts'),
    });
    for (let index = 0; index < count; index++) {
      await attacker.begin();
      const from = jid(`stranger${index}@example.net`);
      const write = async () => textOf(await attacker.write(from, DEVICE, 'hello'));
      times.push(await timeOf(write));
      if (index === MAX_STRANGERS) half = await sizes();
    }
    const late = median(times.slice(-50));
    console.log(
      `${count} key exchanges: the first ${median(times.slice(0, 50)).toFixed(1)} ms, the last ${late.toFixed(1)} ms each`,
      await sizes(),
    );
    expect((await keysOf(juliet.context.database, 'peers')).length).toBe(MAX_STRANGERS);
    expect((await keysOf(juliet.context.database, 'sessions')).length).toBe(MAX_STRANGERS);
    expect((await prekeysOf(juliet)).spentPrekeys?.length).toBeLessThanOrEqual(MAX_SPENT_PREKEYS);
    const after = await sizes();
    expect(after.sessions).toBeLessThan(half.sessions * 1.1);
    expect(after.accounts).toBeLessThan(half.accounts * 1.1);
    // Those at the full row against those before it. Too few of them say more about what else the machine does.
    if (LONG_RUN === undefined) return;
    expect(late).toBeLessThan(median(times.slice(MAX_STRANGERS - 100, MAX_STRANGERS)) * 3);
  }, 3_600_000);
});
