// Vaults for tests: each on a database of its own in fake-indexeddb, with seeded randomness and a clock that is set.
import 'fake-indexeddb/auto';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { LEGACY, VERSIONS } from '../../src/rpc/versions';
import { bareJid, type BareJid } from '../../src/jid';
import type { OmemoVersion, PrekeyStore, Random } from '../../src/omemo/types';
import type {
  BundleAddress,
  Chore,
  DecryptOutcome,
  DecryptRequest,
  EncryptedMessage,
  EncryptOutcome,
  WireMessage,
} from '../../src/rpc/vault-api';
import { markPublished, openAccount, ownBundle } from '../../src/vault/accounts';
import {
  loadPeer,
  lockOf,
  savePeer,
  scopedKey,
  type Context,
  type Scope,
} from '../../src/vault/context';
import { createDatabase, type Change, type Database, type VaultDatabase } from '../../src/vault/db';
import type { Area } from '../../src/vault/attempts';
import { createLock, type Lock, type LockParts } from '../../src/vault/lock';
import { MIN_ARGON2 } from '../../src/limits';
import { decrypt } from '../../src/vault/decrypt';
import { withBundle, withList } from '../../src/vault/devices';
import { encryptMessage } from '../../src/vault/encrypt';
import type { AccountRecord, DeviceFacts, DeviceRecord, PeerRecord } from '../../src/vault/records';
import { loadParty } from '../../src/vault/recipients';
import { withReset } from '../../src/vault/repair';
import { STORE_NAMES, type StoreName } from '../../src/vault/stores';
import { createTransactions } from '../../src/vault/transaction';

export const ORIGIN = 'https://chat.example.org';
export const START = Date.UTC(2026, 0, 5);

/** A JID written in a test. */
export function jid(text: string): BareJid {
  const bare = bareJid(text);
  if (bare === undefined) throw new TypeError(`jid: want a bare JID, got ${text}`);
  return bare;
}

/** The value, which the test says is there. */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('want a value, got undefined');
  return value;
}

/** Bytes that depend on seed and draw only; no two draws share bytes. */
export function seeded(seed: string): Random {
  const key = new TextEncoder().encode(seed);
  let draws = 0;
  return (length) => {
    const out = new Uint8Array(length);
    for (let at = 0; at < length; at += 32) {
      const block = hmac(sha256, key, new TextEncoder().encode(String(draws++)));
      out.set(block.subarray(0, length - at), at);
    }
    return out;
  };
}

export interface Clock {
  now: number;
}

let names = 0;

/** A name no other test uses. */
export function freshName(): string {
  return `vault-${++names}`;
}

/** A context over a database. */
export function contextOver(
  database: VaultDatabase,
  { seed = 'seed', clock = { now: START } }: { seed?: string; clock?: Clock } = {},
): Context {
  const transactions = createTransactions(database);
  return { database, transactions, random: seeded(seed), now: () => clock.now };
}

/** What is as cheap to guess at as a record may be, so that tests do not take long. */
export const CHEAP = MIN_ARGON2;

/** A storage area in memory. */
export function areaInMemory(): Area & { readonly stored: Map<string, unknown> } {
  const stored = new Map<string, unknown>();
  return {
    stored,
    get: async (key) => (stored.has(key) ? { [key]: stored.get(key) } : {}),
    set: async (values) => Object.entries(values).forEach(([key, value]) => stored.set(key, value)),
    remove: async (key) => void stored.delete(key),
  };
}

/** The lock of a vault in which nothing has to be put aside. */
export function lockOver(context: Context, parts: Partial<LockParts> = {}): Lock {
  const nothing = async () => undefined;
  return createLock({
    ...context,
    area: areaInMemory(),
    locking: nothing,
    unlocked: nothing,
    changed: () => undefined,
    cost: CHEAP,
    ...parts,
  });
}

/** The keys of a store, sorted. */
export async function keysOf(database: Database, store: StoreName): Promise<readonly string[]> {
  const keys: string[] = [];
  await database.each(store, (key) => keys.push(key));
  return keys.sort();
}

/** Every record of a database by store and key. */
export async function dump(name: string): Promise<Record<string, Record<string, unknown>>> {
  const database = createDatabase(name);
  const all: Record<string, Record<string, unknown>> = {};
  for (const store of STORE_NAMES) {
    const records: [string, unknown][] = [];
    await database.each(store, (key, value) => records.push([key, value]));
    all[store] = Object.fromEntries(records.sort());
  }
  return all;
}

/** Makes the databases of `after` what those of `before` held. */
export async function copyDatabase(from: string, to: string): Promise<void> {
  const all = await dump(from);
  const changes = Object.entries(all).flatMap(([store, records]) =>
    Object.entries(records).map(([key, value]) => ({ store, key, value }) as Change),
  );
  await createDatabase(to).write(changes);
}

/** A device of someone on a site, with its vault. */
export interface Person {
  readonly name: string;
  readonly scope: Scope;
  readonly context: Context;
  readonly clock: Clock;
  readonly deviceId: number;
}

const made = new Map<string, AccountRecord>();
let people = 0;

/**
 * A person with an own vault and a published device. Keys depend on `label` only, because a hundred prekeys take long to
 * make; every test gets its own database.
 */
export async function person(
  address: string,
  label = address,
  clock: Clock = { now: START },
): Promise<Person> {
  const name = freshName();
  const scope: Scope = { origin: ORIGIN, jid: jid(address) };
  const known = made.get(`${label}|${address}`);
  const database = createDatabase(name);
  if (known === undefined) {
    const context = contextOver(database, { seed: `account ${label}`, clock });
    await openAccount(context, scope);
    for (const version of VERSIONS) await ownBundle(context, scope, version);
    const record = present(await database.get('accounts', scopedKey(scope)));
    made.set(`${label}|${address}`, record);
  } else {
    await database.write([{ store: 'accounts', key: scopedKey(scope), value: known }]);
  }
  const context = contextOver(database, { seed: `run ${label} ${++people}`, clock });
  const { deviceId } = present(made.get(`${label}|${address}`));
  await markPublished(context, scope, deviceId);
  return { name, scope, context, clock, deviceId };
}

/** The same device after its worker died: nothing but the database is left. */
export function reborn(before: Person): Person {
  const database = createDatabase(before.name);
  const seed = `reborn ${++people}`;
  return { ...before, context: contextOver(database, { seed, clock: before.clock }) };
}

/** Changes a peer's record. */
export function changePeer(
  { context, scope }: Person,
  peer: BareJid,
  step: (record: PeerRecord) => PeerRecord,
): Promise<void> {
  return context.transactions.run(lockOf(scope), async (unit) =>
    savePeer(unit, scope, step(await loadPeer(unit, scope, peer))),
  );
}

/** What the user asks for: a new session with the device of another. */
export function wantReset({ context, scope }: Person, device: Person): Promise<void> {
  return context.transactions.run(lockOf(scope), async (unit) => {
    const party = await loadParty(unit, scope, device.scope.jid);
    savePeer(unit, scope, present(withReset(party, device.deviceId)));
  });
}

/** The peer's record as stored. */
export async function peerOf(of: Person, peer: BareJid): Promise<PeerRecord> {
  return present(await of.context.database.get('peers', scopedKey(of.scope, peer)));
}

/** The prekeys of an account, of legacy. */
export async function prekeysOf(of: Person): Promise<PrekeyStore> {
  return present((await accountOf(of)).prekeys[LEGACY]);
}

/** Where the legacy bundle of a device is. */
export function legacyAddress({ scope, deviceId }: Person): BundleAddress {
  return { jid: scope.jid, deviceId, version: LEGACY };
}

/** What is known of a device in legacy. */
export function legacyOf(device: DeviceRecord | undefined): DeviceFacts {
  return present(device?.versions[LEGACY]);
}

export async function accountOf({ context, scope }: Person): Promise<AccountRecord> {
  return present(await context.database.get('accounts', scopedKey(scope)));
}

/** `who` sees the device list of the owner, and the bundles of the devices, of legacy. All devices must be of one owner. */
export function meet(who: Person, ...devices: readonly Person[]): Promise<void> {
  return meetIn(LEGACY, who, ...devices);
}

/** The same in any version. */
export async function meetIn(
  version: OmemoVersion,
  who: Person,
  ...devices: readonly Person[]
): Promise<void> {
  const owner = present(devices[0]).scope.jid;
  const ids = devices.map(({ deviceId }) => deviceId);
  await changePeer(who, owner, (record) =>
    withList(record, version, { kind: 'present', value: ids }, who.clock.now),
  );
  for (const device of devices) await fetchBundle(who, device, version);
}

/** `who` fetches and verifies the bundle of a device. */
export async function fetchBundle(
  who: Person,
  device: Person,
  version: OmemoVersion = LEGACY,
): Promise<void> {
  const { bundle } = await ownBundle(device.context, device.scope, version);
  await changePeer(who, device.scope.jid, (record) =>
    withBundle(record, device.deviceId, version, bundle, 'blind', who.clock.now),
  );
}

let requests = 0;

/** What the page writes, as the session hands it over; the envelope only has to be told from the text. */
export function encryptText(
  context: Context,
  scope: Scope,
  peer: BareJid,
  requestId: string,
  text: string,
): Promise<EncryptOutcome> {
  return encryptMessage(context, scope, { peer, requestId, text, envelope: envelopeOf(text) });
}

/** What stands for the envelope of a text. */
export function envelopeOf(text: string): string {
  return `<envelope>${text}</envelope>`;
}

/** The one message of an outcome that must be `encrypted`, of that version. */
export function messageIn<V extends OmemoVersion>(
  version: V,
  outcome: EncryptOutcome,
): Extract<EncryptedMessage, { version: V }> {
  if (outcome.kind !== 'encrypted') throw new Error(`refused: ${outcome.code}`);
  const isWanted = (
    message: EncryptedMessage,
  ): message is Extract<EncryptedMessage, { version: V }> => message.version === version;
  return present(outcome.messages.find(isWanted));
}

/** Encrypts and expects it to work, in legacy. */
export async function send(
  from: Person,
  to: BareJid,
  text: string,
  requestId = `request ${++requests}`,
): Promise<WireMessage> {
  const outcome = await encryptText(from.context, from.scope, to, requestId, text);
  return messageOf(outcome);
}

/** The legacy message of an outcome that must be `encrypted`. */
export function messageOf(outcome: EncryptOutcome): WireMessage {
  return messageIn(LEGACY, outcome);
}

/** The request to decrypt a message as it is delivered live. */
export function requestOf(
  message: EncryptedMessage,
  from: Person,
  changes: Partial<DecryptRequest> = {},
): DecryptRequest {
  const sender = from.scope.jid;
  return { ...message, peer: sender, sender, isContact: true, ...changes };
}

/** Delivers a message. */
export function receive(
  to: Person,
  message: EncryptedMessage,
  from: Person,
  changes: Partial<DecryptRequest> = {},
): Promise<DecryptOutcome> {
  return decrypt(to.context, to.scope, requestOf(message, from, changes));
}

/** The text of an outcome that must be a text. */
export function textOf(outcome: DecryptOutcome): string {
  if (outcome.kind !== 'text') {
    throw new Error(outcome.kind === 'failed' ? outcome.code : outcome.kind);
  }
  return outcome.text;
}

/** Chores by kind. */
export function choreKinds({ chores }: { readonly chores: readonly Chore[] }): string[] {
  return chores.map(({ kind }) => kind);
}

/** A database of which writes can be made to fail. */
export interface FaultyDatabase extends VaultDatabase {
  /** Counts writes from 1; the write with this number rejects. */
  failAt: number;
  writes: number;
}

/** Wraps a database; a failing write stores nothing. */
export function faulty(database: VaultDatabase, failAt = 0): FaultyDatabase {
  const wrapped: FaultyDatabase = {
    ...database,
    failAt,
    writes: 0,
    write(changes) {
      wrapped.writes += 1;
      if (wrapped.writes === wrapped.failAt) return Promise.reject(new Error('disk full'));
      return database.write(changes);
    },
  };
  return wrapped;
}
