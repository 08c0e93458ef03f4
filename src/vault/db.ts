// The only user of IndexedDB. Reads are single; a write is one transaction over all stores it touches, durable before it
// resolves (design D5). Nothing but IndexedDB is awaited inside a transaction. What lies in it is sealed, and so are its keys (D18).
import { deleteDB, openDB, type IDBPDatabase } from 'idb';
import type { Random } from '../omemo/types';
import { VaultError } from '../rpc/errors';
import { DATABASE_VERSION, migrate, VAULT_KEY_NAME, VAULT_KEY_STORE } from './migrate';
import { assertNoTrace, chooseKey, copyBefore, takeCare, type Care, type Fit } from './care';
import { noteRestored } from './notices';
import type { Place } from './salvage';
import { createSealer, PART_LENGTH, VAULT_KEY_LENGTH, type Opened, type Sealer } from './seal';
import { removeCopy, type CopyArea } from './second-copy';
import { STORE_NAMES, type StoreName, type Stores } from './stores';
import { newVaultKey, openVaultKey } from './vault-key';

/** One change of a write. */
export type Change = {
  [S in StoreName]:
    | { readonly store: S; readonly key: string; readonly value: Stores[S] }
    | { readonly store: S; readonly key: string; readonly value?: never };
}[StoreName];

/**
 * The database as the rest of the vault sees it. All methods throw VaultError: `storage` when the browser fails, `damaged` when
 * what lies there is not what the vault has stored. Nothing was changed then.
 */
export interface Database {
  get<S extends StoreName>(store: S, key: string): Promise<Stores[S] | undefined>;
  /** Records whose key starts with `prefix`, nothing or whole parts, in the order of their keys. */
  list<S extends StoreName>(store: S, prefix: string): Promise<readonly Stores[S][]>;
  /** Shows every record of a store, one after the other and in no order. `visit` waits for nothing. */
  each<S extends StoreName>(
    store: S,
    visit: (key: string, value: Stores[S]) => void,
  ): Promise<void>;
  /**
   * At most `count` records whose key starts with `prefix`, in the order of their names on disk, those behind `after`. What is damaged is
   * left out and counted.
   */
  page<S extends StoreName>(
    store: S,
    prefix: string,
    count: number,
    after?: Uint8Array,
  ): Promise<Page<S>>;
  write(changes: readonly Change[]): Promise<void>;
}

/** A part of a store. */
export interface Page<S extends StoreName> {
  readonly records: readonly StoredRecord<S>[];
  readonly damaged: number;
  /** The name of the last one, if there may be more. */
  readonly last?: Uint8Array;
}

/** A record with its size on disk, in bytes. */
export interface StoredRecord<S extends StoreName> {
  readonly key: string;
  readonly value: Stores[S];
  readonly size: number;
}

/** The database as it is kept whole: for the start and for the user's decisions. */
export interface KeptDatabase extends Database {
  /** How it stands. Opens it. */
  condition(): Promise<Condition>;
  /** Gives up what cannot be read: all of it where nothing opens, else the records that do not. For the user to decide. */
  discard(): Promise<void>;
}

/** `lost`: it does not open at all. `partly`: so many records that nothing makes up for; other work goes on. */
export type Condition =
  | { readonly kind: 'sound' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'partly'; readonly unreadable: number };

/** The database, and the key it is sealed with. */
interface Open {
  readonly db: IDBPDatabase;
  readonly sealer: Sealer;
  /** Absent where there is no second copy. */
  readonly care?: Care;
}

const random: Random = (length) => crypto.getRandomValues(new Uint8Array(length));

/** In a form that IndexedDB takes as a key. */
function keyFrom(name: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(name);
}

/** All names that begin with this one and go on; undefined: all there are. */
function rangeOf(name: Uint8Array): IDBKeyRange | undefined {
  if (name.length === 0) return undefined;
  // Behind all that begin so: no further part is nothing but ones.
  const end = new Uint8Array(name.length + PART_LENGTH).fill(0xff);
  end.set(name);
  return IDBKeyRange.bound(keyFrom(name), end, true, true);
}

/** Each record was stored under a name this vault made: bytes. */
function openStored(sealer: Sealer, store: StoreName, name: IDBValidKey, value: unknown): Opened {
  if (!(name instanceof ArrayBuffer)) throw new VaultError('damaged');
  return sealer.open(store, new Uint8Array(name), value);
}

function sizeOf(bytes: unknown): number {
  return bytes instanceof Uint8Array || bytes instanceof ArrayBuffer ? bytes.byteLength : 0;
}

/** Those of `range` behind a name. */
function behind(range: IDBKeyRange | undefined, after: Uint8Array | undefined) {
  if (after === undefined) return range;
  return range === undefined
    ? IDBKeyRange.lowerBound(keyFrom(after), true)
    : IDBKeyRange.bound(keyFrom(after), range.upper, true, true);
}

/** Undefined for what does not open. */
function tryOpen(...place: Parameters<typeof openStored>): Opened | undefined {
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
async function tidyFiles(name: string): Promise<void> {
  const scratch = `${name}-scratch`;
  for (let made = 0; made < SCRATCH_DATABASES; made++) {
    (await openDB(scratch, 1)).close();
    await deleteDB(scratch);
  }
}

/** Writes in one transaction: all of it or nothing. */
async function commit(
  { db, sealer }: Open,
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

/** What is stored as the key of the vault; undefined if it is not there or does not open. */
async function storedKey(db: IDBPDatabase): Promise<Uint8Array | undefined> {
  try {
    return await openVaultKey(await db.get(VAULT_KEY_STORE, VAULT_KEY_NAME));
  } catch (error) {
    if (error instanceof VaultError && error.code === 'damaged') return undefined;
    throw error;
  }
}

/**
 * Opens the database and its key. A key is made ready for the case that there is none, before any transaction: WebCrypto cannot be
 * awaited in one. It is that of the second copy, if there is one.
 */
async function openSealed(
  name: string,
  area: CopyArea | undefined,
  forget: () => void,
): Promise<Open> {
  const copy = await copyBefore(area);
  const ready = copy?.vaultKey ?? random(VAULT_KEY_LENGTH);
  const { record: keyRecord } = await newVaultKey(() => ready);
  const seal = { keyRecord, sealer: createSealer(ready, random) };
  let wasInClear = false;
  let trace: unknown;
  const db = await openDB(name, DATABASE_VERSION, {
    upgrade(upgraded, before, _after, transaction) {
      wasInClear = before > 0;
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
  try {
    const own = await storedKey(db);
    const fits = (key: Uint8Array) => fitOf(db, createSealer(key, random));
    const vaultKey = await chooseKey(own, copy, fits);
    if (own !== vaultKey) {
      const { record } = await newVaultKey(() => vaultKey);
      await db.put(VAULT_KEY_STORE, record, VAULT_KEY_NAME);
    }
    const sealer = createSealer(vaultKey, random);
    // Not needed to go on: files that are not tidied now are so some day.
    if (wasInClear) await tidyFiles(name).catch(() => undefined);
    if (area === undefined) return { db, sealer };
    const write = (changes: readonly Change[], dropped: readonly Place[]) =>
      commit({ db, sealer }, changes, dropped);
    const care = await takeCare({ db, area, vaultKey, sealer, random, write });
    // What is back is back, whether that can be told or not.
    await noteRestored(area, care.restored).catch(() => undefined);
    return { db, sealer, care };
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Opens the database when it is first needed; opens it again after the browser closed it.
 * @param area where the second copy of it lies; left out: there is none
 */
export function createDatabase(name = 'omnemo', area?: CopyArea): KeptDatabase {
  let opening: Promise<Open> | undefined;

  function open(): Promise<Open> {
    const forget = (): void => {
      opening = undefined;
    };
    opening ??= openSealed(name, area, forget).catch((error: unknown) => {
      forget();
      throw error;
    });
    return opening;
  }

  async function guarded<T>(work: (opened: Open) => Promise<T>): Promise<T> {
    try {
      return await work(await open());
    } catch (cause) {
      if (cause instanceof VaultError) throw cause;
      throw new VaultError('storage', { cause });
    }
  }

  /** The copy goes first: what is left of the other keeps a new identity away until both are gone. */
  async function discardAll(): Promise<void> {
    if (area !== undefined) await removeCopy(area);
    await deleteDB(name);
    opening = undefined;
  }

  async function discard(): Promise<void> {
    let opened: Open;
    try {
      opened = await open();
    } catch (cause) {
      if (cause instanceof VaultError && cause.code === 'damaged') return discardAll();
      throw cause instanceof VaultError ? cause : new VaultError('storage', { cause });
    }
    if (opened.care === undefined) return;
    const { lost, lostItems } = opened.care.salvage;
    await area?.remove([...lostItems]);
    await commit(opened, [], lost);
    opened.db.close();
    opening = undefined;
  }

  return {
    get: <S extends StoreName>(store: S, key: string) =>
      guarded(async ({ db, sealer }) => {
        const name = keyFrom(sealer.nameOf(store, key));
        const sealed: unknown = await db.get(store, name);
        if (sealed === undefined) return undefined;
        // What was sealed for a store was a record of it.
        return sealer.open(store, name, sealed).value as Stores[S];
      }),

    list: <S extends StoreName>(store: S, prefix: string) =>
      guarded(async ({ db, sealer }) => {
        const range = rangeOf(sealer.prefixNameOf(store, prefix));
        const transaction = db.transaction(store, 'readonly');
        const [names, values] = await Promise.all([
          transaction.store.getAllKeys(range),
          transaction.store.getAll(range),
        ]);
        const opened = names.map((name, index) => openStored(sealer, store, name, values[index]));
        opened.sort((a, b) => (a.key < b.key ? -1 : 1));
        return opened.map(({ value }) => value as Stores[S]);
      }),

    each: <S extends StoreName>(store: S, visit: (key: string, value: Stores[S]) => void) =>
      guarded(async ({ db, sealer }) => {
        const { store: stored } = db.transaction(store, 'readonly');
        for (let at = await stored.openCursor(); at !== null; at = await at.continue()) {
          const { key, value } = openStored(sealer, store, at.key, at.value);
          visit(key, value as Stores[S]);
        }
      }),

    page: <S extends StoreName>(store: S, prefix: string, count: number, after?: Uint8Array) =>
      guarded(async ({ db, sealer }) => {
        const range = behind(rangeOf(sealer.prefixNameOf(store, prefix)), after);
        const transaction = db.transaction(store, 'readonly');
        const [names, values] = await Promise.all([
          transaction.store.getAllKeys(range, count),
          transaction.store.getAll(range, count),
        ]);
        const records: StoredRecord<S>[] = [];
        for (const [index, name] of names.entries()) {
          const sealed: unknown = values[index];
          const opened = tryOpen(sealer, store, name, sealed);
          if (opened === undefined) continue;
          const { key, value } = opened;
          records.push({ key, value: value as Stores[S], size: sizeOf(name) + sizeOf(sealed) });
        }
        const last = names.at(-1);
        return {
          records,
          damaged: names.length - records.length,
          ...(last instanceof ArrayBuffer &&
            names.length === count && { last: new Uint8Array(last) }),
        };
      }),

    write: (changes) =>
      guarded(async (opened) => {
        const { db, sealer, care } = opened;
        await care?.assertNoOther(changes, async (account) => {
          const name = keyFrom(sealer.nameOf('accounts', account));
          return (await db.getKey('accounts', name)) !== undefined;
        });
        await commit(opened, changes);
        await care?.follow(changes);
      }),

    async condition() {
      try {
        const { care } = await open();
        const unreadable = care?.unreadable ?? 0;
        return unreadable === 0 ? { kind: 'sound' } : { kind: 'partly', unreadable };
      } catch (cause) {
        if (cause instanceof VaultError && cause.code === 'damaged') return { kind: 'lost' };
        throw cause instanceof VaultError ? cause : new VaultError('storage', { cause });
      }
    },

    discard: () => discard(),
  };
}
