import { beforeAll, describe, expect, it } from 'vitest';
import { LEGACY } from '../../src/rpc/versions';
import type { Bundle } from '../../src/omemo/types';
import {
  deviceOf,
  withAcceptedKey,
  withBundle,
  withDevice,
  withIdentityKey,
  withList,
  withoutBundle,
} from '../../src/vault/devices';
import { isActive } from '../../src/vault/device-facts';
import { MAX_DEVICES, NO_BUNDLE_MS } from '../../src/limits';
import { newPeer, type PeerRecord } from '../../src/vault/records';
import { trustOf } from '../../src/vault/trust';
import { jid, legacyOf, present, START } from './world';

const NOBODY = newPeer(jid('romeo@example.net'));
const keyOf = (fill: number) => new Uint8Array(32).fill(fill);

const listed = (peer: PeerRecord, ids: readonly number[], now = START): PeerRecord =>
  withList(peer, LEGACY, { kind: 'present', value: ids }, now);

const active = ({ devices }: PeerRecord): number[] =>
  devices.filter(isActive).map(({ deviceId }) => deviceId);

const bundleOf = (fill: number): Bundle => ({
  identityKey: keyOf(fill),
  signedPrekey: { id: 1, publicKey: keyOf(fill), signature: new Uint8Array(64) },
  oneTimePrekeys: [{ id: 1, publicKey: keyOf(fill) }],
});

describe('a device list', () => {
  it('makes its devices active, each once, in order', () => {
    const peer = listed(NOBODY, [3, 1, 2]);
    expect(active(peer)).toEqual([1, 2, 3]);
    expect(peer.lists[LEGACY]?.seenAt).toBe(START);
    expect(NOBODY.devices).toEqual([]);
  });

  it('that is empty erases nobody and is no fresh list', () => {
    const peer = listed(NOBODY, [1, 2]);
    const after = listed(peer, [], START + 5);
    expect(active(after)).toEqual([1, 2]);
    expect(after.lists[LEGACY]?.seenAt).toBe(START);
    expect(after.lists[LEGACY]?.failure).toEqual({ kind: 'absent', at: START + 5 });
  });

  it.each(['absent', 'hidden', 'failed'] as const)('that is %s erases nobody', (kind) => {
    const peer = listed(NOBODY, [1, 2]);
    const after = withList(peer, LEGACY, { kind }, START + 5);
    const list = { ...peer.lists[LEGACY], failure: { kind, at: START + 5 } };
    expect(after).toEqual({ ...peer, lists: { [LEGACY]: list } });
    expect(listed(after, [1, 2], START + 6).lists[LEGACY]?.failure).toBe(undefined);
  });

  it('of 100 devices is taken, of 101 refused with limit', () => {
    const ids = Array.from({ length: MAX_DEVICES + 1 }, (_, index) => index + 1);
    expect(active(listed(NOBODY, ids.slice(1)))).toHaveLength(100);
    let code: unknown;
    try {
      listed(NOBODY, ids);
    } catch (error) {
      code = error instanceof Error && 'code' in error && error.code;
    }
    expect(code).toBe('limit');
  });

  it('makes a device inactive and active again, with its key and trust', () => {
    const known = withIdentityKey(listed(NOBODY, [1, 2]), 1, keyOf(1), 'blind', START).peer;
    const gone = listed(known, [2], START + 1);
    expect(active(gone)).toEqual([2]);
    expect(deviceOf(gone, 1)).toMatchObject({
      versions: { [LEGACY]: { isActive: false } },
      lastSeen: START,
    });
    expect(trustOf(gone, keyOf(1))).toBe('trusted');
    const back = listed(gone, [1, 2], START + 2);
    expect(deviceOf(back, 1)).toMatchObject({
      versions: { [LEGACY]: { isActive: true } },
      identityKey: keyOf(1),
      firstSeen: START,
      lastSeen: START + 2,
    });
  });

  it('forgets inactive devices that were never more than an id, and keeps 100 with a key', () => {
    const forgotten = listed(listed(NOBODY, [1]), [2]);
    expect(forgotten.devices.map(({ deviceId }) => deviceId)).toEqual([2]);
    const many = Array.from({ length: 103 }, (_, index) => index + 1).reduce(
      (peer, id) => withIdentityKey(peer, id, keyOf(id), 'blind', START + id).peer,
      NOBODY,
    );
    const after = listed(many, [500]);
    expect(after.devices).toHaveLength(101);
    expect(deviceOf(after, 3)).toBe(undefined);
    expect(deviceOf(after, 4)).toBeDefined();
  });

  it('with an id twice makes one device', () => {
    expect(listed(NOBODY, [4, 4]).devices.map(({ deviceId }) => deviceId)).toEqual([4]);
  });
});

describe('an identity key', () => {
  it('of a device on no list is kept with an inactive device', () => {
    const { peer, isChanged } = withIdentityKey(NOBODY, 1, keyOf(1), 'blind', START);
    expect(isChanged).toBe(false);
    expect(deviceOf(peer, 1)).toMatchObject({ versions: {}, identityKey: keyOf(1) });
    expect(active(peer)).toEqual([]);
    expect(trustOf(peer, keyOf(1))).toBe('trusted');
  });

  it('other than the known one is an alarm and nothing else', () => {
    const known = withBundle(listed(NOBODY, [1]), 1, LEGACY, bundleOf(1), 'blind', START);
    const { peer, isChanged } = withIdentityKey(known, 1, keyOf(2), 'blind', START);
    expect(isChanged).toBe(true);
    expect(peer.keys).toEqual(known.keys);
    expect(deviceOf(peer, 1)).toEqual({ ...deviceOf(known, 1), changedKey: keyOf(2) });
  });

  it('the known one again does not silence the alarm', () => {
    const known = withIdentityKey(NOBODY, 1, keyOf(1), 'blind', START).peer;
    const alarmed = withIdentityKey(known, 1, keyOf(2), 'blind', START).peer;
    const again = withIdentityKey(alarmed, 1, keyOf(1), 'blind', START);
    expect(again.isChanged).toBe(false);
    expect(deviceOf(again.peer, 1)?.changedKey).toEqual(keyOf(2));
  });

  it('that was accepted is the key, without the old bundle', () => {
    const known = withBundle(listed(NOBODY, [1]), 1, LEGACY, bundleOf(1), 'blind', START);
    const alarmed = withIdentityKey(known, 1, keyOf(2), 'blind', START).peer;
    const accepted = withAcceptedKey(alarmed, present(deviceOf(alarmed, 1)));
    expect(deviceOf(accepted, 1)).toEqual({
      deviceId: 1,
      identityKey: keyOf(2),
      firstSeen: START,
      lastSeen: START,
      versions: { [LEGACY]: { isActive: true } },
    });
    expect(withAcceptedKey(known, present(deviceOf(known, 1)))).toBe(known);
  });
});

describe('a bundle', () => {
  let peer: PeerRecord;
  beforeAll(() => {
    peer = listed(NOBODY, [1, 2]);
  });

  it('is kept with its device, and trust is given to its key', () => {
    const after = withBundle(peer, 1, LEGACY, bundleOf(1), 'blind', START);
    expect(deviceOf(after, 1)?.identityKey).toEqual(keyOf(1));
    expect(legacyOf(deviceOf(after, 1)).bundle).toEqual(bundleOf(1));
    expect(trustOf(after, keyOf(1))).toBe('trusted');
    expect(deviceOf(after, 2)).toEqual(deviceOf(peer, 2));
  });

  it('with another key is not kept', () => {
    const known = withBundle(peer, 1, LEGACY, bundleOf(1), 'blind', START);
    const after = withBundle(known, 1, LEGACY, bundleOf(2), 'blind', START);
    expect(deviceOf(after, 1)?.changedKey).toEqual(keyOf(2));
    expect(legacyOf(deviceOf(after, 1)).bundle).toEqual(bundleOf(1));
    expect(after.keys).toHaveLength(1);
  });

  it('that was not there leaves the device out for a minute, until one is there', () => {
    const missing = withoutBundle(peer, 1, LEGACY, START);
    expect(legacyOf(deviceOf(missing, 1)).noBundleUntil).toBe(START + NO_BUNDLE_MS);
    expect(legacyOf(deviceOf(missing, 2))).not.toHaveProperty('noBundleUntil');
    const found = withBundle(missing, 1, LEGACY, bundleOf(1), 'blind', START);
    expect(legacyOf(deviceOf(found, 1))).not.toHaveProperty('noBundleUntil');
    expect(withoutBundle(peer, 3, LEGACY, START)).toBe(peer);
  });
});

describe('a device record', () => {
  it('replaces the one of its id and leaves order and others', () => {
    const peer = listed(NOBODY, [1, 2, 3]);
    const changed = { ...present(deviceOf(peer, 2)), lastSeen: 7 };
    expect(withDevice(peer, changed).devices).toEqual([peer.devices[0], changed, peer.devices[2]]);
  });
});
