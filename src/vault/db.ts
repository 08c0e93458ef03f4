// The only user of IndexedDB. Reads are single; a write is one transaction over all stores it touches, durable before it
// resolves (design D5). Nothing but IndexedDB is awaited inside a transaction.
import { openDB, type IDBPDatabase } from 'idb';
import { VaultError } from '../rpc/errors';
import { DATABASE_VERSION, migrate } from './migrate';
import type {
  AccountRecord,
  ArchiveRecord,
  PeerRecord,
  RequestRecord,
  SessionsRecord,
  SiteRecord,
  StreamRecord,
} from './records';

/** Records by store. */
export interface Stores {
  sites: SiteRecord;
  accounts: AccountRecord;
  peers: PeerRecord;
  sessions: SessionsRecord;
  archive: ArchiveRecord;
  requests: RequestRecord;
  streams: StreamRecord;
}

export type StoreName = keyof Stores;

const STORE_NAMES: readonly StoreName[] = [
  'sites',
  'accounts',
  'peers',
  'sessions',
  'archive',
  'requests',
  'streams',
];

/** One change of a write. */
export type Change = {
  [S in StoreName]:
    | { readonly store: S; readonly key: string; readonly value: Stores[S] }
    | { readonly store: S; readonly key: string; readonly value?: never };
}[StoreName];

/** The database as the rest of the vault sees it. All methods throw VaultError `storage`. */
export interface Database {
  get<S extends StoreName>(store: S, key: string): Promise<Stores[S] | undefined>;
  /** Records whose key starts with `prefix`, in key order. */
  list<S extends StoreName>(store: S, prefix: string): Promise<readonly Stores[S][]>;
  keys(store: StoreName, prefix: string): Promise<readonly string[]>;
  write(changes: readonly Change[]): Promise<void>;
}

/** Separates the parts of a key; neither origins nor prepared JIDs can hold it. */
const SEPARATOR = '\n';

/** A key of parts, ordered by them. The last part may hold anything. */
export function keyOf(...parts: readonly string[]): string {
  return parts.join(SEPARATOR);
}

/** All keys that start with these parts and go on. */
export function prefixOf(...parts: readonly string[]): string {
  return `${parts.join(SEPARATOR)}${SEPARATOR}`;
}

function rangeOf(prefix: string): IDBKeyRange {
  return IDBKeyRange.bound(prefix, `${prefix}\uffff`);
}

/** Opens the database when it is first needed; opens it again after the browser closed it. */
export function createDatabase(name = 'omnemo'): Database {
  let opening: Promise<IDBPDatabase> | undefined;

  function open(): Promise<IDBPDatabase> {
    const forget = (): void => {
      opening = undefined;
    };
    opening ??= openDB(name, DATABASE_VERSION, {
      async upgrade(db, before, _after, transaction) {
        if (before === 0) for (const store of STORE_NAMES) db.createObjectStore(store);
        else await migrate(transaction, before);
      },
      // A newer version of the extension wants to upgrade: let go, the next request opens again.
      blocking(_current, _next, event) {
        if (event.target instanceof IDBDatabase) event.target.close();
        forget();
      },
      terminated: forget,
    }).catch((error: unknown) => {
      forget();
      throw error;
    });
    return opening;
  }

  async function guarded<T>(work: (db: IDBPDatabase) => Promise<T>): Promise<T> {
    try {
      return await work(await open());
    } catch (cause) {
      throw new VaultError('storage', { cause });
    }
  }

  return {
    get: (store, key) => guarded((db) => db.get(store, key)),
    list: (store, prefix) => guarded((db) => db.getAll(store, rangeOf(prefix))),
    keys: (store, prefix) =>
      guarded(async (db) => {
        const keys = await db.getAllKeys(store, rangeOf(prefix));
        return keys.filter((key) => typeof key === 'string');
      }),
    write: (changes) =>
      guarded(async (db) => {
        const stores = [...new Set(changes.map(({ store }) => store))];
        if (stores.length === 0) return;
        const transaction = db.transaction(stores, 'readwrite', { durability: 'strict' });
        const puts: Promise<unknown>[] = [];
        try {
          for (const { store, key, value } of changes) {
            const target = transaction.objectStore(store);
            puts.push(value === undefined ? target.delete(key) : target.put(value, key));
          }
        } catch (error) {
          // A value that cannot be cloned throws at once, and what was put before it would still be committed.
          transaction.abort();
          await Promise.allSettled([...puts, transaction.done]);
          throw error;
        }
        await Promise.all([...puts, transaction.done]);
      }),
  };
}
