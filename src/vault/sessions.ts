// The stored sessions with the devices of one JID: one record for each version, so that a message to many devices is one write
// (design D5).
import { equalBytes } from '../crypto/bytes';
import type { BareJid } from '../jid';
import type { OmemoVersion } from '../omemo/types';
import { LEGACY, OMEMO2 } from '../rpc/versions';
import { scopedKey, type Scope } from './context';
import { factsOf } from './device-facts';
import type { DeviceRecord, SessionsRecord } from './records';
import type { Unit } from './transaction';

/** The sessions with the devices of one JID, by version. */
export type SessionsByVersion = Readonly<Record<OmemoVersion, SessionsRecord>>;

/** The key of the sessions record of a JID. */
export function sessionsKey(scope: Scope, version: OmemoVersion, peer: BareJid): string {
  return scopedKey(scope, version, peer);
}

/** The sessions with a JID, or none. */
export async function loadSessions(
  unit: Unit,
  scope: Scope,
  peer: BareJid,
): Promise<SessionsByVersion> {
  const load = async (version: OmemoVersion): Promise<SessionsRecord> => {
    const known = await unit.get('sessions', sessionsKey(scope, version, peer));
    return known ?? { v: 1, version, devices: {} };
  };
  return { [LEGACY]: await load(LEGACY), [OMEMO2]: await load(OMEMO2) };
}

/**
 * Is there a session to send with: one that has a chain for it, with the key the device is known by, and not to be given up. Where no bundle can be had
 * for a new one the old one goes on.
 */
export function hasSession(device: DeviceRecord, sessions: SessionsRecord): boolean {
  const session = sessions.devices[device.deviceId]?.current;
  const { isResetWanted, noBundleUntil } = factsOf(device, sessions.version);
  return (
    session !== undefined &&
    session.ratchet.sendingChain !== undefined &&
    (isResetWanted !== true || noBundleUntil !== undefined) &&
    device.identityKey !== undefined &&
    equalBytes(session.remoteIdentityKey, device.identityKey)
  );
}
