// Is this the latest state of the device (M73)? Every log-in is counted here, in the second copy and in a private item on the account's own
// server. A profile that was put back, or one of two copies of it, finds a later count there than its own: from then on nothing is sent
// with any chain it holds, for others may have been sent with the same keys.
import { AEAD_NONCE_LENGTH, openAead, sealAead } from '../crypto/aead';
import { concat, equalBytes, toHex } from '../crypto/bytes';
import { CipherError } from '../crypto/cipher';
import { hkdfSha256 } from '../crypto/kdf';
import { withoutSending } from '../omemo/ratchet-session';
import { spendAllPrekeys } from '../omemo/prekeys';
import type { Fetched } from '../rpc/vault-api';
import { VERSIONS } from '../rpc/versions';
import { loadAccount, lockOf, savePeer, scopedKey, type Context, type Scope } from './context';
import { unusedPrekeyId, withNewSessions } from './copied';
import { keyOf, prefixOf } from './names';
import type { AccountRecord, Epoch, PeerRecord } from './records';
import { loadSessions, sessionsKey } from './sessions';
import type { Unit } from './transaction';

const INSTANCE_LENGTH = 16;
const NUMBER_LENGTH = 4;
const UTF8 = new TextEncoder();

/** The node on the server: its name is known to this device only and tells nothing. */
export function epochNodeOf({ identity, origin, jid }: AccountRecord): string {
  const info = keyOf('omnemo epoch node', origin, jid);
  return `urn:uuid:${uuidOf(hkdfSha256(identity.privateKey, undefined, info, 16))}`;
}

/** RFC 9562 §4, the bytes as they are. */
function uuidOf(bytes: Uint8Array): string {
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function sealKey({ identity }: AccountRecord): Uint8Array {
  return hkdfSha256(identity.privateKey, undefined, 'omnemo epoch', 32);
}

function placeOf({ origin, jid, deviceId }: AccountRecord): Uint8Array {
  return UTF8.encode(keyOf(origin, jid, String(deviceId)));
}

/** The item for the server: nonce, ciphertext of number and instance, tag. */
function sealEpoch(account: AccountRecord, { number, instance }: Epoch, nonce: Uint8Array) {
  const bytes = new Uint8Array(NUMBER_LENGTH);
  new DataView(bytes.buffer).setUint32(0, number);
  return concat(
    nonce,
    sealAead(sealKey(account), nonce, placeOf(account), concat(bytes, instance)),
  );
}

/** What an item says; undefined if it is none of this device. */
function openEpoch(account: AccountRecord, item: Uint8Array): Epoch | undefined {
  const nonce = item.slice(0, AEAD_NONCE_LENGTH);
  const sealed = item.slice(AEAD_NONCE_LENGTH);
  if (sealed.length !== NUMBER_LENGTH + INSTANCE_LENGTH + 16) return undefined;
  try {
    const opened = openAead(sealKey(account), nonce, placeOf(account), sealed);
    const number = new DataView(opened.buffer, opened.byteOffset).getUint32(0);
    return { number, instance: opened.slice(NUMBER_LENGTH) };
  } catch (error) {
    if (error instanceof CipherError) return undefined;
    throw error;
  }
}

/** Somebody went on from this state, or from an earlier one, and we are not they. */
export function isAhead(theirs: Epoch | undefined, ours: Epoch | undefined): boolean {
  if (theirs === undefined) return false;
  if (ours === undefined) return true;
  if (theirs.number !== ours.number) return theirs.number > ours.number;
  return !equalBytes(theirs.instance, ours.instance);
}

/** The account whose one-time prekeys others may have used, or replaced by others with the same ids. */
function withoutPrekeys(account: AccountRecord, now: number): AccountRecord {
  const prekeys = VERSIONS.flatMap((version) => {
    const store = account.prekeys[version];
    if (store === undefined) return [];
    return [[version, spendAllPrekeys(store, unusedPrekeyId(store.nextOneTimePrekeyId), now)]];
  });
  return { ...account, prekeys: Object.fromEntries(prekeys) };
}

/** Stages that nothing is sent with any session of an account any more, and that devices of its chats get new ones. */
async function dropSending(unit: Unit, scope: Scope, peers: readonly PeerRecord[]): Promise<void> {
  for (const peer of peers) {
    const sessions = await loadSessions(unit, scope, peer.peer);
    const versions = VERSIONS.filter(
      (version) => Object.keys(sessions[version].devices).length > 0,
    );
    for (const version of versions) {
      const entries = Object.entries(sessions[version].devices);
      const devices = Object.fromEntries(
        entries.map(([deviceId, each]) => [deviceId, withoutSending(each)]),
      );
      const key = sessionsKey(scope, version, peer.peer);
      unit.put('sessions', key, { ...sessions[version], devices });
    }
    if (versions.length === 0) continue;
    savePeer(unit, scope, withNewSessions(peer, versions, peer.peer === scope.jid));
  }
}

/** Where the count of an account lies on its server. @throws VaultError `no-account` */
export function epochNode(context: Context, scope: Scope): Promise<{ readonly node: string }> {
  return context.transactions.run(lockOf(scope), async (unit) => ({
    node: epochNodeOf(await loadAccount(unit, scope)),
  }));
}

/**
 * A log-in: compares what the server holds with our own, gives up all sending chains if somebody is ahead, and counts on. Answers the
 * item to put on the server, once all of it is stored. A server that has none, or shows none, proves nothing.
 */
export function countLogin(
  context: Context,
  scope: Scope,
  found: Fetched<Uint8Array>,
): Promise<{ readonly item: Uint8Array }> {
  const { random, database, now } = context;
  return context.transactions.run(lockOf(scope), async (unit) => {
    const account = await loadAccount(unit, scope);
    const theirs = found.kind === 'present' ? openEpoch(account, found.value) : undefined;
    const isBehind = account.isBehind === true || isAhead(theirs, account.epoch);
    if (isBehind) {
      const peers = await database.list('peers', prefixOf(scope.origin, scope.jid));
      await dropSending(unit, scope, peers);
    }
    const { isBehind: _done, ...rest } = isBehind ? withoutPrekeys(account, now()) : account;
    const number = Math.max(theirs?.number ?? 0, account.epoch?.number ?? 0) + 1;
    const epoch: Epoch = { number, instance: random(INSTANCE_LENGTH) };
    // One that never counted here came out of a backup, which the user knows.
    const isNews = account.isBehind === true || (isBehind && account.epoch !== undefined);
    const rolledBack = isNews ? { rolledBackAt: now() } : {};
    unit.put('accounts', scopedKey(scope), { ...rest, epoch, ...rolledBack });
    return { item: sealEpoch(account, epoch, random(AEAD_NONCE_LENGTH)) };
  });
}

/** The user has read that the account was put back. */
export function acknowledgeRollback(context: Context, scope: Scope): Promise<void> {
  return context.transactions.run(lockOf(scope), async (unit) => {
    const { rolledBackAt: _read, ...account } = await loadAccount(unit, scope);
    unit.put('accounts', scopedKey(scope), account);
  });
}
