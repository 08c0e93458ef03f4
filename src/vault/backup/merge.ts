// What a backup makes of the records that are here, pure (M85). What was decided here against a key stays, a chat that is encrypted
// here stays so, and a policy only gets stricter; a key that is known otherwise in the backup raises the alarm it should have raised.
import { equalBytes, toHex } from '../../crypto/bytes';
import { fingerprint } from '../../omemo/identity';
import type { TrustChange } from '../../rpc/backup-api';
import type { Trust, TrustPolicy } from '../../rpc/vault-api';
import { activeVersions, factsOf, withFacts } from '../device-facts';
import { deviceOf, withDevice } from '../devices';
import type { DeviceFacts, DeviceRecord, KeyRecord, PeerRecord, SiteRecord } from '../records';
import { newPeer, newSite } from '../records';
import { keyRecordOf } from '../trust';
import type { BackupPeer, BackupSite } from './contents';

const STRICTNESS: readonly TrustPolicy[] = ['blind', 'ask', 'verified-only'];

/** The site after a backup of it. Whether its pages are protected is the browser's permission, which no file gives. */
export function mergeSite(here: SiteRecord | undefined, backup: BackupSite): SiteRecord {
  const { origin, policy, accounts, retention } = backup;
  const isNew = here === undefined || (!here.isProtected && here.accounts.length === 0);
  const site = here ?? newSite(origin);
  const known = site.accounts.filter(
    ({ jid, endpoint, decision }) =>
      decision !== 'pending' ||
      !accounts.some((one) => one.jid === jid && one.endpoint === endpoint),
  );
  const added = accounts.filter(
    ({ jid, endpoint }) => !known.some((one) => one.jid === jid && one.endpoint === endpoint),
  );
  const stricter = STRICTNESS.indexOf(policy) > STRICTNESS.indexOf(site.policy);
  return {
    ...site,
    policy: isNew || stricter ? policy : site.policy,
    accounts: [...known, ...added],
    ...(isNew && retention !== undefined && { retention }),
  };
}

/** Distrust stays, wherever it is; else the one of the two that says more. */
function mergeTrust(here: Trust, backup: Trust): Trust {
  const order: readonly Trust[] = ['distrusted', 'verified', 'trusted', 'undecided'];
  return order.find((trust) => trust === here || trust === backup) ?? 'undecided';
}

function mergeKeys(here: PeerRecord, backup: BackupPeer): readonly KeyRecord[] {
  const merged = here.keys.map((key) => {
    const other = backup.keys.find((one) => equalBytes(one.identityKey, key.identityKey));
    if (other === undefined) return key;
    return { ...key, trust: mergeTrust(key.trust, other.trust) };
  });
  const added = backup.keys.filter((key) => keyRecordOf(here, key.identityKey) === undefined);
  const isVerified = ({ trust }: KeyRecord): boolean => trust === 'verified';
  // Blind trust ends with the first verification. Those keys came here while nobody knew of it.
  const isBlind = !here.keys.some(isVerified) && backup.keys.some(isVerified);
  return [
    ...merged.map((key) => {
      const isInBackup = backup.keys.some((one) => equalBytes(one.identityKey, key.identityKey));
      if (!isBlind || isInBackup || key.trust !== 'trusted') return key;
      return { ...key, trust: 'undecided' as const };
    }),
    ...added,
  ];
}

/** The device as the backup knows it. */
function restoredDevice({ listedIn, ...device }: BackupPeer['devices'][number]): DeviceRecord {
  const facts: DeviceFacts = { isActive: true };
  return { ...device, versions: Object.fromEntries(listedIn.map((version) => [version, facts])) };
}

/** The device, to get a new session in each version it is listed in. */
function withSessionsWanted(device: DeviceRecord): DeviceRecord {
  return activeVersions(device).reduce(
    (record, version) =>
      withFacts(record, version, { ...factsOf(record, version), isResetWanted: true }),
    device,
  );
}

/** The peer with one device of the backup; the same key is nothing new, another one is a changed key. */
function withBackupDevice(peer: PeerRecord, backup: BackupPeer['devices'][number]): PeerRecord {
  const here = deviceOf(peer, backup.deviceId);
  if (here === undefined) return withDevice(peer, restoredDevice(backup));
  const { identityKey } = backup;
  if (identityKey === undefined) return peer;
  if (here.identityKey === undefined) return withDevice(peer, { ...here, identityKey });
  if (equalBytes(here.identityKey, identityKey)) return peer;
  const changedKey = here.changedKey ?? here.identityKey;
  if (equalBytes(changedKey, identityKey)) return peer;
  return withDevice(peer, { ...here, identityKey, changedKey });
}

/** A person after a backup, and what the user has to know of it before. */
export interface MergedPeer {
  readonly peer: PeerRecord;
  readonly trust: readonly TrustChange[];
  /** What a chat of which nothing was known comes to be; undefined: it stays as it is, or is encrypted as any. */
  readonly encryption?: 'off';
}

function changesOf(
  here: PeerRecord | undefined,
  after: PeerRecord,
  { origin, jid, peer }: BackupPeer,
): readonly TrustChange[] {
  const alarms = new Set(
    after.devices
      .filter(({ deviceId, changedKey }) => {
        const before = here === undefined ? undefined : deviceOf(here, deviceId)?.changedKey;
        return changedKey !== undefined && before === undefined;
      })
      .map(({ changedKey = new Uint8Array() }) => toHex(changedKey)),
  );
  return after.keys.flatMap(({ identityKey, trust }) => {
    const known = here === undefined ? undefined : keyRecordOf(here, identityKey);
    const isAlarm = alarms.has(toHex(identityKey));
    if (known?.trust === trust && !isAlarm) return [];
    return [
      {
        origin,
        jid,
        peer,
        fingerprint: fingerprint(identityKey),
        before: known?.trust ?? ('unknown' as const),
        after: trust,
        ...(isAlarm && { isAlarm }),
      },
    ];
  });
}

/**
 * The person after a backup. `areSessionsLost`: the identity of the account is restored here, so that those we talked to get a new
 * session before they write into one that is not here.
 */
export function mergePeer(
  here: PeerRecord | undefined,
  backup: BackupPeer,
  areSessionsLost: boolean,
): MergedPeer {
  const { encryptedSince, prefersOmemo2, retention, isWrittenTo, encryption } = backup;
  const base = here ?? { ...newPeer(backup.peer), encryption };
  const since = base.encryptedSince ?? encryptedSince;
  // Our own other devices write to us whatever was said in any chat.
  const isSpokenTo = since !== undefined || backup.peer === backup.jid;
  const merged: PeerRecord = {
    ...base,
    keys: mergeKeys(base, backup),
    isWrittenTo: base.isWrittenTo || isWrittenTo,
    ...(since !== undefined && { encryptedSince: since }),
    ...(here === undefined && prefersOmemo2 === true && { prefersOmemo2: true as const }),
    ...(here === undefined && retention !== undefined && { retention }),
  };
  const known = backup.devices.reduce(withBackupDevice, merged);
  const devices =
    areSessionsLost && isSpokenTo ? known.devices.map(withSessionsWanted) : known.devices;
  const peer = { ...known, devices };
  return {
    peer,
    trust: changesOf(here, peer, backup),
    ...(here === undefined && encryption === 'off' && { encryption }),
  };
}
