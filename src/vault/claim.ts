// Whose key a message claims to come with. Device ids are not authenticated, keys are: a server that changes an id must neither
// split nor join devices, and another key for a known id is an alarm (M33). Pure steps over the records.
import { equalBytes } from '../crypto/bytes';
import { OmemoError } from '../omemo/errors';
import { MAX_ARCHIVED_SESSIONS } from '../limits';
import type { DeviceSessions } from '../omemo/types';
import { LEGACY, OMEMO2 } from '../rpc/versions';
import { isActive } from './device-facts';
import { deviceOf, withIdentityKey } from './devices';
import type { PeerRecord, SessionsRecord } from './records';
import type { SessionsByVersion } from './sessions';

/** The sender with all sessions of their devices. */
export interface Sender {
  readonly record: PeerRecord;
  readonly sessions: SessionsByVersion;
}

/**
 * The sender after a key exchange with `identityKey` (X form, 32 bytes; undefined for an ordinary message) came under a device
 * id. Under another id than the listed one its key belongs to it is refused; a key so far seen only under an unlisted id is
 * given to the id it now comes with, sessions and all, so that the genuine message opens after the changed one.
 * @throws OmemoError `malformed`.
 */
export function claimed(
  sender: Sender,
  deviceId: number,
  identityKey: Uint8Array | undefined,
): Sender {
  const { record, sessions } = sender;
  const holder = record.devices.find(
    (device) =>
      device.deviceId !== deviceId &&
      identityKey !== undefined &&
      device.identityKey !== undefined &&
      equalBytes(device.identityKey, identityKey),
  );
  if (holder === undefined) return sender;
  if (isActive(holder)) throw new OmemoError('malformed');
  const devices = record.devices.filter((device) => device !== holder);
  const move = (stored: SessionsRecord) => moved(stored, holder.deviceId, deviceId);
  return {
    record: { ...record, devices },
    sessions: { [LEGACY]: move(sessions[LEGACY]), [OMEMO2]: move(sessions[OMEMO2]) },
  };
}

function moved(stored: SessionsRecord, from: number, to: number): SessionsRecord {
  const { [from]: old, ...rest } = stored.devices;
  if (old === undefined) return stored;
  return { ...stored, devices: { ...rest, [to]: joined(rest[to], old) } };
}

/** What was under another id joins the sessions of a device; the one we send with stays. */
function joined(present: DeviceSessions | undefined, old: DeviceSessions): DeviceSessions {
  const [current, ...archived] = [present, old].flatMap((sessions) =>
    sessions?.current === undefined ? [] : [sessions.current],
  );
  return {
    ...(current !== undefined && { current }),
    archived: [...archived, ...(present?.archived ?? []), ...old.archived].slice(
      0,
      MAX_ARCHIVED_SESSIONS,
    ),
  };
}

/** The sender's record with the alarm raised, if `offered` (X form, 32 bytes) is another key than the device is known with. */
export function withAlarm(
  record: PeerRecord,
  deviceId: number,
  offered: Uint8Array | undefined,
  now: number,
): PeerRecord | undefined {
  const known = deviceOf(record, deviceId)?.identityKey;
  if (offered === undefined || known === undefined || equalBytes(offered, known)) return undefined;
  // Trust does not matter here: an alarm adds no key.
  return withIdentityKey(record, deviceId, offered, 'ask', now).peer;
}
