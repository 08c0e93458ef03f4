// Who gets a key of a message, and in which version: all active devices of the peer and our own other devices, as far as trust
// lets them (wire §6, design D4). Answers what is missing before that can be said, or why nothing may leave.
import type { BareJid } from '../jid';
import type { OmemoVersion } from '../omemo/types';
import { VERSIONS } from '../rpc/versions';
import type { RefusalCode } from '../rpc/reasons';
import type { BundleAddress, DeviceAddress, ListAddress, Preparation } from '../rpc/vault-api';
import { isOver } from './clock';
import { loadAccount, loadPeer, policyOf, type Scope } from './context';
import { activeVersions, factsOf, isActive, versionsFor } from './device-facts';
import { isOptedOut } from './opt-out';
import { LIST_AGE_MS, LIST_RETRY_MS, NO_BUNDLE_MS } from '../limits';
import type { AccountRecord, DeviceRecord, PeerRecord } from './records';
import { hasSession, loadSessions, type SessionsByVersion } from './sessions';
import type { Unit } from './transaction';
import { audienceOf, type SkipCode } from './trust';

/** One JID a message is encrypted for. */
export interface Party {
  readonly record: PeerRecord;
  readonly sessions: SessionsByVersion;
  readonly isOwn: boolean;
}

/** Everything about the recipients of a message. */
export interface Recipients {
  readonly account: AccountRecord;
  readonly parties: readonly Party[];
}

/** A device that gets a key, and the version it gets it in. */
export interface Target {
  readonly party: Party;
  readonly device: DeviceRecord;
  readonly version: OmemoVersion;
}

/** Loads what is known of one JID. */
export async function loadParty(unit: Unit, scope: Scope, jid: BareJid): Promise<Party> {
  return {
    record: await loadPeer(unit, scope, jid),
    sessions: await loadSessions(unit, scope, jid),
    isOwn: jid === scope.jid,
  };
}

/** Loads the peer and, unless it is ourselves, our own other devices. */
export async function loadRecipients(unit: Unit, scope: Scope, peer: BareJid): Promise<Recipients> {
  const jids = peer === scope.jid ? [peer] : [peer, scope.jid];
  const parties = await Promise.all(jids.map((jid) => loadParty(unit, scope, jid)));
  return { account: await loadAccount(unit, scope), parties };
}

/** Can a key be written to the device in this version. */
export function isUsable(
  device: DeviceRecord,
  { sessions }: Party,
  version: OmemoVersion,
): boolean {
  return hasSession(device, sessions[version]) || factsOf(device, version).bundle !== undefined;
}

/** The version a device is written to in: the first of its lists in which that can be done. */
export function versionFor(device: DeviceRecord, party: Party): OmemoVersion | undefined {
  return versionsFor(party.record, device).find((version) => isUsable(device, party, version));
}

/** Most people have no list of OMEMO 2: it is not asked for again with every message. */
function isListDue(record: PeerRecord, version: OmemoVersion, now: number): boolean {
  const { seenAt, failure } = record.lists[version] ?? {};
  const isOtherKnown = VERSIONS.some(
    (other) => other !== version && record.lists[other]?.seenAt !== undefined,
  );
  const isAnswer = failure !== undefined && failure.kind !== 'failed' && isOtherKnown;
  const patience = isAnswer ? LIST_AGE_MS : LIST_RETRY_MS;
  if (failure !== undefined && !isOver(failure.at, now, patience)) return false;
  return seenAt === undefined || isOver(seenAt, now, LIST_AGE_MS);
}

function dueLists({ record }: Party, now: number): ListAddress[] {
  return VERSIONS.filter((version) => isListDue(record, version, now)).map((version) => ({
    jid: record.peer,
    version,
  }));
}

/** The version whose bundle must be fetched to write to a device, if one must and can be. */
function missingVersion(
  device: DeviceRecord,
  { record, sessions }: Party,
  now: number,
): OmemoVersion | undefined {
  for (const version of versionsFor(record, device)) {
    const { bundle, isResetWanted, noBundleUntil } = factsOf(device, version);
    const isWanted = isResetWanted === true || !hasSession(device, sessions[version]);
    if (!isWanted || bundle !== undefined) return undefined;
    const isLeftOut =
      noBundleUntil !== undefined && !isOver(noBundleUntil - NO_BUNDLE_MS, now, NO_BUNDLE_MS);
    if (!isLeftOut) return version;
    // What cannot be had is not waited for: the old session goes on, or the other version is tried.
    if (hasSession(device, sessions[version])) return undefined;
  }
  return undefined;
}

function missingBundles(party: Party, ownDeviceId: number, now: number): BundleAddress[] {
  const { record, isOwn } = party;
  return record.devices
    .filter(({ deviceId, changedKey }) => {
      return changedKey === undefined && !(isOwn && deviceId === ownDeviceId);
    })
    .flatMap((device) => {
      const version = missingVersion(device, party, now);
      return version === undefined
        ? []
        : [{ jid: record.peer, deviceId: device.deviceId, version }];
    });
}

/** What must be fetched first, or `ready`, or why nothing can leave. */
export async function prepare(
  unit: Unit,
  scope: Scope,
  peer: BareJid,
  now: number,
): Promise<Preparation> {
  const recipients = await loadRecipients(unit, scope, peer);
  const { account, parties } = recipients;
  if (peer !== scope.jid && parties[0]?.record.encryption === 'off') return { kind: 'plain' };
  if (!account.isPublished) return { kind: 'refused', code: 'not-published' };
  if (isOptedOut(parties)) return { kind: 'refused', code: 'opted-out' };
  const lists = parties.flatMap((party) => dueLists(party, now));
  const bundles = parties.flatMap((party) => missingBundles(party, account.deviceId, now));
  if (lists.length > 0 || bundles.length > 0) return { kind: 'fetch', lists, bundles };
  const chosen = choose(recipients, await policyOf(unit, scope.origin));
  return chosen.kind === 'open' ? { kind: 'ready' } : { kind: 'refused', code: chosen.code };
}

/** The devices that get a key. */
export type Choice =
  | {
      readonly kind: 'open';
      readonly targets: readonly Target[];
      readonly skipped: readonly (DeviceAddress & { readonly code: SkipCode })[];
    }
  | { readonly kind: 'held'; readonly code: RefusalCode };

/** Decides who gets a key; at least one device of the peer must. */
export function choose(
  { account, parties }: Recipients,
  policy: Parameters<typeof audienceOf>[1],
): Choice {
  if (isOptedOut(parties)) return { kind: 'held', code: 'opted-out' };
  const targets: Target[] = [];
  const skipped: (DeviceAddress & { code: SkipCode })[] = [];
  for (const [index, party] of parties.entries()) {
    const audience = audienceOf(party.record, policy, party.isOwn ? account.deviceId : undefined);
    if (audience.kind === 'held') return audience;
    const reached = audience.devices.flatMap((device) => {
      const version = versionFor(device, party);
      return version === undefined ? [] : [{ party, device, version }];
    });
    if (index === 0 && reached.length === 0) return { kind: 'held', code: whyNobody(party) };
    targets.push(...reached);
    const left = audience.devices.filter((device) => versionFor(device, party) === undefined);
    const address = (deviceId: number) => ({ jid: party.record.peer, deviceId });
    skipped.push(
      ...audience.skipped.map(({ device, code }) => ({ ...address(device.deviceId), code })),
      ...left.map(({ deviceId }) => ({ ...address(deviceId), code: 'no-bundle' as const })),
    );
  }
  return { kind: 'open', targets, skipped };
}

/** Why none of a peer's devices can get a key. */
function whyNobody({ record, isOwn }: Party): RefusalCode {
  if (isOwn) return 'no-own-devices';
  const active = record.devices.filter(isActive);
  if (active.length === 0) {
    const failures = VERSIONS.map((version) => record.lists[version]?.failure?.kind);
    if (failures.includes('hidden')) return 'devices-hidden';
    return failures.includes('failed') ? 'lists-unavailable' : 'no-devices';
  }
  const isAnyKeyKnown = active.some(
    (device) =>
      device.identityKey !== undefined &&
      activeVersions(device).some(
        (version) => factsOf(device, version).noBundleUntil === undefined,
      ),
  );
  return isAnyKeyKnown ? 'no-trusted-devices' : 'bundles-unavailable';
}
