// Trust decisions, pure (design D7, M31 to M35): what a new key gets, which devices a message may go to, and when it must
// wait for the user.
import { equalBytes } from '../crypto/bytes';
import type { RefusalCode } from '../rpc/reasons';
import type { Trust, TrustPolicy } from '../rpc/vault-api';
import { isActive } from './device-facts';
import type { DeviceRecord, KeyRecord, PeerRecord } from './records';

/** The record of an identity key (X form), if it is known. */
export function keyRecordOf(peer: PeerRecord, identityKey: Uint8Array): KeyRecord | undefined {
  return peer.keys.find((key) => equalBytes(key.identityKey, identityKey));
}

/** The trust in an identity key; a key nobody has seen is undecided. */
export function trustOf(peer: PeerRecord, identityKey: Uint8Array): Trust {
  return keyRecordOf(peer, identityKey)?.trust ?? 'undecided';
}

/** First trust: blind until the first verification of this person, else the user is asked. */
function firstTrust(peer: PeerRecord, policy: TrustPolicy): Trust {
  const isVerifiedBefore = peer.keys.some((key) => key.trust === 'verified');
  return policy === 'blind' && !isVerifiedBefore ? 'trusted' : 'undecided';
}

/** The peer with a key that was seen; a known key keeps its trust. `now` in ms since 1970. */
export function withKey(
  peer: PeerRecord,
  identityKey: Uint8Array,
  policy: TrustPolicy,
  now: number,
): PeerRecord {
  if (keyRecordOf(peer, identityKey) !== undefined) return peer;
  const key: KeyRecord = { identityKey, trust: firstTrust(peer, policy), firstSeen: now };
  return { ...peer, keys: [...peer.keys, key] };
}

/** The peer with another trust in a key; unknown keys are added. */
export function withTrust(
  peer: PeerRecord,
  identityKey: Uint8Array,
  trust: Trust,
  now: number,
): PeerRecord {
  const known = keyRecordOf(peer, identityKey);
  const changed: KeyRecord = { identityKey, trust, firstSeen: known?.firstSeen ?? now };
  return { ...peer, keys: [...peer.keys.filter((key) => key !== known), changed] };
}

/** Why an active device gets no key. */
export type SkipCode = 'no-bundle' | 'distrusted' | 'not-verified';

/** Which active devices of a peer a message goes to, or why it must not leave. */
export type Audience =
  | {
      readonly kind: 'open';
      readonly devices: readonly DeviceRecord[];
      readonly skipped: readonly { readonly device: DeviceRecord; readonly code: SkipCode }[];
    }
  | { readonly kind: 'held'; readonly code: RefusalCode };

function skipCode(trust: Trust, policy: TrustPolicy): SkipCode | undefined {
  if (trust === 'distrusted') return 'distrusted';
  return policy === 'verified-only' && trust !== 'verified' ? 'not-verified' : undefined;
}

/**
 * Does a changed key wait for the user? One they distrust does not: it gets nothing, and the device reads on in the session of
 * its former key. Otherwise trusting the new key would be the only way to write again.
 */
function isAlarming(peer: PeerRecord, { changedKey }: DeviceRecord): boolean {
  return changedKey !== undefined && trustOf(peer, changedKey) !== 'distrusted';
}

/**
 * Decides for every active device; `ownDeviceId` (ours) is left out.
 * A changed key or an undecided one holds the whole message: leaving that device out silently would be a lie.
 */
export function audienceOf(
  peer: PeerRecord,
  policy: TrustPolicy,
  ownDeviceId: number | undefined,
): Audience {
  const active = peer.devices.filter(
    (device) => isActive(device) && device.deviceId !== ownDeviceId,
  );
  if (active.some((device) => isAlarming(peer, device))) {
    return { kind: 'held', code: 'key-changed' };
  }
  const devices: DeviceRecord[] = [];
  const skipped: { device: DeviceRecord; code: SkipCode }[] = [];
  for (const device of active) {
    const { identityKey } = device;
    if (identityKey === undefined) {
      skipped.push({ device, code: 'no-bundle' });
      continue;
    }
    const trust = trustOf(peer, identityKey);
    const code = skipCode(trust, policy);
    if (code !== undefined) skipped.push({ device, code });
    else if (trust === 'undecided') return { kind: 'held', code: 'undecided-keys' };
    else devices.push(device);
  }
  return { kind: 'open', devices, skipped };
}
