// The second copy in the browser's storage for extensions (M78), which is another place on disk than IndexedDB and goes another way
// to ruin. One item for each record, sealed with a key of its own under a name that is a keyed hash; one with what opens the vault.
import { equalBytes, toHex } from '../crypto/bytes';
import { hkdfSha256 } from '../crypto/kdf';
import { log } from '../log';
import type { Random } from '../omemo/types';
import { VaultError } from '../rpc/errors';
import { encode } from './cbor';
import { COPIED_STORES, copyOf, type CopiedStore } from './copied';
import type { Change } from './db';
import { isSameKeyCopy, keyCopyOf, keyFromCopy, recordFromCopy } from './key-copy';
import { isKeyOfRecord, type PassphraseRecord } from './passphrase';
import { createSealer, VAULT_KEY_LENGTH, type Sealer } from './seal';
import type { Stores } from './stores';
import { fromBase64, toBase64 } from './text-bytes';

/** The part of `storage.local` that is used; items go through JSON. */
export interface CopyArea {
  get(keys: null): Promise<Record<string, unknown>>;
  set(items: Record<string, unknown>): Promise<void>;
  remove(keys: string[]): Promise<void>;
}

const PREFIX = 'copy/';
const KEY_ITEM = 'copy-key';

/** A record of the copy. */
export type CopiedRecord = {
  [S in CopiedStore]: { readonly store: S; readonly key: string; readonly value: Stores[S] };
}[CopiedStore];

/** What was found of a copy. */
export interface FoundCopy {
  /** 32 bytes; undefined: nothing opens it. */
  readonly vaultKey?: Uint8Array;
  /** By item. */
  readonly records: ReadonlyMap<string, CopiedRecord>;
  /** Items that did not open. */
  readonly unreadable: readonly string[];
  /** What lies there of the key: see key-copy.ts. */
  readonly keyItem?: unknown;
  /** What the passphrase opens, if there is one. */
  readonly passphraseRecord?: PassphraseRecord;
  /** Items sealed under a former passphrase: the database was sealed anew as a whole, and has all that they say. */
  readonly former?: readonly string[];
  /** Is nothing of a copy there, not even a part. */
  readonly isEmpty: boolean;
}

/** Names and seals the records of the copy; `vaultKey` 32 bytes. */
function copySealer(vaultKey: Uint8Array, random: Random): Sealer {
  const key = hkdfSha256(vaultKey, undefined, 'omnemo second copy', VAULT_KEY_LENGTH);
  return createSealer(key, random);
}

/** Of which store an item is; undefined for items that are not of the copy. */
export function storeOfItem(item: string): CopiedStore | undefined {
  return COPIED_STORES.find((store) => item.startsWith(`${PREFIX}${store}/`));
}

function openItem(sealer: Sealer, item: string, stored: unknown): CopiedRecord | undefined {
  const store = storeOfItem(item);
  if (store === undefined) return undefined;
  const hex = item.slice(PREFIX.length + store.length + 1);
  const name = Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  try {
    const { key, value } = sealer.open(store, name, fromBase64(stored));
    // What was sealed for a store was a record of it.
    return { store, key, value } as CopiedRecord;
  } catch (error) {
    if (error instanceof VaultError) return undefined;
    throw error;
  }
}

/** Reads the whole copy; `fallback` (32 bytes) is tried where its own key is not there or opens nothing. Rejects if it cannot be read. */
export async function findCopy(area: CopyArea, fallback?: Uint8Array): Promise<FoundCopy> {
  const all = await area.get(null);
  const items = Object.keys(all).filter((item) => storeOfItem(item) !== undefined);
  const isEmpty = items.length === 0 && all[KEY_ITEM] === undefined;
  const named = keyFromCopy(all[KEY_ITEM]);
  const passphraseRecord = recordFromCopy(all[KEY_ITEM]);
  const rest = {
    isEmpty,
    keyItem: all[KEY_ITEM],
    ...(passphraseRecord !== undefined && { passphraseRecord }),
  };
  const unlock = (vaultKey: Uint8Array): FoundCopy => {
    const sealer = copySealer(vaultKey, unused);
    const records = new Map<string, CopiedRecord>();
    for (const item of items) {
      const record = openItem(sealer, item, all[item]);
      if (record !== undefined) records.set(item, record);
    }
    const unreadable = items.filter((item) => !records.has(item));
    return { ...rest, vaultKey, records, unreadable };
  };
  for (const key of [named, fallback]) {
    if (key === undefined) continue;
    if (passphraseRecord !== undefined && !isKeyOfRecord(passphraseRecord, key)) continue;
    const found = unlock(key);
    if (found.records.size > 0 || items.length === 0) return found;
  }
  return { ...rest, records: new Map(), unreadable: items };
}

const unused: Random = () => {
  throw new TypeError('random: nothing is sealed here');
};

/** The copy while the vault is open: follows what is written. */
export interface SecondCopy {
  /** The item a record of the vault has. */
  itemOf(store: CopiedStore, key: string): string;
  /** Brings it in line with all records that are stored; items of a former key go. */
  settle(records: readonly CopiedRecord[]): Promise<void>;
  /** The key is to be opened with another record. */
  keepKey(keyRecord: unknown): Promise<void>;
  /** The same after a write. A copy that cannot be written is made up for by the next write or start: what was stored is stored. */
  follow(changes: readonly Change[]): Promise<void>;
}

/** The copy of an open vault. @param found what lies there now, as opened with the key of the vault. */
export function createSecondCopy(
  area: CopyArea,
  { vaultKey, keyRecord }: { readonly vaultKey: Uint8Array; readonly keyRecord: unknown },
  random: Random,
  found: FoundCopy,
): SecondCopy {
  const sealer = copySealer(vaultKey, random);
  const isOwn = found.vaultKey !== undefined && equalBytes(found.vaultKey, vaultKey);
  /** What each item says, as bytes. */
  const known = new Map<string, Uint8Array>();
  if (isOwn)
    for (const [item, { key, value }] of found.records) known.set(item, encode([key, value]));
  /** What is to be written: undefined goes. */
  const due = new Map<string, unknown>();
  let flushing: Promise<void> = Promise.resolve();

  const itemOf = (store: CopiedStore, key: string): string =>
    `${PREFIX}${store}/${toHex(sealer.nameOf(store, key))}`;

  function note(record: CopiedRecord): void {
    const { store, key } = record;
    const item = itemOf(store, key);
    const copy = copyAny(record);
    const says = encode([key, copy]);
    const before = known.get(item);
    if (before !== undefined && equalBytes(before, says)) return;
    known.set(item, says);
    due.set(item, toBase64(sealer.seal(store, key, copy).bytes));
  }

  async function flushNow(): Promise<void> {
    if (due.size === 0) return;
    const batch = [...due];
    due.clear();
    const put = batch.filter(([, content]) => content !== undefined);
    const gone = batch.flatMap(([item, content]) => (content === undefined ? [item] : []));
    try {
      if (put.length > 0) await area.set(Object.fromEntries(put));
      if (gone.length > 0) await area.remove(gone);
    } catch {
      log('vault', 'warn', 'copy-not-written');
      // Unless it has changed again meanwhile.
      for (const [item, content] of batch) if (!due.has(item)) due.set(item, content);
    }
  }

  /** Ends when all that is due by now was written, or could not be. */
  function flush(): Promise<void> {
    flushing = flushing.then(flushNow);
    return flushing;
  }

  return {
    itemOf,
    settle(records) {
      records.forEach(note);
      if (!isOwn) for (const item of found.records.keys()) due.set(item, undefined);
      for (const item of found.former ?? []) if (!known.has(item)) due.set(item, undefined);
      const keyCopy = keyCopyOf(vaultKey, keyRecord);
      if (!isSameKeyCopy(found.keyItem, keyCopy)) due.set(KEY_ITEM, keyCopy);
      return flush();
    },
    keepKey(record) {
      due.set(KEY_ITEM, keyCopyOf(vaultKey, record));
      return flush();
    },
    follow(changes) {
      for (const change of changes) {
        const store = COPIED_STORES.find((copied) => copied === change.store);
        if (store === undefined) continue;
        const item = itemOf(store, change.key);
        if (change.value !== undefined) note(change as CopiedRecord);
        else if (known.delete(item)) due.set(item, undefined);
      }
      return flush();
    },
  };
}

function copyAny(record: CopiedRecord): Stores[CopiedStore] {
  if (record.store === 'sites') return copyOf('sites', record.value);
  if (record.store === 'accounts') return copyOf('accounts', record.value);
  return copyOf('peers', record.value);
}

/** Takes the copy away, whole: the user begins anew. */
export async function removeCopy(area: CopyArea): Promise<void> {
  const items = Object.keys(await area.get(null));
  await area.remove(items.filter((item) => item === KEY_ITEM || storeOfItem(item) !== undefined));
}
