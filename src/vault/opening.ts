// Opens the database of the vault and its key, and seals it anew under another one: the parts of db.ts that know where it may lie and in
// which state.
import { deleteDB, openDB, type IDBPDatabase } from 'idb';
import type { Random } from '../omemo/types';
import { VaultError } from '../rpc/errors';
import { assertNoTrace, chooseKey, copyBefore, takeCare, type Care, type Fit } from './care';
import type { Change } from './database';
import { recordFor } from './key-copy';
import {
  DATABASE_VERSION,
  HELD_STORE,
  migrate,
  VAULT_KEY_NAME,
  VAULT_KEY_STORE,
  wasInClear,
} from './migrate';
import { noteRestored } from './notices';
import { isKeyOfRecord, isPassphraseRecord, passphraseRecordFrom } from './passphrase';
import { reseal, type Keyed } from './rekey';
import type { Place } from './salvage';
import { createSealer, PART_LENGTH, VAULT_KEY_LENGTH, type Opened, type Sealer } from './seal';
import type { CopyArea } from './second-copy';
import { STORE_NAMES, type StoreName } from './stores';
import { openVaultKey } from './vault-key';

/** The database, and the key it is sealed with. */
export interface Open extends Keyed {
  readonly db: IDBPDatabase;
  /** Absent where there is no second copy. */
  readonly care?: Care;
}

/** The open database, before its key is. */
export interface Connection {
  readonly db: IDBPDatabase;
  /** It lay in clear until now. */
  readonly isCleared: boolean;
}

/** What a vault is opened with. */
export interface Means {
  readonly name: string;
  /** Where the second copy lies. */
  readonly area: CopyArea | undefined;
  /** The key of an unlocked vault, if it was kept. */
  load(): Promise<Uint8Array | undefined>;
}

/** From the browser. */
export const random: Random = (length) => crypto.getRandomValues(new Uint8Array(length));

/** In a form that IndexedDB takes as a key. */
export function keyFrom(name: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(name);
}

/** All names that begin with this one and go on; undefined: all there are. */
export function rangeOf(name: Uint8Array): IDBKeyRange | undefined {
  if (name.length === 0) return undefined;
  // Behind all that begin so: no further part is nothing but ones.
  const end = new Uint8Array(name.length + PART_LENGTH).fill(0xff);
  end.set(name);
  return IDBKeyRange.bound(keyFrom(name), end, true, true);
}

/** Those of `range` behind a name. */
export function rangeBehind(
  range: IDBKeyRange | undefined,
  after: Uint8Array | undefined,
): IDBKeyRange | undefined {
  if (after === undefined) return range;
  return range === undefined
    ? IDBKeyRange.lowerBound(keyFrom(after), true)
    : IDBKeyRange.bound(keyFrom(after), range.upper, true, true);
}

/** Each record was stored under a name this vault made: bytes. */
export function openStored(
  sealer: Sealer,
  store: StoreName,
  name: IDBValidKey,
  value: unknown,
): Opened {
  if (!(name instanceof ArrayBuffer)) throw new VaultError('damaged');
  return sealer.open(store, new Uint8Array(name), value);
}

/** Undefined for what does not open. */
export function tryOpen(...place: Parameters<typeof openStored>): Opened | undefined {
  try {
    return openStored(...place);
  } catch (error) {
    if (error instanceof VaultError) return undefined;
    throw error;
  }
}

/**
 * Is this the key of what lies here. Under another one no record would be found by its name, and a new identity be made where there
 * is one (M78). One record is enough to tell; where the first of a store is damaged, that of another may do.
 */
async function fitOf(db: IDBPDatabase, sealer: Sealer): Promise<Fit> {
  let isEmpty = true;
  for (const store of STORE_NAMES) {
    const first = await db.transaction(store, 'readonly').store.openCursor();
    if (first === null) continue;
    if (tryOpen(sealer, store, first.key, first.value) !== undefined) return 'fits';
    isEmpty = false;
  }
  return isEmpty ? 'empty' : 'foreign';
}

/** A table in LevelDB for each, and from the fourth on they are merged. */
const SCRATCH_DATABASES = 5;

/**
 * Has the browser take what was deleted out of its files. Chromium's LevelDB drops it only when tables are merged, and makes a table each
 * time a database is deleted (measured, Chromium 156; tests/e2e/at-rest.test.ts).
 */
export async function tidyFiles(name: string): Promise<void> {
  const scratch = `${name}-scratch`;
  for (let made = 0; made < SCRATCH_DATABASES; made++) {
    (await openDB(scratch, 1)).close();
    await deleteDB(scratch);
  }
}

/** Writes in one transaction: all of it or nothing. */
export async function commit(
  { db, sealer }: Pick<Open, 'db' | 'sealer'>,
  changes: readonly Change[],
  dropped: readonly Place[] = [],
): Promise<void> {
  const sealed = changes.map(({ store, key, value }) => ({
    store,
    ...(value === undefined
      ? { name: sealer.nameOf(store, key), bytes: undefined }
      : sealer.seal(store, key, value)),
  }));
  const gone = dropped.map((place) => ({ ...place, bytes: undefined }));
  const stores = [...new Set([...changes, ...dropped].map(({ store }) => store))];
  if (stores.length === 0) return;
  const transaction = db.transaction(stores, 'readwrite', { durability: 'strict' });
  const puts: Promise<unknown>[] = [];
  try {
    for (const { store, name, bytes } of [...sealed, ...gone]) {
      const target = transaction.objectStore(store);
      const key = keyFrom(name);
      puts.push(bytes === undefined ? target.delete(key) : target.put(bytes, key));
    }
  } catch (error) {
    // What was put before would still be committed.
    transaction.abort();
    await Promise.allSettled([...puts, transaction.done]);
    throw error;
  }
  await Promise.all([...puts, transaction.done]);
}

/**
 * Opens the database. A key is made ready for the case that there is none, before any transaction: WebCrypto cannot be awaited in one. It
 * is that of the second copy, if there is one.
 */
export async function connect(
  { name, area, load }: Means,
  forget: () => void,
): Promise<Connection> {
  const copy = await copyBefore(area, load);
  const ready = copy?.vaultKey ?? random(VAULT_KEY_LENGTH);
  const keyRecord = await recordFor(ready, copy?.keyItem);
  const seal = { keyRecord, sealer: createSealer(ready, random) };
  let isCleared = false;
  let trace: unknown;
  const db = await openDB(name, DATABASE_VERSION, {
    upgrade(upgraded, before, _after, transaction) {
      isCleared = wasInClear(before);
      // Told by the rejection of `openDB`.
      transaction.done.catch(() => undefined);
      const upgrade = {
        createObjectStore: (store: string) => upgraded.createObjectStore(store),
        deleteObjectStore: (store: string) => upgraded.deleteObjectStore(store),
        objectStore: (store: string) => transaction.objectStore(store),
      };
      const run = async (): Promise<void> => {
        if (before === 0) assertNoTrace(copy);
        await migrate(upgrade, before, seal);
      };
      // What is half done would be committed otherwise.
      run()
        .catch((error: unknown) => {
          trace = error;
          transaction.abort();
        })
        // The browser may have been first.
        .catch(() => undefined);
    },
    // A newer version of the extension wants to upgrade: let go, the next request opens again.
    blocking(_current, _next, event) {
      if (event.target instanceof IDBDatabase) event.target.close();
      forget();
    },
    terminated: forget,
  }).catch((error: unknown) => {
    throw trace instanceof VaultError ? trace : error;
  });
  return { db, isCleared };
}

/**
 * What is stored as the key of the vault; undefined if it is not there or does not open.
 * @throws VaultError `locked`
 */
async function storedKey(db: IDBPDatabase, { load }: Means): Promise<Uint8Array | undefined> {
  const stored: unknown = await db.get(VAULT_KEY_STORE, VAULT_KEY_NAME);
  try {
    if (!isPassphraseRecord(stored)) return await openVaultKey(stored);
    const record = passphraseRecordFrom(stored);
    const kept = await load();
    // Another one: the worker died between a new passphrase and keeping its key.
    if (kept === undefined || !isKeyOfRecord(record, kept)) throw new VaultError('locked');
    return kept;
  } catch (error) {
    if (error instanceof VaultError && error.code === 'damaged') return undefined;
    throw error;
  }
}

/** Brings the second copy in line with an open vault, and back what it makes up for. */
async function cared(
  opened: Keyed & { readonly db: IDBPDatabase },
  { area }: Means,
): Promise<Open> {
  if (area === undefined) return opened;
  const { db } = opened;
  const write = (changes: readonly Change[], dropped: readonly Place[]) =>
    commit(opened, changes, dropped);
  const keyRecord: unknown = await db.get(VAULT_KEY_STORE, VAULT_KEY_NAME);
  const care = await takeCare({ ...opened, area, keyRecord, random, write });
  // What is back is back, whether that can be told or not.
  await noteRestored(area, care.restored).catch(() => undefined);
  return { ...opened, care };
}

/** Opens it. @throws VaultError `locked`, `damaged` */
export async function openSealed({ db, isCleared }: Connection, means: Means): Promise<Open> {
  const own = await storedKey(db, means);
  const fits = (key: Uint8Array) => fitOf(db, createSealer(key, random));
  const copy = await copyBefore(means.area, means.load);
  const vaultKey = await chooseKey(own, copy, fits);
  if (own !== vaultKey)
    await db.put(VAULT_KEY_STORE, await recordFor(vaultKey, copy?.keyItem), VAULT_KEY_NAME);
  // Not needed to go on: files that are not tidied now are so some day.
  if (isCleared) await tidyFiles(means.name).catch(() => undefined);
  return cared({ db, vaultKey, sealer: createSealer(vaultKey, random) }, means);
}

/** Seals all of it with another key, to be opened with this record: all of it or nothing. */
export async function resealAll(
  from: Open,
  to: Keyed,
  record: unknown,
  means: Means,
): Promise<Open> {
  const stores = [...STORE_NAMES, HELD_STORE, VAULT_KEY_STORE];
  const transaction = from.db.transaction(stores, 'readwrite', { durability: 'strict' });
  transaction.done.catch(() => undefined);
  try {
    await reseal(transaction, from, to, record, random);
  } catch (error) {
    try {
      transaction.abort();
    } catch {
      // The browser was first.
    }
    throw error;
  }
  await transaction.done;
  return cared({ ...to, db: from.db }, means);
}
