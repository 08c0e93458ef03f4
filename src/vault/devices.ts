// Steps over the devices of a peer, pure: what a device list, a bundle or a message says about them. What is known is
// never erased by an answer that brings nothing (design: unknown, absent and failed are different).
import { equalBytes } from '../crypto/bytes';
import type { Bundle } from '../omemo/types';
import { VaultError } from '../rpc/errors';
import type { Fetched, TrustPolicy } from '../rpc/vault-api';
import { MAX_DEVICES, NO_BUNDLE_MS } from './limits';
import type { DeviceRecord, PeerRecord } from './records';
import { withKey } from './trust';

/** The record of a device id. */
export function deviceOf(peer: PeerRecord, deviceId: number): DeviceRecord | undefined {
  return peer.devices.find((device) => device.deviceId === deviceId);
}

/** The peer with one device record replaced or added. */
export function withDevice(peer: PeerRecord, device: DeviceRecord): PeerRecord {
  const others = peer.devices.filter(({ deviceId }) => deviceId !== device.deviceId);
  return { ...peer, devices: [...others, device].sort((a, b) => a.deviceId - b.deviceId) };
}

function freshDevice(deviceId: number, isActive: boolean, now: number): DeviceRecord {
  return { deviceId, firstSeen: now, lastSeen: now, isActive };
}

/**
 * The peer after an answer to a fetch of its list, or an event.
 * An empty list is kept as an answer but erases nobody: a server could strip it to make us send in clear.
 * @throws VaultError `limit` for more than 100 devices.
 */
export function withList(
  peer: PeerRecord,
  list: Fetched<readonly number[]>,
  now: number,
): PeerRecord {
  if (list.kind !== 'present') return { ...peer, listFailure: { kind: list.kind, at: now } };
  if (list.value.length > MAX_DEVICES) throw new VaultError('limit');
  const listed = new Set(list.value);
  if (listed.size === 0) return { ...peer, listFailure: { kind: 'absent', at: now } };
  const { listFailure: _answered, ...rest } = peer;
  const known = peer.devices.map((device) => ({
    ...device,
    isActive: listed.has(device.deviceId),
    lastSeen: listed.has(device.deviceId) ? now : device.lastSeen,
  }));
  const isKnown = new Set(known.map(({ deviceId }) => deviceId));
  // From the set: an id the server names twice is one device, or it would get two keys from one ratchet state.
  const added = [...listed]
    .filter((id) => !isKnown.has(id))
    .map((id) => freshDevice(id, true, now));
  const devices = bounded([...known, ...added]).sort((a, b) => a.deviceId - b.deviceId);
  return { ...rest, devices, listAt: now };
}

/** Ids come and go; inactive devices that were never more than an id are forgotten first, then the oldest. */
function bounded(devices: readonly DeviceRecord[]): DeviceRecord[] {
  const active = devices.filter(({ isActive }) => isActive);
  const inactive = devices
    .filter(({ isActive, identityKey }) => !isActive && identityKey !== undefined)
    .sort((a, b) => b.lastSeen - a.lastSeen);
  return [...active, ...inactive.slice(0, MAX_DEVICES)];
}

/**
 * The peer after a device showed an identity key. Another key than the known one is an alarm and changes nothing else.
 * Says whether the key is the one to work with.
 */
export function withIdentityKey(
  peer: PeerRecord,
  deviceId: number,
  identityKey: Uint8Array,
  policy: TrustPolicy,
  now: number,
): { readonly peer: PeerRecord; readonly isChanged: boolean } {
  const device = deviceOf(peer, deviceId) ?? freshDevice(deviceId, false, now);
  if (device.identityKey !== undefined && !equalBytes(device.identityKey, identityKey)) {
    return {
      peer: withDevice(peer, { ...device, changedKey: identityKey, lastSeen: now }),
      isChanged: true,
    };
  }
  const seen = withDevice(peer, { ...device, identityKey, lastSeen: now });
  return { peer: withKey(seen, identityKey, policy, now), isChanged: false };
}

/** The peer after a verified bundle of a device. */
export function withBundle(
  peer: PeerRecord,
  deviceId: number,
  bundle: Bundle,
  policy: TrustPolicy,
  now: number,
): PeerRecord {
  const seen = withIdentityKey(peer, deviceId, bundle.identityKey, policy, now);
  const device = deviceOf(seen.peer, deviceId);
  if (seen.isChanged || device === undefined) return seen.peer;
  const { noBundleUntil: _found, ...rest } = device;
  return withDevice(seen.peer, { ...rest, bundle });
}

/** The peer after a bundle was not there or not usable: the device is left out for a while. */
export function withoutBundle(peer: PeerRecord, deviceId: number, now: number): PeerRecord {
  const device = deviceOf(peer, deviceId);
  if (device === undefined) return peer;
  return withDevice(peer, { ...device, noBundleUntil: now + NO_BUNDLE_MS });
}

/** The peer after the user accepted another key for a device. */
export function withAcceptedKey(peer: PeerRecord, device: DeviceRecord): PeerRecord {
  const { changedKey, bundle: _old, ...rest } = device;
  return changedKey === undefined ? peer : withDevice(peer, { ...rest, identityKey: changedKey });
}
