// One request, one commit: a step reads what it needs, stages what it changes and throws to keep everything as it was.
// Steps of one account never overlap, because each is read-compute-write over the same records.
import type { Change, Database } from './db';
import type { StoreName, Stores } from './stores';

/** What a step works on; reads see what it has staged. */
export interface Unit {
  get<S extends StoreName>(store: S, key: string): Promise<Stores[S] | undefined>;
  put<S extends StoreName>(store: S, key: string, value: Stores[S]): void;
  remove(store: StoreName, key: string): void;
}

/** Runs steps; those of one lock one after the other. */
export interface Transactions {
  /** Commits what `step` staged and then returns its result. @throws what `step` throws; VaultError `storage`. */
  run<T>(lock: string, step: (unit: Unit) => Promise<T>): Promise<T>;
}

/** Transactions over a database. */
export function createTransactions(database: Database): Transactions {
  const tails = new Map<string, Promise<unknown>>();

  async function execute<T>(step: (unit: Unit) => Promise<T>): Promise<T> {
    const staged = new Map<string, Change>();
    const nameOf = (store: StoreName, key: string): string => `${store}\n${key}`;
    const unit: Unit = {
      async get<S extends StoreName>(store: S, key: string) {
        const change = staged.get(nameOf(store, key));
        // Staged under this store's name, so it is this store's record.
        if (change !== undefined) return change.value as Stores[S] | undefined;
        return database.get(store, key);
      },
      put(store, key, value) {
        staged.set(nameOf(store, key), { store, key, value } as Change);
      },
      remove(store, key) {
        staged.set(nameOf(store, key), { store, key } as Change);
      },
    };
    const result = await step(unit);
    await database.write([...staged.values()]);
    return result;
  }

  return {
    run(lock, step) {
      const before = tails.get(lock) ?? Promise.resolve();
      const running = before.then(() => execute(step));
      const tail = running.catch(() => undefined);
      tails.set(lock, tail);
      void tail.then(() => {
        if (tails.get(lock) === tail) tails.delete(lock);
      });
      return running;
    },
  };
}
