// What the second copy means for opening the database: which key fits, what comes back, and what the user is told (M78).
import { equalBytes } from '../crypto/bytes';
import type { Random } from '../omemo/types';
import { VaultError } from '../rpc/errors';
import type { Change } from './db';
import { isSameKeyCopy, keyCopyOf } from './key-copy';
import {
  CHECKED_STORES,
  hidesIdentity,
  planSalvage,
  type Place,
  type Salvage,
  type Stored,
} from './salvage';
import type { Sealer } from './seal';
import { createSecondCopy, findCopy, type CopyArea, type FoundCopy } from './second-copy';

/** A copy of which nothing is there. */
const NO_COPY: FoundCopy = { records: new Map(), unreadable: [], isEmpty: true };

/** The copy before the database is opened; undefined: it could not be read. Without an area there is none. */
export async function copyBefore(
  area: CopyArea | undefined,
  load: () => Promise<Uint8Array | undefined>,
): Promise<FoundCopy | undefined> {
  if (area === undefined) return NO_COPY;
  return findCopy(area, await load()).catch(() => undefined);
}

/**
 * May a database be made where there is none.
 * @throws VaultError `damaged` if a copy is there that does not open, `locked` if it needs the passphrase, `storage` if nobody can say.
 */
export function assertNoTrace(copy: FoundCopy | undefined): void {
  if (copy === undefined) throw new VaultError('storage');
  if (isLockedCopy(copy)) throw new VaultError('locked');
  if (!copy.isEmpty && copy.vaultKey === undefined) throw new VaultError('damaged');
}

/** Is there a passphrase that opens it, and was not given. */
function isLockedCopy(copy: FoundCopy | undefined): boolean {
  return copy?.passphraseRecord !== undefined && copy.vaultKey === undefined;
}

/** What records there are to tell a key by: none, one that it opens, or only others. */
export type Fit = 'empty' | 'fits' | 'foreign';

/**
 * The key (32 bytes) to go on with: the database's own where it opens what lies there, else that of the copy.
 * @param own as it was stored; undefined: not there or damaged
 * @param fitOf tells of what lies in the database
 * @throws VaultError `damaged` if neither will do, `locked` if that of the copy may.
 */
export async function chooseKey(
  own: Uint8Array | undefined,
  copy: FoundCopy | undefined,
  fitOf: (vaultKey: Uint8Array) => Promise<Fit>,
): Promise<Uint8Array> {
  const copied = copy?.vaultKey;
  const holdsRecords = copy !== undefined && copy.records.size > 0;
  if (own !== undefined) {
    const fit = await fitOf(own);
    const isOther = copied !== undefined && !equalBytes(copied, own) && holdsRecords;
    if (fit === 'fits' || (fit === 'empty' && !isOther)) return own;
  }
  if (copied === undefined) throw new VaultError(isLockedCopy(copy) ? 'locked' : 'damaged');
  if (holdsRecords || (await fitOf(copied)) === 'fits') return copied;
  throw new VaultError('damaged');
}

/** Reads a store as it lies there. */
interface Reader {
  getAllKeys(store: string): Promise<IDBValidKey[]>;
  getAll(store: string): Promise<unknown[]>;
}

async function storedIn(db: Reader): Promise<readonly Stored[]> {
  const all = await Promise.all(
    CHECKED_STORES.map(async (store) => {
      const [names, values] = await Promise.all([db.getAllKeys(store), db.getAll(store)]);
      return names.flatMap((name, index): Stored[] => {
        if (!(name instanceof ArrayBuffer)) return [];
        return [{ store, name: new Uint8Array(name), sealed: values[index] }];
      });
    }),
  );
  return all.flat();
}

/** An open vault with its copy. */
export interface Care {
  /** Brings the copy in line with a write that is stored. */
  follow(changes: readonly Change[]): Promise<void>;
  /**
   * @param isKnown is there such an account
   * @throws VaultError `damaged` for the first record of an account whose former one may be among what cannot be read.
   */
  assertNoOther(
    changes: readonly Change[],
    isKnown: (account: string) => Promise<boolean>,
  ): Promise<void>;
  /** The key is to be opened with another record: the copy has it, too. */
  keepKey(keyRecord: unknown): Promise<void>;
  readonly salvage: Salvage;
  /** How much there is that nothing makes up for. */
  readonly unreadable: number;
}

/** What was sealed under another passphrase than the database is now is no loss. */
function withoutFormer(found: FoundCopy, keyCopy: unknown): FoundCopy {
  const isFormer = found.passphraseRecord !== undefined && !isSameKeyCopy(found.keyItem, keyCopy);
  return isFormer ? { ...found, former: found.unreadable, unreadable: [] } : found;
}

/** How much of the vault came back from its copy. */
export type Restored = 'nothing' | 'part' | 'all';

/**
 * Puts back what the copy makes up for and brings the copy in line.
 * @param write in one transaction: what is put, and what is dropped
 */
export async function takeCare(input: {
  readonly db: Reader;
  readonly area: CopyArea;
  readonly vaultKey: Uint8Array;
  /** What the database opens it with. */
  readonly keyRecord: unknown;
  readonly sealer: Sealer;
  readonly random: Random;
  write(changes: readonly Change[], dropped: readonly Place[]): Promise<void>;
}): Promise<Care & { readonly restored: Restored }> {
  const { db, area, vaultKey, keyRecord, sealer, random } = input;
  const keyCopy = keyCopyOf(vaultKey, keyRecord);
  const found = await findCopy(area, vaultKey).then(
    (copy) => withoutFormer(copy, keyCopy),
    () => NO_COPY,
  );
  const copy = createSecondCopy(area, { vaultKey, keyRecord }, random, found);
  const stored = await storedIn(db);
  const salvage = planSalvage(sealer, stored, found, copy.itemOf);
  const { changes, dropped, lost, lostItems } = salvage;
  const isChanged = changes.length > 0 || dropped.length > 0;
  if (isChanged) await input.write(changes, dropped);
  await copy.settle(salvage.records);
  return {
    restored: !isChanged ? 'nothing' : stored.length === 0 ? 'all' : 'part',
    salvage,
    unreadable: lost.length + lostItems.length,
    follow: copy.follow,
    keepKey: copy.keepKey,
    async assertNoOther(changes, isKnown) {
      for (const { store, key, value } of changes) {
        if (store !== 'accounts' || value === undefined || !hidesIdentity(salvage, key)) continue;
        if (!(await isKnown(key))) throw new VaultError('damaged');
      }
    },
  };
}
