// The database as the rest of the vault uses it. Reads are single; a write is one transaction over all stores it touches, durable before it
// resolves (design D5). Nothing but IndexedDB is awaited inside a transaction. What lies in it is sealed, and so are its keys (D18). With
// opening.ts it is the only user of IndexedDB.
import { deleteDB } from 'idb';
import { VaultError } from '../rpc/errors';
import { copyBefore } from './care';
import type { KeyPlace, StoredRecord, VaultDatabase } from './database';
import { dropHeld, heldFrames, holdFrame } from './held';
import { VAULT_KEY_NAME, VAULT_KEY_STORE } from './migrate';
import {
  commit,
  connect,
  keyFrom,
  openSealed,
  openStored,
  random,
  rangeBehind,
  rangeOf,
  resealAll,
  tidyFiles,
  tryOpen,
  type Connection,
  type Means,
  type Open,
} from './opening';
import { isPassphraseRecord, passphraseRecordFrom } from './passphrase';
import { createSealer } from './seal';
import { removeCopy, type CopyArea } from './second-copy';
import type { StoreName, Stores } from './stores';

export type {
  Change,
  Condition,
  Database,
  KeptDatabase,
  KeyPlace,
  StoredRecord,
  VaultDatabase,
} from './database';

const NOWHERE: KeyPlace = {
  load: async () => undefined,
  keep: async () => undefined,
  forget: async () => undefined,
};

/** Is it a record of a key as far as one can tell without opening it. */
function isUsable(stored: unknown): boolean {
  if (!isPassphraseRecord(stored)) return Object(stored).v === 1;
  try {
    return passphraseRecordFrom(stored).v === 2;
  } catch {
    return false; // damaged, or cheaper to guess at than allowed
  }
}

function sizeOf(bytes: unknown): number {
  return bytes instanceof Uint8Array || bytes instanceof ArrayBuffer ? bytes.byteLength : 0;
}

/** What the browser throws is told as `storage`. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof VaultError) throw cause;
    throw new VaultError('storage', { cause });
  }
}

/**
 * Opens the database when it is first needed; opens it again after the browser closed it.
 * @param area where the second copy of it lies; left out: there is none
 * @param place where its key outlives the worker; left out: nowhere
 */
export function createDatabase(
  name = 'omnemo',
  area?: CopyArea,
  place: KeyPlace = NOWHERE,
): VaultDatabase {
  let connecting: Promise<Connection> | undefined;
  let opening: Promise<Open> | undefined;
  /** The key that was given, should the place not keep it. */
  let given: Uint8Array | undefined;
  const means: Means = { name, area, load: async () => given ?? place.load() };

  function forget(): void {
    connecting = undefined;
    opening = undefined;
  }

  function connected(): Promise<Connection> {
    connecting ??= connect(means, forget).catch((error: unknown) => {
      forget();
      throw error;
    });
    return connecting;
  }

  function open(): Promise<Open> {
    if (opening !== undefined) return opening;
    const mine = connected()
      .then((connection) => openSealed(connection, means))
      .catch((error: unknown) => {
        if (opening === mine) opening = undefined;
        throw error;
      });
    opening = mine;
    return mine;
  }

  const guarded = <T>(work: (opened: Open) => Promise<T>): Promise<T> =>
    told(async () => work(await open()));

  const isOpen = (): Promise<boolean> =>
    guarded(async () => true).catch((error: unknown) => {
      if (error instanceof VaultError && error.code === 'locked') return false;
      throw error;
    });

  /** As it lies here, or in the copy where nothing is here. */
  const keyRecord = (): Promise<unknown> =>
    told(async (): Promise<unknown> => {
      const copied = async () => (await copyBefore(area, means.load))?.passphraseRecord;
      try {
        const { db } = await connected();
        const stored: unknown = await db.get(VAULT_KEY_STORE, VAULT_KEY_NAME);
        return isUsable(stored) ? stored : ((await copied()) ?? stored);
      } catch (error) {
        if (error instanceof VaultError && error.code === 'locked') return copied();
        throw error;
      }
    });

  async function unlock(vaultKey: Uint8Array, record: unknown): Promise<void> {
    opening = undefined;
    given = vaultKey.slice();
    try {
      const opened = await open();
      // Without it the vault is locked again when the worker ends, and nothing else is.
      await place.keep(vaultKey).catch(() => undefined);
      if (record === undefined) return;
      await opened.db.put(VAULT_KEY_STORE, record, VAULT_KEY_NAME);
      await opened.care?.keepKey(record);
    } catch (error) {
      given = undefined;
      throw error;
    }
  }

  async function rekey(vaultKey: Uint8Array, record: unknown): Promise<void> {
    await open(); // a locked one stays as it is
    const before = open();
    const after = before.then(async (from) =>
      resealAll(from, { vaultKey, sealer: createSealer(vaultKey, random) }, record, means),
    );
    // Whoever asks from now on waits, and goes on with the old key if it comes to nothing.
    opening = after.catch(() => before);
    const { vaultKey: oldKey } = await before;
    await after;
    oldKey.fill(0);
    const isLockable = isPassphraseRecord(record);
    given = isLockable ? vaultKey.slice() : undefined;
    await (isLockable ? place.keep(vaultKey) : place.forget()).catch(() => undefined);
    await tidyFiles(name).catch(() => undefined);
  }

  /** The copy goes first: what is left of the other keeps a new identity away until both are gone. */
  async function discardAll(): Promise<void> {
    if (area !== undefined) await removeCopy(area);
    (await connecting?.catch(() => undefined))?.db.close();
    await deleteDB(name);
    await place.forget();
    given = undefined;
    forget();
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
    forget();
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
        const range = rangeBehind(rangeOf(sealer.prefixNameOf(store, prefix)), after);
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
    isOpen,
    keyRecord,
    unlock: (vaultKey, record) => told(() => unlock(vaultKey, record)),
    rekey: (vaultKey, record) => told(() => rekey(vaultKey, record)),

    lock: () =>
      told(async () => {
        const before = opening;
        opening = undefined;
        given?.fill(0);
        given = undefined;
        await place.forget();
        // Whatever was begun has ended when its transaction has; a sealer keeps what it derived until it is collected.
        (await before?.catch(() => undefined))?.vaultKey.fill(0);
      }),

    hold: (where, frame) =>
      told(async () => {
        if (await isOpen()) throw new VaultError('stale');
        const { db } = await connected();
        const { heldKey } = passphraseRecordFrom(await keyRecord());
        return holdFrame(db, heldKey, where, frame, random);
      }),

    held: (where, now) => guarded(({ db, vaultKey }) => heldFrames(db, vaultKey, where, now)),

    dropHeld: (where, ids) => guarded(({ db, vaultKey }) => dropHeld(db, vaultKey, where, ids)),
  };
}
