// Sessions that no longer work (design D13): a new one is started in place of the old, which stays archived. By itself at most
// once a device and day, for people we talk to; by the user whenever they want. Pure steps over the records.
import type { OmemoErrorCode } from '../omemo/errors';
import type { BareJid } from '../jid';
import type { Chore } from '../rpc/vault-api';
import { deviceOf, withDevice } from './devices';
import { REPAIR_EVERY_MS } from './limits';
import type { DeviceRecord, PeerRecord } from './records';
import { trustOf } from './trust';

/**
 * Failures after which the other side would go on in a session we do not have. A wrong MAC is none of them: it is what damage
 * and forgery look like, and the genuine message may follow.
 */
const BROKEN: ReadonlySet<OmemoErrorCode> = new Set(['no-session', 'unknown-prekey', 'too-far']);

/** A device that may be written to: starting a session with any other would help nobody. */
function isReachable(peer: PeerRecord, device: DeviceRecord): boolean {
  const { isActive, identityKey, changedKey } = device;
  if (!isActive || changedKey !== undefined) return false;
  return identityKey === undefined || trustOf(peer, identityKey) !== 'distrusted';
}

/**
 * The peer with a new session wanted for a device; its bundle is fetched anew, because a stored one may be as old as the
 * session. Undefined for a device that cannot be written to.
 */
export function withReset(peer: PeerRecord, deviceId: number): PeerRecord | undefined {
  const device = deviceOf(peer, deviceId);
  if (device === undefined || !isReachable(peer, device)) return undefined;
  const { bundle: _old, noBundleUntil: _asked, ...rest } = device;
  return withDevice(peer, { ...rest, isResetWanted: true });
}

/**
 * The peer after a message of a device did not open for `code`; undefined if nothing is to be repaired now. A server can
 * cause such a failure, so it costs at most one new session a day. `now` in ms since 1970.
 */
export function withRepair(
  peer: PeerRecord,
  deviceId: number,
  code: OmemoErrorCode,
  now: number,
): PeerRecord | undefined {
  const repairedAt = deviceOf(peer, deviceId)?.repairedAt;
  if (!BROKEN.has(code)) return undefined;
  if (repairedAt !== undefined && now - repairedAt < REPAIR_EVERY_MS) return undefined;
  const wanted = withReset(peer, deviceId);
  const device = wanted && deviceOf(wanted, deviceId);
  return wanted && device && withDevice(wanted, { ...device, repairedAt: now });
}

/** The peer after a new session with a device exists, whoever began it. */
export function withoutReset(peer: PeerRecord, deviceId: number): PeerRecord {
  const device = deviceOf(peer, deviceId);
  if (device?.isResetWanted !== true) return peer;
  const { isResetWanted: _done, ...rest } = device;
  return withDevice(peer, rest);
}

/** The work a session has with the resets of one person. */
export function resetChores(peer: PeerRecord): readonly Chore[] {
  const jid: BareJid = peer.peer;
  return peer.devices
    .filter((device) => device.isResetWanted === true && isReachable(peer, device))
    .map(({ deviceId }) => ({ kind: 'reset-session', jid, deviceId }));
}
