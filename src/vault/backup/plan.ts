// Everything a backup would change besides texts, made of the records as they are now: for the user to see, and to be written at once.
import { equalBytes } from '../../crypto/bytes';
import { fingerprint } from '../../omemo/identity';
import { createPrekeyStore } from '../../omemo/prekeys';
import type { PrekeyStore } from '../../omemo/types';
import type {
  ChatChange,
  IdentityChange,
  RestoreReview,
  SiteChange,
  TrustChange,
} from '../../rpc/backup-api';
import { ARCHIVE_BATCH, MAX_ID, RESTORED_PREKEY_GAP } from '../../limits';
import { scopedKey, type Context, type Scope } from '../context';
import { prefixOf } from '../names';
import type { AccountRecord, ByVersion } from '../records';
import type { Unit } from '../transaction';
import type { Collected } from './collect';
import type { BackupAccount } from './contents';
import { mergePeer, mergeSite } from './merge';

/** Far enough behind an id that the original did not give it away since. */
function idBehind(id: number): number {
  return ((id - 1 + RESTORED_PREKEY_GAP) % MAX_ID) + 1;
}

function verifiedIn({ peers }: Collected, { origin, jid }: Scope): number {
  return peers
    .filter((peer) => peer.origin === origin && peer.jid === jid)
    .flatMap(({ keys }) => keys.filter(({ trust }) => trust === 'verified')).length;
}

/** The records of all accounts of a backup, by their keys: made before anything is locked, because prekeys take a while. */
export async function restoredAccounts(
  context: Context,
  collected: Collected,
): Promise<ReadonlyMap<string, AccountRecord>> {
  const made = new Map<string, AccountRecord>();
  for (const account of collected.accounts) {
    const verified = verifiedIn(collected, account);
    const record = await restoredAccount(context, account, verified, collected.createdAt);
    made.set(scopedKey(account), record);
  }
  return made;
}

/** New prekeys for an identity: the private halves of the old ones are in no backup (M75). */
async function restoredAccount(
  { random, now }: Context,
  backup: BackupAccount,
  verified: number,
  madeAt: number,
): Promise<AccountRecord> {
  const { origin, jid, deviceId, privateKey, publicKey, createdAt } = backup;
  const identity = { privateKey, publicKey };
  const prekeys: [string, PrekeyStore][] = [];
  for (const { version, signedId, oneTimeId } of backup.prekeys) {
    const firstIds = { signed: idBehind(signedId), oneTime: idBehind(oneTimeId) };
    const input = { version, identity, now: now(), random, firstIds };
    prekeys.push([version, await createPrekeyStore(input)]);
  }
  return {
    v: 2,
    origin,
    jid,
    deviceId,
    identity,
    prekeys: Object.fromEntries(prekeys) as ByVersion<PrekeyStore>,
    // The entry of that id on the list is our own.
    isClaimed: true,
    isPublished: false,
    createdAt,
    backup: { at: madeAt, verified },
  };
}

function identityChange(backup: BackupAccount, here: AccountRecord | undefined): IdentityChange {
  const { origin, jid, deviceId, publicKey } = backup;
  const change = { origin, jid, deviceId, fingerprint: fingerprint(publicKey) };
  if (here === undefined) return { ...change, kind: 'new' };
  if (equalBytes(here.identity.publicKey, publicKey))
    return { ...change, kind: 'same', deviceId: here.deviceId };
  return { ...change, kind: 'replaced', before: fingerprint(here.identity.publicKey) };
}

/** What belongs to a device that goes: sessions, and answers that were encrypted in them. */
async function removeDevice({ database }: Context, unit: Unit, scope: Scope): Promise<void> {
  for (const store of ['sessions', 'requests'] as const) {
    let after: Uint8Array | undefined;
    do {
      const prefix = prefixOf(scope.origin, scope.jid);
      const page = await database.page(store, prefix, ARCHIVE_BATCH, after);
      for (const { key } of page.records) unit.remove(store, key);
      after = page.last;
    } while (after !== undefined);
  }
}

async function planSites(unit: Unit, { sites }: Collected): Promise<readonly SiteChange[]> {
  const changes: SiteChange[] = [];
  for (const backup of sites) {
    const { origin } = backup;
    const here = await unit.get('sites', origin);
    const site = mergeSite(here, backup);
    unit.put('sites', origin, site);
    const granted = site.accounts
      .filter(
        ({ jid, endpoint, decision }) =>
          decision === 'granted' &&
          here?.accounts.some(
            (one) => one.jid === jid && one.endpoint === endpoint && one.decision === decision,
          ) !== true,
      )
      .map(({ jid, endpoint }) => ({ jid, endpoint }));
    if (here !== undefined && here.policy === site.policy && granted.length === 0) continue;
    changes.push({
      origin,
      policy: site.policy,
      granted,
      ...(here !== undefined && { before: here.policy }),
    });
  }
  return changes;
}

/**
 * Stages all that a backup changes besides texts, and says what that is. Nothing is staged for the device of an account that is here
 * already: its sessions go on. `made`: the records of its accounts, where it is not only looked at.
 */
export async function planRestore(
  context: Context,
  unit: Unit,
  collected: Collected,
  made?: ReadonlyMap<string, AccountRecord>,
): Promise<RestoreReview> {
  const identities: IdentityChange[] = [];
  const trust: TrustChange[] = [];
  const chats: ChatChange[] = [];
  const sites = await planSites(unit, collected);
  for (const backup of collected.accounts) {
    const scope = { origin: backup.origin, jid: backup.jid };
    const here = await unit.get('accounts', scopedKey(scope));
    const change = identityChange(backup, here);
    identities.push(change);
    const peers = collected.peers.filter(
      ({ origin, jid }) => origin === backup.origin && jid === backup.jid,
    );
    const account = made?.get(scopedKey(scope));
    if (change.kind !== 'same' && account !== undefined)
      unit.put('accounts', scopedKey(scope), account);
    if (change.kind === 'replaced') await removeDevice(context, unit, scope);
    for (const peer of peers) {
      const known = await unit.get('peers', scopedKey(scope, peer.peer));
      const merged = mergePeer(known, peer, change.kind !== 'same');
      unit.put('peers', scopedKey(scope, peer.peer), merged.peer);
      trust.push(...merged.trust);
      if (merged.encryption !== undefined)
        chats.push({ ...scope, peer: peer.peer, encryption: merged.encryption });
    }
  }
  const { createdAt, texts } = collected;
  return { createdAt, identities, trust, chats, sites, texts };
}
