// Restores a backup in three steps: the whole file is read and checked, the user sees what it would change, and then it is read again for
// its texts and the rest is written at once. Nothing is changed before the whole of it was found good (M85).
import { equalBytes, toHex } from '../../crypto/bytes';
import { VaultError } from '../../rpc/errors';
import type { RestoreReview } from '../../rpc/backup-api';
import { lockOf, scopedKey, type Context, type Scope } from '../context';
import { keyOf } from '../names';
import { keptSince } from '../retention';
import { SITES_LOCK } from '../sites';
import type { Transactions, Unit } from '../transaction';
import { checkIdentities, createCollector, type Collected, type ScopedText } from './collect';
import { planRestore, restoredAccounts } from './plan';

/** A backup that is being restored. Each step throws VaultError `stale` out of its order. */
export interface Restoration {
  read(bytes: Uint8Array, isLast: boolean): void;
  review(): Promise<RestoreReview>;
  addTexts(bytes: Uint8Array, isLast: boolean): Promise<AddedTexts>;
  /** @returns the origins whose pages have to begin anew. */
  apply(): Promise<readonly string[]>;
}

function stale(): never {
  throw new VaultError('stale');
}

/** A unit that stages nothing. */
function looking(context: Context): Unit {
  return {
    get: (store, key) => context.database.get(store, key),
    put: () => undefined,
    remove: () => undefined,
  };
}

/** One step under several locks, taken in one order by everybody who takes more than one. */
function underAll<T>(
  transactions: Transactions,
  locks: readonly string[],
  step: (unit: Unit) => Promise<T>,
): Promise<T> {
  const [first = SITES_LOCK, ...others] = [...new Set(locks)].sort();
  return others.length === 0
    ? transactions.run(first, step)
    : transactions.run(first, () => underAll(transactions, others, step));
}

/** Texts that are there now and were not, and those that are older than what is kept here. */
export interface AddedTexts {
  readonly texts: number;
  readonly left: number;
}

async function addTexts(context: Context, texts: readonly ScopedText[]): Promise<AddedTexts> {
  const byAccount = new Map<string, { scope: Scope; texts: ScopedText[] }>();
  for (const text of texts) {
    const { origin, jid } = text;
    const key = keyOf(origin, jid);
    const known = byAccount.get(key) ?? { scope: { origin, jid }, texts: [] };
    known.texts.push(text);
    byAccount.set(key, known);
  }
  let added = 0;
  let left = 0;
  for (const { scope, texts: ofAccount } of byAccount.values()) {
    await context.transactions.run(lockOf(scope), async (unit) => {
      const keys = ofAccount.map(({ digest }) => scopedKey(scope, toHex(digest)));
      const here = await Promise.all(keys.map((key) => unit.get('archive', key)));
      const horizons = new Map<string, number>();
      for (const [index, { peer, at, text, identityKey }] of ofAccount.entries()) {
        const key = keys[index];
        if (key === undefined || here[index] !== undefined) continue;
        const since = horizons.get(peer) ?? (await keptSince(unit, scope, peer, context.now()));
        horizons.set(peer, since);
        if (at < since) {
          if (text !== undefined) left += 1;
          continue;
        }
        unit.put('archive', key, {
          v: 1,
          peer,
          at,
          ...(text !== undefined && { text }),
          ...(identityKey !== undefined && { identityKey }),
        });
        if (text !== undefined) added += 1;
      }
    });
  }
  return { texts: added, left };
}

/**
 * Begins to restore a backup.
 * @param secret 16 bytes, those of its code
 */
export function createRestoration(context: Context, secret: Uint8Array): Restoration {
  let state: 'reading' | 'read' | 'adding' | 'added' | 'failed' = 'reading';
  const first = createCollector(secret);
  let second = createCollector(secret);
  let collected: Collected | undefined;
  let reviewed: string | undefined;

  function held(): Collected {
    return collected ?? stale();
  }

  /** Once a step has failed none of the later ones is to be taken. */
  function orFail<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      state = 'failed';
      throw error;
    }
  }

  /** A file of another backup under the same code would be another file. */
  function requireSame(): void {
    const [one, other] = [first.salt(), second.salt()];
    if (one !== undefined && other !== undefined && !equalBytes(one, other))
      throw new VaultError('bad-backup');
  }

  return {
    read(bytes, isLast) {
      if (state !== 'reading') stale();
      orFail(() => {
        first.read(bytes, isLast);
        if (!isLast) return;
        collected = first.collected();
        state = 'read';
      });
    },

    async review() {
      if (state === 'reading' || state === 'failed') stale();
      await checkIdentities(held().accounts).catch((error: unknown) => {
        state = 'failed';
        throw error;
      });
      const review = await planRestore(context, looking(context), held());
      reviewed = JSON.stringify(review);
      return review;
    },

    async addTexts(bytes, isLast) {
      if (reviewed === undefined || (state !== 'read' && state !== 'adding')) stale();
      state = 'adding';
      const texts = orFail(() => {
        const found = second.read(bytes, isLast);
        requireSame();
        return found;
      });
      const added = await addTexts(context, texts);
      if (isLast) state = 'added';
      return added;
    },

    async apply() {
      if (state !== 'added') stale();
      const { accounts } = held();
      const locks = [SITES_LOCK, ...accounts.map(lockOf)];
      const made = await restoredAccounts(context, held());
      const review = await underAll(context.transactions, locks, async (unit) => {
        const now = await planRestore(context, unit, held(), made);
        // Something has changed since the user looked.
        if (JSON.stringify(now) !== reviewed) stale();
        return now;
      });
      state = 'failed';
      second = createCollector(secret);
      const begun = review.identities.filter(({ kind }) => kind !== 'same');
      return [...new Set(begun.map(({ origin }) => origin))];
    },
  };
}
