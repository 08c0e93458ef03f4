// What every part of the vault works with: storage, randomness, time.
import type { BareJid } from '../jid';
import type { Random } from '../omemo/types';
import { VaultError } from '../rpc/errors';
import type { TrustPolicy } from '../rpc/vault-api';
import type { Database, VaultDatabase } from './db';
import { keyOf } from './names';
import type { Health } from './health';
import { newPeer, newSite, type AccountRecord, type PeerRecord, type SiteRecord } from './records';
import type { Transactions, Unit } from './transaction';

/** The surroundings of the vault, replaceable in tests. */
export interface Context {
  readonly database: VaultDatabase;
  readonly transactions: Transactions;
  readonly random: Random;
  /** ms since 1970. */
  now(): number;
  /** The health of what is stored; left out: it has no second copy and nothing is said. */
  readonly health?: Health;
}

/** An account on a site: what every record below it is bound to (design D2). */
export interface Scope {
  readonly origin: string;
  readonly jid: BareJid;
}

/** The lock of an account. */
export function lockOf({ origin, jid }: Scope): string {
  return keyOf(origin, jid);
}

/** The key of the account's record, and with more parts of what is below it. */
export function scopedKey({ origin, jid }: Scope, ...parts: readonly string[]): string {
  return keyOf(origin, jid, ...parts);
}

/** The peer's record, or an empty one. */
export async function loadPeer(unit: Unit, scope: Scope, peer: BareJid): Promise<PeerRecord> {
  return (await unit.get('peers', scopedKey(scope, peer))) ?? newPeer(peer);
}

/** Stages a peer's record. */
export function savePeer(unit: Unit, scope: Scope, peer: PeerRecord): void {
  unit.put('peers', scopedKey(scope, peer.peer), peer);
}

/** The site's record, or an empty one. */
export async function loadSite(reader: Pick<Database, 'get'>, origin: string): Promise<SiteRecord> {
  return (await reader.get('sites', origin)) ?? newSite(origin);
}

/** The account's record. @throws VaultError `no-account`. */
export async function loadAccount(unit: Unit, scope: Scope): Promise<AccountRecord> {
  const account = await unit.get('accounts', scopedKey(scope));
  if (account === undefined) throw new VaultError('no-account');
  return account;
}

/** The policy of a site. */
export async function policyOf(unit: Unit, origin: string): Promise<TrustPolicy> {
  return (await loadSite(unit, origin)).policy;
}
