// Keys of messages that were skipped lie in the record of all sessions with one JID, which each message of that JID reads and writes.
// A session bounds its own; here they are bounded together, or forty sessions would make a record of megabytes (T19).
import type { DeviceSessions, RatchetSession } from '../omemo/types';
import type { PeerRecord, SessionsRecord } from './records';

function countIn({ current, archived }: DeviceSessions): number {
  const all = current === undefined ? archived : [current, ...archived];
  return all.reduce((sum, { ratchet }) => sum + ratchet.skippedMessageKeys.length, 0);
}

/** Gives out what may be kept, to the newest keys of each session that comes. */
function keeper(most: number): (session: RatchetSession) => RatchetSession {
  let left = most;
  return (session) => {
    const { skippedMessageKeys: keys } = session.ratchet;
    const kept = keys.slice(Math.max(0, keys.length - left));
    left -= kept.length;
    if (kept.length === keys.length) return session;
    // Of chains that lost keys nobody can say any more which messages were used.
    const ratchet = { ...session.ratchet, skippedMessageKeys: kept, endedRatchetKeys: [] };
    return { ...session, ratchet };
  };
}

/** The device that writes, then those heard of last. */
function inOrder(
  stored: SessionsRecord,
  { devices }: PeerRecord,
  writes: number,
): readonly number[] {
  const heardAt = (id: number): number =>
    id === writes
      ? Infinity
      : (devices.find(({ deviceId }) => deviceId === id)?.lastSeen ?? -Infinity);
  return Object.keys(stored.devices)
    .map(Number)
    .sort((a, b) => heardAt(b) - heardAt(a));
}

/**
 * The sessions with at most `most` keys of skipped messages: of the device that writes first and of the current sessions first, each its
 * newest. A message whose key went can no longer be read; no session is lost. The same record where nothing goes.
 */
export function withinSkipped(
  stored: SessionsRecord,
  peer: PeerRecord,
  writes: number,
  most: number,
): SessionsRecord {
  const total = Object.values(stored.devices).reduce((sum, each) => sum + countIn(each), 0);
  if (total <= most) return stored;
  const keep = keeper(most);
  const kept = inOrder(stored, peer, writes).map((id) => {
    const { current, archived } = stored.devices[id] ?? { archived: [] };
    const first = current === undefined ? {} : { current: keep(current) };
    return [id, { ...first, archived: archived.map(keep) }] as const;
  });
  return { ...stored, devices: Object.fromEntries(kept) };
}
