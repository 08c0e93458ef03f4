// Who gets a key of a message: all active devices of the peer and our own other devices, as far as trust lets them
// (wire §6). Answers what is missing before that can be said, or why nothing may leave.
import { equalBytes } from '../crypto/bytes';
import type { BareJid } from '../jid';
import type { RefusalCode } from '../rpc/reasons';
import type { DeviceAddress, Preparation, WireVersion } from '../rpc/vault-api';
import { loadAccount, loadPeer, policyOf, scopedKey, type Scope } from './context';
import { LIST_AGE_MS, LIST_RETRY_MS } from './limits';
import type { AccountRecord, DeviceRecord, PeerRecord, SessionsRecord } from './records';
import type { Unit } from './transaction';
import { audienceOf, type SkipCode } from './trust';

/** The version spoken until OMEMO 2 is complete (design D4). */
export const VERSION: WireVersion = 'eu.siacs.conversations.axolotl';

/** One JID a message is encrypted for. */
export interface Party {
  readonly record: PeerRecord;
  readonly sessions: SessionsRecord;
  readonly isOwn: boolean;
}

/** Everything about the recipients of a message. */
export interface Recipients {
  readonly account: AccountRecord;
  readonly parties: readonly Party[];
}

/** The key of the sessions record of a JID. */
export function sessionsKey(scope: Scope, peer: BareJid): string {
  return scopedKey(scope, VERSION, peer);
}

/** The sessions with a JID, or none. */
export async function loadSessions(
  unit: Unit,
  scope: Scope,
  peer: BareJid,
): Promise<SessionsRecord> {
  const known = await unit.get('sessions', sessionsKey(scope, peer));
  return known ?? { v: 1, version: VERSION, devices: {} };
}

/** Loads the peer and, unless it is ourselves, our own other devices. */
export async function loadRecipients(unit: Unit, scope: Scope, peer: BareJid): Promise<Recipients> {
  const party = async (jid: BareJid): Promise<Party> => ({
    record: await loadPeer(unit, scope, jid),
    sessions: await loadSessions(unit, scope, jid),
    isOwn: jid === scope.jid,
  });
  const jids = peer === scope.jid ? [peer] : [peer, scope.jid];
  const parties = await Promise.all(jids.map(party));
  return { account: await loadAccount(unit, scope), parties };
}

/**
 * Is there a session to send with: with the key the device is known by, and not to be given up. Where no bundle can be had
 * for a new one the old one goes on.
 */
export function hasSession(device: DeviceRecord, sessions: SessionsRecord): boolean {
  const session = sessions.devices[device.deviceId]?.current;
  return (
    session !== undefined &&
    (device.isResetWanted !== true || device.noBundleUntil !== undefined) &&
    device.identityKey !== undefined &&
    equalBytes(session.remoteIdentityKey, device.identityKey)
  );
}

function isListDue({ listAt, listFailure }: PeerRecord, now: number): boolean {
  if (listFailure !== undefined && now - listFailure.at < LIST_RETRY_MS) return false;
  return listAt === undefined || now - listAt >= LIST_AGE_MS;
}

function missingBundles(party: Party, ownDeviceId: number, now: number): DeviceAddress[] {
  const { record, sessions, isOwn } = party;
  return record.devices
    .filter(({ isActive, deviceId }) => isActive && !(isOwn && deviceId === ownDeviceId))
    .filter(({ changedKey }) => changedKey === undefined)
    .filter((device) => device.isResetWanted === true || !hasSession(device, sessions))
    .filter(({ bundle }) => bundle === undefined)
    .filter(({ noBundleUntil = 0 }) => noBundleUntil <= now)
    .map(({ deviceId }) => ({ jid: record.peer, deviceId }));
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
  const lists = parties.filter(({ record }) => isListDue(record, now));
  const bundles = parties.flatMap((party) => missingBundles(party, account.deviceId, now));
  if (lists.length > 0 || bundles.length > 0) {
    return { kind: 'fetch', lists: lists.map(({ record }) => record.peer), bundles };
  }
  const chosen = choose(recipients, await policyOf(unit, scope.origin));
  return chosen.kind === 'open' ? { kind: 'ready' } : { kind: 'refused', code: chosen.code };
}

/** The devices that get a key, by party. */
export type Choice =
  | {
      readonly kind: 'open';
      readonly targets: readonly { readonly party: Party; readonly device: DeviceRecord }[];
      readonly skipped: readonly (DeviceAddress & { readonly code: SkipCode })[];
    }
  | { readonly kind: 'held'; readonly code: RefusalCode };

/** Decides who gets a key; at least one device of the peer must. */
export function choose(
  { account, parties }: Recipients,
  policy: Parameters<typeof audienceOf>[1],
): Choice {
  const targets: { party: Party; device: DeviceRecord }[] = [];
  const skipped: (DeviceAddress & { code: SkipCode })[] = [];
  for (const [index, party] of parties.entries()) {
    const audience = audienceOf(party.record, policy, party.isOwn ? account.deviceId : undefined);
    if (audience.kind === 'held') return audience;
    const isUsable = (device: DeviceRecord): boolean =>
      hasSession(device, party.sessions) || device.bundle !== undefined;
    const usable = audience.devices.filter(isUsable);
    const left = audience.devices.filter((device) => !isUsable(device));
    if (index === 0 && usable.length === 0) return { kind: 'held', code: whyNobody(party) };
    targets.push(...usable.map((device) => ({ party, device })));
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
  const active = record.devices.filter(({ isActive }) => isActive);
  if (active.length === 0) {
    if (record.listFailure?.kind === 'hidden') return 'devices-hidden';
    return record.listFailure?.kind === 'failed' ? 'lists-unavailable' : 'no-devices';
  }
  const isAnyKeyKnown = active.some(
    ({ identityKey, noBundleUntil }) => identityKey !== undefined && noBundleUntil === undefined,
  );
  return isAnyKeyKnown ? 'no-trusted-devices' : 'bundles-unavailable';
}
