// A vault that dies or whose disk is full at a chosen moment (M72, M77). Between two operations on the database nothing is
// kept, so that dying before each of them is dying at every await.
import type { BareJid } from '../../src/jid';
import { VaultError } from '../../src/rpc/errors';
import { contentHandlers, type ContentHandlers } from '../../src/vault/content-handlers';
import { createDatabase, type VaultDatabase } from '../../src/vault/db';
import { createPresence } from '../../src/vault/presence';
import { contextOver, ORIGIN, type Person } from './world';

/** What happens: to the operation with this number, or to the write with this number, both from 1. */
export type Fault =
  | { readonly kind: 'none' }
  | { readonly kind: 'dies before'; readonly operation: number }
  | { readonly kind: 'dies after'; readonly write: number }
  | { readonly kind: 'is full'; readonly write: number };

const DEATH = new Error('the worker is gone');

interface Mortal {
  readonly database: VaultDatabase;
  readonly counts: { operations: number; writes: number };
  /** Rejects with DEATH. */
  readonly death: Promise<never>;
}

/** The database as a worker has it that meets the fault: once dead it neither does nor answers anything. */
function mortal(database: VaultDatabase, fault: Fault): Mortal {
  const counts = { operations: 0, writes: 0 };
  let reject: (reason: Error) => void = () => undefined;
  const death = new Promise<never>((_resolve, rejects) => {
    reject = rejects;
  });
  death.catch(() => undefined);
  const never = new Promise<never>(() => undefined);
  let isDead = false;

  function die(): Promise<never> {
    isDead = true;
    reject(DEATH);
    return never;
  }

  async function operate<T>(work: () => Promise<T>): Promise<T> {
    counts.operations += 1;
    if (isDead) return never;
    if (fault.kind === 'dies before' && fault.operation === counts.operations) return die();
    return work();
  }

  return {
    counts,
    death,
    database: {
      ...database,
      get: (store, key) => operate(() => database.get(store, key)),
      list: (store, prefix) => operate(() => database.list(store, prefix)),
      each: (store, visit) => operate(() => database.each(store, visit)),
      page: (store, prefix, count, after) =>
        operate(() => database.page(store, prefix, count, after)),
      write: (changes) =>
        operate(async () => {
          if (changes.length === 0) return;
          counts.writes += 1;
          const isHit = 'write' in fault && fault.write === counts.writes;
          if (isHit && fault.kind === 'is full') {
            throw new VaultError('storage', { cause: new DOMException('', 'QuotaExceededError') });
          }
          await database.write(changes);
          if (isHit) await die();
        }),
    },
  };
}

/** A person's vault as their page has it: asked again after it died or could not store. */
export interface Victim {
  readonly jid: BareJid;
  ask<T>(request: (handlers: ContentHandlers) => Promise<T>): Promise<T>;
  /** Operations and writes so far, of the worker that is to meet the fault. */
  readonly counts: { readonly operations: number; readonly writes: number };
  /** How often it died or could not store. */
  readonly faults: number;
}

/** The document all requests come from. */
export const DOCUMENT = { origin: ORIGIN, tabId: 5, portId: 1 };

/** Lets a person's vault meet a fault. */
export function victim(of: Pick<Person, 'name' | 'scope' | 'clock'>, fault: Fault): Victim {
  const nothing = (): void => undefined;
  const handlersOver = (database: VaultDatabase, seed: string): ContentHandlers =>
    contentHandlers(
      contextOver(database, { seed, clock: of.clock }),
      createPresence(nothing, nothing),
    );
  const first = mortal(createDatabase(of.name), fault);
  let handlers = handlersOver(first.database, 'first life');
  let faults = 0;
  return {
    jid: of.scope.jid,
    counts: first.counts,
    get faults() {
      return faults;
    },
    async ask(request) {
      if (faults > 0) return request(handlers);
      try {
        return await Promise.race([request(handlers), first.death]);
      } catch (error) {
        const isFull = error instanceof VaultError && error.code === 'storage';
        if (!isFull && error !== DEATH) throw error;
        faults += 1;
        if (error === DEATH) handlers = handlersOver(createDatabase(of.name), 'second life');
        return request(handlers);
      }
    },
  };
}
