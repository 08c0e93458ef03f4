// Steps over the devices of a peer, pure: what a device list, a bundle or a message says about them. What is known is
// never erased by an answer that brings nothing (design: unknown, absent and failed are different).
import { equalBytes } from '../crypto/bytes';
import type { Bundle, OmemoVersion } from '../omemo/types';
import { VERSIONS } from '../rpc/versions';
import { VaultError } from '../rpc/errors';
import type { Fetched, TrustPolicy } from '../rpc/vault-api';
import { factsOf, isActive, withFacts } from './device-facts';
import { MAX_DEVICES, NO_BUNDLE_MS } from '../limits';
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

function freshDevice(deviceId: number, now: number): DeviceRecord {
  return { deviceId, firstSeen: now, lastSeen: now, versions: {} };
}

/**
 * The peer after an answer to a fetch of a list, or an event.
 * An empty list is kept as an answer but erases nobody: a server could strip it to make us send in clear.
 * @throws VaultError `limit` for more than 100 devices.
 */
export function withList(
  peer: PeerRecord,
  version: OmemoVersion,
  list: Fetched<readonly number[]>,
  now: number,
): PeerRecord {
  const known = peer.lists[version];
  const failed = (kind: 'absent' | 'hidden' | 'failed'): PeerRecord => ({
    ...peer,
    lists: { ...peer.lists, [version]: { ...known, failure: { kind, at: now } } },
  });
  if (list.kind !== 'present') return failed(list.kind);
  if (list.value.length > MAX_DEVICES) throw new VaultError('limit');
  const listed = new Set(list.value);
  if (listed.size === 0) return failed('absent');
  // From the set: an id the server names twice is one device, or it would get two keys from one ratchet state.
  const added = [...listed].filter((deviceId) => deviceOf(peer, deviceId) === undefined);
  const all = [...peer.devices, ...added.map((deviceId) => freshDevice(deviceId, now))];
  const devices = all.map((device) => withListing(device, version, listed, now));
  return {
    ...peer,
    devices: bounded(devices).sort((a, b) => a.deviceId - b.deviceId),
    lists: { ...peer.lists, [version]: { seenAt: now } },
  };
}

function withListing(
  device: DeviceRecord,
  version: OmemoVersion,
  listed: ReadonlySet<number>,
  now: number,
): DeviceRecord {
  const isListed = listed.has(device.deviceId);
  if (!isListed && device.versions[version] === undefined) return device;
  const facts = { ...factsOf(device, version), isActive: isListed };
  return withFacts(isListed ? { ...device, lastSeen: now } : device, version, facts);
}

/**
 * Ids come and go; inactive devices that were never more than an id are forgotten first, then the oldest. One of our own that the user has
 * not answered for is more than that.
 */
function bounded(devices: readonly DeviceRecord[]): DeviceRecord[] {
  const active = devices.filter(isActive);
  const inactive = devices
    .filter((device) => !isActive(device) && (device.identityKey !== undefined || device.isNew))
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
  const device = deviceOf(peer, deviceId) ?? freshDevice(deviceId, now);
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
  version: OmemoVersion,
  bundle: Bundle,
  policy: TrustPolicy,
  now: number,
): PeerRecord {
  const seen = withIdentityKey(peer, deviceId, bundle.identityKey, policy, now);
  const device = deviceOf(seen.peer, deviceId);
  if (seen.isChanged || device === undefined) return seen.peer;
  const { noBundleUntil: _found, ...rest } = factsOf(device, version);
  return withDevice(seen.peer, withFacts(device, version, { ...rest, bundle }));
}

/** The peer after a bundle was not there or not usable: the device is left out of that version for a while. */
export function withoutBundle(
  peer: PeerRecord,
  deviceId: number,
  version: OmemoVersion,
  now: number,
): PeerRecord {
  const device = deviceOf(peer, deviceId);
  if (device === undefined) return peer;
  const facts = { ...factsOf(device, version), noBundleUntil: now + NO_BUNDLE_MS };
  return withDevice(peer, withFacts(device, version, facts));
}

/** The peer after the user accepted another key for a device; bundles of the old key are forgotten. */
export function withAcceptedKey(peer: PeerRecord, device: DeviceRecord): PeerRecord {
  const { changedKey, ...rest } = device;
  if (changedKey === undefined) return peer;
  const accepted = VERSIONS.reduce<DeviceRecord>(
    (record, version) => {
      if (record.versions[version] === undefined) return record;
      const { bundle: _old, ...facts } = factsOf(record, version);
      return withFacts(record, version, facts);
    },
    { ...rest, identityKey: changedKey },
  );
  return withDevice(peer, accepted);
}

/** The peer after a text came from a device in a version. */
export function withWriting(peer: PeerRecord, deviceId: number, version: OmemoVersion): PeerRecord {
  const device = deviceOf(peer, deviceId);
  if (device === undefined || device.writesIn === version) return peer;
  return withDevice(peer, { ...device, writesIn: version });
}
