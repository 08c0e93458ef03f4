// Key material for devices: the sessions it goes through are started and moved on, and staged with what else the request changes.
import { encryptKeyMaterial, initiateSession, startWith } from '../omemo/ratchet-session';
import type { SealedEmpty, SealedPayload } from '../omemo/payload';
import type { DeviceSessions, OmemoVersion, PublishedBundle, RatchetSession } from '../omemo/types';
import { LEGACY, VERSIONS } from '../rpc/versions';
import type { EncryptedMessage, Omemo2Key } from '../rpc/vault-api';
import type { Context, Scope } from './context';
import { factsOf, withFacts } from './device-facts';
import { deviceOf, withDevice } from './devices';
import type { PeerRecord } from './records';
import type { Recipients, Target } from './recipients';
import { withoutReset } from './repair';
import { hasSession, sessionsKey } from './sessions';
import type { Unit } from './transaction';

/**
 * The bundle without the one-time prekey that a session in the other version begins with, if there is another one.
 * COMPAT(Converse 14): its versions share their prekeys, and a used id comes back with a new key.
 */
function withoutTaken(
  bundle: PublishedBundle,
  { party, device, version }: Target,
): PublishedBundle {
  const taken = VERSIONS.filter((other) => other !== version).map(
    (other) =>
      party.sessions[other].devices[device.deviceId]?.current?.pendingKeyExchange?.oneTimePrekeyId,
  );
  const oneTimePrekeys = bundle.oneTimePrekeys.filter(({ id }) => !taken.includes(id));
  return oneTimePrekeys.some(({ id }) => id > 0) ? { ...bundle, oneTimePrekeys } : bundle;
}

/** The session to send with, started from the stored bundle if there is none. */
async function sessionFor(
  context: Context,
  { account }: Recipients,
  target: Target,
): Promise<DeviceSessions & { readonly current: RatchetSession }> {
  const { party, device, version } = target;
  const stored = party.sessions[version];
  const sessions = stored.devices[device.deviceId] ?? { archived: [] };
  const { current } = sessions;
  if (current !== undefined && hasSession(device, stored)) return { ...sessions, current };
  const { bundle } = factsOf(device, version);
  if (bundle === undefined) throw new TypeError('device: want a session or a bundle');
  const { identity } = account;
  const session = await initiateSession({
    version,
    identity,
    bundle: withoutTaken(bundle, target),
    random: context.random,
  });
  return { ...startWith(sessions, session), current: session };
}

/** What is written for one version. */
export interface EncryptJob {
  readonly context: Context;
  readonly unit: Unit;
  readonly scope: Scope;
  readonly recipients: Recipients;
  readonly version: OmemoVersion;
  /** Those of this version. */
  readonly targets: readonly Target[];
}

/** The key material encrypted for one device, and its sessions afterwards. */
async function encryptFor(
  { context, recipients }: EncryptJob,
  target: Target,
  keyMaterial: Uint8Array,
) {
  const { account } = recipients;
  const sessions = await sessionFor(context, recipients, target);
  const { session, encryptedKey } = encryptKeyMaterial({
    session: sessions.current,
    identity: account.identity,
    ownDeviceId: account.deviceId,
    keyMaterial,
  });
  const { deviceId } = target.device;
  const key = { jid: target.party.record.peer, deviceId, ...encryptedKey };
  return { key, sessions: { ...sessions, current: session } };
}

/** Encrypts key material for every target, stages the sessions and answers the message. */
export async function encryptKeys(
  job: EncryptJob,
  sealed: SealedEmpty | SealedPayload,
): Promise<EncryptedMessage> {
  const { unit, scope, recipients, version, targets } = job;
  const keys: Omemo2Key[] = [];
  for (const party of recipients.parties) {
    const ofParty = targets.filter((target) => target.party === party);
    if (ofParty.length === 0) continue;
    const written = await Promise.all(
      ofParty.map((target) => encryptFor(job, target, sealed.keyMaterial)),
    );
    const changed = written.map(({ key, sessions }) => [key.deviceId, sessions] as const);
    const stored = party.sessions[version];
    const devices = { ...stored.devices, ...Object.fromEntries(changed) };
    unit.put('sessions', sessionsKey(scope, version, party.record.peer), { ...stored, devices });
    keys.push(...written.map(({ key }) => key));
  }
  const senderDeviceId = recipients.account.deviceId;
  const payload = 'payload' in sealed ? { payload: sealed.payload } : {};
  if (version !== LEGACY) return { version, senderDeviceId, keys, ...payload };
  const { iv } = sealed;
  if (iv === undefined) throw new TypeError('iv: want 12 bytes');
  return {
    version,
    senderDeviceId,
    keys: keys.map(({ jid: _unnamed, ...key }) => key),
    iv,
    ...payload,
  };
}

/** A bundle serves for one session; keeping it would use its one-time prekey twice. A wanted reset is done with it. */
export function withoutUsedBundles(peer: PeerRecord, targets: readonly Target[]): PeerRecord {
  return targets
    .filter(({ party }) => party.record.peer === peer.peer)
    .reduce((record, { device, version }) => {
      const known = deviceOf(record, device.deviceId) ?? device;
      const { bundle, ...facts } = factsOf(known, version);
      if (bundle === undefined) return record;
      const used = withDevice(record, withFacts(known, version, facts));
      return withoutReset(used, device.deviceId, version);
    }, peer);
}
