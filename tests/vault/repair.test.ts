// A session the other side goes on in and we no longer have: what starts a new one, how often, and what it never costs.
import { describe, expect, it, vi } from 'vitest';
import { LEGACY } from '../../src/rpc/versions';
import type { DecryptRequest, WireMessage } from '../../src/rpc/vault-api';
import { withDevice, withList } from '../../src/vault/devices';
import { encryptEmpty } from '../../src/vault/encrypt';
import { REPAIR_EVERY_MS } from '../../src/limits';
import { prepare } from '../../src/vault/recipients';
import { sessionsKey } from '../../src/vault/sessions';
import { isResetting, resetChores } from '../../src/vault/repair';
import { withFacts } from '../../src/vault/device-facts';
import { lockOf } from '../../src/vault/context';
import { withTrust } from '../../src/vault/trust';
import {
  accountOf,
  changePeer,
  choreKinds,
  fetchBundle,
  jid,
  legacyAddress,
  legacyOf,
  meet,
  messageOf,
  peerOf,
  person,
  type Person,
  present,
  receive,
  send,
  START,
  textOf,
  wantReset,
} from './world';

vi.mock('webextension-polyfill', () => ({ default: {} }));

const JULIET = jid('juliet@example.org');
const ROMEO = jid('romeo@example.net');

interface Couple {
  readonly juliet: Person;
  readonly romeo: Person;
}

/** Both have answered, each knows the other's list. */
async function couple(): Promise<Couple> {
  const juliet = await person(JULIET);
  const romeo = await person(ROMEO);
  await meet(juliet, romeo);
  await meet(romeo, juliet);
  await receive(romeo, await send(juliet, ROMEO, 'one'), juliet);
  await receive(juliet, await send(romeo, JULIET, 'two'), romeo);
  return { juliet, romeo };
}

/** Romeo lost his sessions with Juliet; she goes on in hers. */
async function forget({ romeo }: Couple): Promise<void> {
  const key = sessionsKey(romeo.scope, LEGACY, JULIET);
  await romeo.context.database.write([{ store: 'sessions', key }]);
}

/** What the stream does for the chore. */
async function perform({ juliet, romeo }: Couple, requestId = 'reset'): Promise<WireMessage> {
  await fetchBundle(romeo, juliet);
  const { context, scope } = romeo;
  return messageOf(await encryptEmpty(context, scope, legacyAddress(juliet), requestId));
}

const deviceOfJuliet = async ({ juliet, romeo }: Couple) =>
  present((await peerOf(romeo, JULIET)).devices.find((each) => each.deviceId === juliet.deviceId));

describe('a message in a session we do not have', () => {
  it('brings a new session, in which both go on; ours and theirs can be written first', async () => {
    const pair = await couple();
    const { juliet, romeo } = pair;
    await forget(pair);
    const lost = await receive(romeo, await send(juliet, ROMEO, 'lost'), juliet);
    expect(lost).toMatchObject({ kind: 'failed', code: 'no-session' });
    expect(choreKinds(lost)).toEqual(['reset-session']);
    const empty = await perform(pair);
    expect(empty.keys).toMatchObject([{ deviceId: juliet.deviceId, isKeyExchange: true }]);
    expect(await receive(juliet, empty, romeo)).toMatchObject({ kind: 'empty' });
    expect(textOf(await receive(romeo, await send(juliet, ROMEO, 'three'), juliet))).toBe('three');
    expect(textOf(await receive(juliet, await send(romeo, JULIET, 'four'), romeo))).toBe('four');
  });

  it('costs at most one new session a day', async () => {
    const pair = await couple();
    const { juliet, romeo } = pair;
    const fail = async () => {
      await forget(pair);
      return choreKinds(await receive(romeo, await send(juliet, ROMEO, 'lost'), juliet));
    };
    expect(await fail()).toEqual(['reset-session']);
    await perform(pair, 'first');
    romeo.clock.now = START + REPAIR_EVERY_MS - 1;
    expect(await fail()).toEqual([]);
    romeo.clock.now = START + REPAIR_EVERY_MS;
    expect(await fail()).toEqual(['reset-session']);
  });

  const strangers: readonly (readonly [string, (pair: Couple) => Promise<unknown>])[] = [
    [
      'a device that is not on the list',
      ({ romeo }) =>
        changePeer(romeo, JULIET, (peer) =>
          withList(peer, LEGACY, { kind: 'present', value: [4711] }, START),
        ),
    ],
    [
      'a distrusted device',
      async ({ juliet, romeo }) => {
        const key = (await accountOf(juliet)).identity.publicKey;
        await changePeer(romeo, JULIET, (peer) => withTrust(peer, key, 'distrusted', START));
      },
    ],
    [
      'a device whose key has changed',
      ({ juliet, romeo }) =>
        changePeer(romeo, JULIET, (peer) => {
          const device = present(peer.devices.find((each) => each.deviceId === juliet.deviceId));
          return withDevice(peer, { ...device, changedKey: new Uint8Array(32).fill(9) });
        }),
    ],
  ];
  it.each(strangers)('brings none with %s', async (_name, change) => {
    const pair = await couple();
    await forget(pair);
    await change(pair);
    const outcome = await receive(pair.romeo, await send(pair.juliet, ROMEO, 'lost'), pair.juliet);
    expect(outcome).toMatchObject({ code: 'no-session' });
    expect(choreKinds(outcome)).not.toContain('reset-session');
    const { devices } = await peerOf(pair.romeo, JULIET);
    expect(devices.some(isResetting)).toBe(false);
  });

  it('tells a stranger nothing', async () => {
    const juliet = await person(JULIET);
    const romeo = await person(ROMEO);
    await meet(juliet, romeo);
    await meet(romeo, juliet);
    const first = await send(juliet, ROMEO, 'one');
    const stranger: Partial<DecryptRequest> = { isContact: false };
    await receive(romeo, first, juliet, stranger);
    await changePeer(romeo, JULIET, (peer) => ({ ...peer, isWrittenTo: false }));
    await forget({ juliet, romeo });
    const [key] = (await send(juliet, ROMEO, 'two')).keys;
    // The inner message of the key exchange alone, as if she had been answered.
    const message = { ...first, keys: [{ ...present(key), bytes: plainPart(present(key).bytes) }] };
    const outcome = await receive(romeo, message, juliet, stranger);
    expect(outcome).toMatchObject({ code: 'no-session' });
    expect(choreKinds(outcome)).toEqual([]);
  });
});

/** The ratchet message inside a legacy key exchange: field 4, which ends before the fields 5 and 6 of ours. */
function plainPart(bytes: Uint8Array): Uint8Array {
  let at = 1;
  while (at < bytes.length) {
    const tag = bytes[at++] ?? 0;
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if ((tag & 7) !== 2) continue;
    if (tag >> 3 === 4) return bytes.slice(at, at + value);
    at += value;
  }
  throw new Error('no inner message');
}

describe('a reset', () => {
  it('keeps the old session for what is under way in it, and its trust', async () => {
    const pair = await couple();
    const { juliet, romeo } = pair;
    const late = await send(juliet, ROMEO, 'under way');
    await wantReset(romeo, juliet);
    const before = await peerOf(romeo, JULIET);
    await receive(juliet, await perform(pair), romeo);
    expect(textOf(await receive(romeo, late, juliet))).toBe('under way');
    expect((await peerOf(romeo, JULIET)).keys).toEqual(before.keys);
  });

  it('happens with the next message where nothing was sent for it', async () => {
    const pair = await couple();
    const { juliet, romeo } = pair;
    await wantReset(romeo, juliet);
    expect(resetChores(await peerOf(romeo, JULIET))).toHaveLength(1);
    const { context, scope } = romeo;
    const asked = await context.transactions.run(lockOf(scope), (unit) =>
      prepare(unit, scope, JULIET, START),
    );
    expect(asked).toMatchObject({ bundles: [{ deviceId: juliet.deviceId }] });
    await fetchBundle(romeo, juliet);
    const message = await send(romeo, JULIET, 'hello again');
    expect(message.keys.map(({ isKeyExchange }) => isKeyExchange)).toContain(true);
    expect(textOf(await receive(juliet, message, romeo))).toBe('hello again');
    expect(resetChores(await peerOf(romeo, JULIET))).toEqual([]);
  });

  it('goes on in the old session while no bundle can be had', async () => {
    const pair = await couple();
    const { juliet, romeo } = pair;
    await wantReset(romeo, juliet);
    const device = await deviceOfJuliet(pair);
    await changePeer(romeo, JULIET, (peer) =>
      withDevice(
        peer,
        withFacts(device, LEGACY, { ...legacyOf(device), noBundleUntil: START + 60_000 }),
      ),
    );
    const message = await send(romeo, JULIET, 'as before');
    const key = present(message.keys.find(({ deviceId }) => deviceId === juliet.deviceId));
    expect(key.isKeyExchange).toBe(false);
    expect(textOf(await receive(juliet, message, romeo))).toBe('as before');
    const asked = (now: number) =>
      romeo.context.transactions.run(lockOf(romeo.scope), (unit) =>
        prepare(unit, romeo.scope, JULIET, now),
      );
    expect(await asked(START + 59_999)).not.toHaveProperty('bundles.0');
    expect(await asked(START + 60_000)).toMatchObject({ bundles: [{ deviceId: juliet.deviceId }] });
    await fetchBundle(romeo, juliet);
    const [first] = (await send(romeo, JULIET, 'in the new one')).keys;
    expect(first).toMatchObject({ isKeyExchange: true });
  });

  it('is done when the other side begins a session first', async () => {
    const pair = await couple();
    const { juliet, romeo } = pair;
    await wantReset(romeo, juliet);
    await wantReset(juliet, romeo);
    await fetchBundle(juliet, romeo);
    const theirs = await send(juliet, ROMEO, 'my reset first');
    expect(textOf(await receive(romeo, theirs, juliet))).toBe('my reset first');
    expect(resetChores(await peerOf(romeo, JULIET))).toEqual([]);
    const answer = await send(romeo, JULIET, 'in yours');
    expect(textOf(await receive(juliet, answer, romeo))).toBe('in yours');
  });

  it('is not begun by an empty message nobody wanted', async () => {
    const pair = await couple();
    const { juliet, romeo } = pair;
    await forget(pair);
    await fetchBundle(romeo, juliet);
    const { context, scope } = romeo;
    const outcome = await encryptEmpty(context, scope, legacyAddress(juliet), 'unwanted');
    expect(outcome).toEqual({ kind: 'refused', code: 'bundles-unavailable' });
  });
});
