// Anybody can begin sessions with us, under any number of addresses and device ids (T19). Of the devices that are on no list the latest
// few are kept, and of all strangers the latest so many; what the user decided about a key stays.
import { equalBytes } from '../crypto/bytes';
import type { BareJid } from '../jid';
import { LEGACY, OMEMO2, VERSIONS } from '../rpc/versions';
import type { Sender } from './claim';
import { loadPeer, scopedKey, type Scope } from './context';
import { isActive } from './device-facts';
import { MAX_STRANGERS } from '../limits';
import type { DeviceRecord, KeyRecord, PeerRecord, SessionsRecord } from './records';
import { sessionsKey } from './sessions';
import type { Unit } from './transaction';

/** Decided by the user, or the first thing a device showed. */
function isDecided({ trust }: KeyRecord): boolean {
  return trust === 'verified' || trust === 'distrusted';
}

function withoutDevices(stored: SessionsRecord, gone: ReadonlySet<number>): SessionsRecord {
  const entries = Object.entries(stored.devices);
  const kept = entries.filter(([deviceId]) => !gone.has(Number(deviceId)));
  return kept.length === entries.length ? stored : { ...stored, devices: Object.fromEntries(kept) };
}

/**
 * The sender with at most `most` devices that are on no list: those not heard of for longest go, with their sessions and with keys nobody
 * has decided on, but never the one that writes. The same parts where nothing goes.
 */
export function withoutSurplus({ record, sessions }: Sender, writes: number, most: number): Sender {
  const heardAt = ({ deviceId, lastSeen }: DeviceRecord): number =>
    deviceId === writes ? Infinity : lastSeen;
  const surplus = record.devices
    .filter((device) => !isActive(device))
    .sort((a, b) => heardAt(b) - heardAt(a))
    .slice(most);
  if (surplus.length === 0) return { record, sessions };
  const devices = record.devices.filter((device) => !surplus.includes(device));
  const isUsed = ({ identityKey }: KeyRecord): boolean =>
    devices.some(
      (device) => device.identityKey !== undefined && equalBytes(device.identityKey, identityKey),
    );
  const gone = new Set(surplus.map(({ deviceId }) => deviceId));
  return {
    record: {
      ...record,
      devices,
      keys: record.keys.filter((key) => isDecided(key) || isUsed(key)),
    },
    sessions: {
      [LEGACY]: withoutDevices(sessions[LEGACY], gone),
      [OMEMO2]: withoutDevices(sessions[OMEMO2], gone),
    },
  };
}

/** Nothing about them is anybody's decision. */
function isForgettable(peer: PeerRecord): boolean {
  const { isWrittenTo, encryption, keys, retention, forgottenBefore } = peer;
  const isKept = retention !== undefined || forgottenBefore !== undefined;
  return !isWrittenTo && encryption === 'on' && !isKept && !keys.some(isDecided);
}

async function forget(unit: Unit, scope: Scope, peer: BareJid): Promise<void> {
  if (!isForgettable(await loadPeer(unit, scope, peer))) return;
  unit.remove('peers', scopedKey(scope, peer));
  for (const version of VERSIONS) unit.remove('sessions', sessionsKey(scope, version, peer));
}

/** Stages that a message of somebody was opened: strangers come last in their row, and where it gets too long the first is forgotten. */
export async function noteSender(
  unit: Unit,
  scope: Scope,
  sender: BareJid,
  isStranger: boolean,
): Promise<void> {
  const known = (await unit.get('strangers', scopedKey(scope)))?.peers ?? [];
  const others = known.filter((peer) => peer !== sender);
  if (!isStranger && others.length === known.length) return;
  if (isStranger && known.at(-1) === sender) return;
  const peers = isStranger ? [...others, sender] : others;
  const surplus = Math.max(0, peers.length - MAX_STRANGERS);
  for (const peer of peers.slice(0, surplus)) await forget(unit, scope, peer);
  unit.put('strangers', scopedKey(scope), { v: 1, peers: peers.slice(surplus) });
}
