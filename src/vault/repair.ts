// Sessions that no longer work (design D13): a new one is started in place of the old, which stays archived. By itself at most
// once a device and day, for people we talk to; by the user whenever they want. Pure steps over the records.
import type { OmemoErrorCode } from '../omemo/errors';
import type { OmemoVersion } from '../omemo/types';
import { LEGACY, VERSIONS } from '../rpc/versions';
import type { Chore } from '../rpc/vault-api';
import { isOver } from './clock';
import { activeVersions, factsOf, isActive, versionsFor, withFacts } from './device-facts';
import { deviceOf, withDevice } from './devices';
import { REPAIR_EVERY_MS } from '../limits';
import type { DeviceRecord, PeerRecord } from './records';
import { versionFor, type Party } from './recipients';
import { trustOf } from './trust';

/**
 * Failures after which the other side would go on in a session we do not have. A wrong MAC is none of them: it is what damage
 * and forgery look like, and the genuine message may follow.
 */
const BROKEN: ReadonlySet<OmemoErrorCode> = new Set(['no-session', 'unknown-prekey', 'too-far']);

/** A device that may be written to: starting a session with any other would help nobody. */
function isReachable(peer: PeerRecord, device: DeviceRecord): boolean {
  const { identityKey, changedKey } = device;
  if (!isActive(device) || changedKey !== undefined) return false;
  return identityKey === undefined || trustOf(peer, identityKey) !== 'distrusted';
}

function withResetIn(device: DeviceRecord, version: OmemoVersion): DeviceRecord {
  const { bundle: _old, noBundleUntil: _asked, ...rest } = factsOf(device, version);
  return withFacts(device, version, { ...rest, isResetWanted: true });
}

/**
 * The versions in which a device is to have a new session: those it has one in, for it may write in any of them, and the one
 * it is written to in. In another there is nothing to give up.
 */
function versionsToReset(party: Party, device: DeviceRecord): readonly OmemoVersion[] {
  const written = versionFor(device, party) ?? versionsFor(party.record, device)[0];
  return activeVersions(device).filter((version) => {
    const current = party.sessions[version].devices[device.deviceId]?.current;
    return current !== undefined || version === written;
  });
}

/**
 * The peer with a new session wanted for a device; its bundle is fetched anew, because a stored one may be as old as the
 * session. Undefined for a device that cannot be written to.
 */
export function withReset(party: Party, deviceId: number): PeerRecord | undefined {
  const { record } = party;
  const device = deviceOf(record, deviceId);
  if (device === undefined || !isReachable(record, device)) return undefined;
  return withDevice(record, versionsToReset(party, device).reduce(withResetIn, device));
}

/**
 * The peer after a message of a device did not open for `code`; undefined if nothing is to be repaired now. A server can
 * cause such a failure, so it costs at most one new session a day. Legacy only: OMEMO 2 forbids it
 * (wire §4.5). `now` in ms since 1970.
 */
export function withRepair(
  peer: PeerRecord,
  deviceId: number,
  version: OmemoVersion,
  code: OmemoErrorCode,
  now: number,
): PeerRecord | undefined {
  const device = deviceOf(peer, deviceId);
  if (version !== LEGACY || !BROKEN.has(code)) return undefined;
  if (device === undefined || !isReachable(peer, device)) return undefined;
  const { isActive: isListed, repairedAt } = factsOf(device, version);
  if (!isListed || (repairedAt !== undefined && !isOver(repairedAt, now, REPAIR_EVERY_MS))) {
    return undefined;
  }
  const wanted = withResetIn(device, version);
  const facts = { ...factsOf(wanted, version), repairedAt: now };
  return withDevice(peer, withFacts(wanted, version, facts));
}

/** The peer after a new session with a device exists, whoever began it. */
export function withoutReset(
  peer: PeerRecord,
  deviceId: number,
  version: OmemoVersion,
): PeerRecord {
  const device = deviceOf(peer, deviceId);
  if (device === undefined) return peer;
  const { isResetWanted, ...rest } = factsOf(device, version);
  if (isResetWanted !== true) return peer;
  return withDevice(peer, withFacts(device, version, rest));
}

/** Does a device wait for a new session. */
export function isResetting(device: DeviceRecord): boolean {
  return VERSIONS.some((version) => factsOf(device, version).isResetWanted === true);
}

/** The work a session has with the resets of one person. */
export function resetChores(peer: PeerRecord): readonly Chore[] {
  return peer.devices
    .filter((device) => isReachable(peer, device))
    .flatMap((device) =>
      activeVersions(device)
        .filter((version) => factsOf(device, version).isResetWanted === true)
        .map((version) => ({
          kind: 'reset-session' as const,
          jid: peer.peer,
          deviceId: device.deviceId,
          version,
        })),
    );
}
