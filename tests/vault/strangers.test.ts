// What others can make us keep by writing to us (M63): at each limit both sides of it.
import { describe, expect, it } from 'vitest';
import type { BareJid } from '../../src/jid';
import { LEGACY, OMEMO2 } from '../../src/rpc/versions';
import type { Trust } from '../../src/rpc/vault-api';
import { loadPeer, lockOf, savePeer, scopedKey } from '../../src/vault/context';
import { MAX_DEVICES, MAX_STRANGER_DEVICES, MAX_STRANGERS } from '../../src/limits';
import { newPeer, type DeviceRecord, type PeerRecord } from '../../src/vault/records';
import { sessionsKey } from '../../src/vault/sessions';
import { noteSender, withoutSurplus } from '../../src/vault/strangers';
import {
  changePeer,
  dump,
  jid,
  keysOf,
  meet,
  peerOf,
  person,
  receive,
  send,
  textOf,
  type Person,
} from './world';

const JULIET = jid('juliet@example.org');
const ROMEO = jid('romeo@example.net');
const STRANGER = { isContact: false };

const keyOf = (id: number): Uint8Array => new Uint8Array(32).fill(id);
const device = (deviceId: number, lastSeen: number, isActive = false): DeviceRecord => ({
  deviceId,
  identityKey: keyOf(deviceId),
  firstSeen: 0,
  lastSeen,
  versions: { [LEGACY]: { isActive } },
});
const sessionsOf = (ids: readonly number[]) => {
  const devices = Object.fromEntries(ids.map((id) => [id, { archived: [] }]));
  return {
    [LEGACY]: { v: 1, version: LEGACY, devices },
    [OMEMO2]: { v: 1, version: OMEMO2, devices },
  } as const;
};
const senderOf = (devices: readonly DeviceRecord[], trust: Trust = 'trusted') => {
  const ids = devices.map(({ deviceId }) => deviceId);
  const keys = ids.map((id) => ({ identityKey: keyOf(id), trust, firstSeen: 0 }));
  return { record: { ...newPeer(ROMEO), devices, keys }, sessions: sessionsOf(ids) };
};

describe('devices on no list', () => {
  const five = [1, 2, 3, 4, 5].map((id) => device(id, 100 - id));

  it('are left alone up to the limit', () => {
    const sender = senderOf(five);
    const kept = withoutSurplus(sender, 1, 5);
    expect(kept.record).toBe(sender.record);
    expect(kept.sessions).toBe(sender.sessions);
  });

  it('above it lose the one not heard of for longest, with its sessions and its key', () => {
    const { record, sessions } = withoutSurplus(senderOf([...five, device(6, 97)]), 6, 5);
    expect(record.devices.map(({ deviceId }) => deviceId)).toEqual([1, 2, 3, 4, 6]);
    expect(record.keys.map(({ identityKey }) => identityKey[0])).toEqual([1, 2, 3, 4, 6]);
    for (const version of [LEGACY, OMEMO2] as const)
      expect(Object.keys(sessions[version].devices)).toEqual(['1', '2', '3', '4', '6']);
  });

  it('never lose the one that writes, nor those on a list, which are not counted', () => {
    const all = [...five, device(6, 0), device(7, 0, true), device(8, 1, true)];
    const { record } = withoutSurplus(senderOf(all), 6, 5);
    expect(record.devices.map(({ deviceId }) => deviceId)).toEqual([1, 2, 3, 4, 6, 7, 8]);
  });

  it.each(['verified', 'distrusted'] as const)('go, but a key that is %s stays so', (trust) => {
    const { record } = withoutSurplus(senderOf([...five, device(6, 0)], trust), 1, 5);
    expect(record.devices).toHaveLength(5);
    expect(record.keys).toHaveLength(6);
  });
});

/** Devices of Romeo, each of which begins a session with Juliet. */
async function devicesOfRomeo(juliet: Person, count: number): Promise<Person[]> {
  const all: Person[] = [];
  for (let index = 0; index < count; index++) {
    const romeo = await person(ROMEO, `romeo ${index}`);
    await meet(romeo, juliet);
    all.push(romeo);
  }
  return all;
}

describe('a stranger', () => {
  it('is read from the last five devices, and from more once known', async () => {
    const juliet = await person(JULIET);
    const all = await devicesOfRomeo(juliet, MAX_STRANGER_DEVICES + 1);
    for (const [index, romeo] of all.entries()) {
      juliet.clock.now += 1;
      const text = `text ${index}`;
      const message = await send(romeo, JULIET, text);
      expect(textOf(await receive(juliet, message, romeo, STRANGER))).toBe(text);
      const { devices } = await peerOf(juliet, ROMEO);
      expect(devices).toHaveLength(Math.min(index + 1, MAX_STRANGER_DEVICES));
    }
    const [first, ...others] = all;
    if (first === undefined) throw new Error('want devices');
    for (const romeo of others) {
      const message = await send(romeo, JULIET, 'again');
      expect(textOf(await receive(juliet, message, romeo, STRANGER))).toBe('again');
    }
    // A contact begins anew, and none of the others has to go.
    const message = await send(first, JULIET, 'back');
    expect(textOf(await receive(juliet, message, first))).toBe('back');
    expect((await peerOf(juliet, ROMEO)).devices).toHaveLength(MAX_STRANGER_DEVICES + 1);
    expect(MAX_DEVICES).toBeGreaterThan(MAX_STRANGER_DEVICES);
  });
});

describe('strangers together', () => {
  const stranger = (index: number): BareJid => jid(`stranger${index}@example.net`);

  /** A message of each, as far as it leaves anything. */
  async function writeTo(
    juliet: Person,
    from: number,
    to: number,
    change: Partial<PeerRecord> = {},
  ) {
    const { context, scope } = juliet;
    await context.transactions.run(lockOf(scope), async (unit) => {
      for (let index = from; index < to; index++) {
        const peer = stranger(index);
        savePeer(unit, scope, { ...(await loadPeer(unit, scope, peer)), ...change });
        const { [LEGACY]: legacy, [OMEMO2]: omemo2 } = sessionsOf([1]);
        unit.put('sessions', sessionsKey(scope, LEGACY, peer), legacy);
        unit.put('sessions', sessionsKey(scope, OMEMO2, peer), omemo2);
        await noteSender(unit, scope, peer, true);
      }
    });
  }

  const countOf = async ({ context }: Person, store: 'peers' | 'sessions') =>
    (await keysOf(context.database, store)).length;

  it('are kept up to the limit; the next one takes the place of the first', async () => {
    const juliet = await person(JULIET);
    const [romeo] = await devicesOfRomeo(juliet, 1);
    if (romeo === undefined) throw new Error('want a device');
    await writeTo(juliet, 0, MAX_STRANGERS - 1);
    const first = await send(romeo, JULIET, 'one');
    expect(textOf(await receive(juliet, first, romeo, STRANGER))).toBe('one');
    expect(await countOf(juliet, 'peers')).toBe(MAX_STRANGERS);
    await writeTo(juliet, 600, 601);
    expect(await countOf(juliet, 'peers')).toBe(MAX_STRANGERS);
    expect(await countOf(juliet, 'sessions')).toBe(2 * MAX_STRANGERS - 1);
    const { peers = {}, strangers = {} } = await dump(juliet.name);
    const isKept = (peer: BareJid) => scopedKey(juliet.scope, peer) in peers;
    expect([stranger(0), stranger(1), ROMEO, stranger(600)].map(isKept)).toEqual([
      false,
      true,
      true,
      true,
    ]);
    expect(Object(Object.values(strangers)[0]).peers).toHaveLength(MAX_STRANGERS);
    const second = await send(romeo, JULIET, 'two');
    expect(textOf(await receive(juliet, second, romeo, STRANGER))).toBe('two');
  });

  it('cost no more however many there are', async () => {
    const juliet = await person(JULIET);
    await writeTo(juliet, 0, 2000);
    expect(await countOf(juliet, 'peers')).toBe(MAX_STRANGERS);
    expect(await countOf(juliet, 'sessions')).toBe(2 * MAX_STRANGERS);
  });

  it.each([
    ['who was written to', { isWrittenTo: true }],
    [
      'whose key is verified',
      { keys: [{ identityKey: keyOf(1), trust: 'verified', firstSeen: 0 }] },
    ],
    [
      'whose key is distrusted',
      { keys: [{ identityKey: keyOf(1), trust: 'distrusted', firstSeen: 0 }] },
    ],
    ['with whom encryption is off', { encryption: 'off' }],
  ] satisfies [string, Partial<PeerRecord>][])('lose nobody %s', async (_name, change) => {
    const juliet = await person(JULIET);
    await writeTo(juliet, 0, 1, change);
    const before = await peerOf(juliet, stranger(0));
    await writeTo(juliet, 1, MAX_STRANGERS + 1);
    expect(await peerOf(juliet, stranger(0))).toEqual(before);
    expect(await countOf(juliet, 'peers')).toBe(MAX_STRANGERS + 1);
  });

  it('are none any more once they are contacts', async () => {
    const juliet = await person(JULIET);
    const [romeo] = await devicesOfRomeo(juliet, 1);
    if (romeo === undefined) throw new Error('want a device');
    await receive(juliet, await send(romeo, JULIET, 'one'), romeo, STRANGER);
    await receive(juliet, await send(romeo, JULIET, 'two'), romeo);
    await writeTo(juliet, 0, MAX_STRANGERS + 1);
    expect(await countOf(juliet, 'peers')).toBe(MAX_STRANGERS + 1);
    expect((await peerOf(juliet, ROMEO)).devices).toHaveLength(1);
  });

  it('leave the row alone when the last one writes again, and when somebody known does', async () => {
    const juliet = await person(JULIET);
    await writeTo(juliet, 0, 3);
    const before = await dump(juliet.name);
    await writeTo(juliet, 2, 3);
    await changePeer(juliet, stranger(2), (record) => record);
    const { context, scope } = juliet;
    await context.transactions.run(lockOf(scope), (unit) => noteSender(unit, scope, ROMEO, false));
    expect(await dump(juliet.name)).toEqual(before);
    await writeTo(juliet, 0, 1);
    expect(Object(Object.values((await dump(juliet.name))['strangers'] ?? {})[0]).peers).toEqual(
      [1, 2, 0].map(stranger),
    );
  });
});
