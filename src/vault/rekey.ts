// A vault under another key: everything is sealed anew in one transaction, so that at any point it opens with the old key or with the new
// one. The old key's bytes may lie in files of the browser for as long as it likes; nothing is sealed with it any more.
import { CipherError } from '../crypto/cipher';
import { boxKeyOf, openBox, sealBox } from '../crypto/sealed-box';
import type { Random } from '../omemo/types';
import { VaultError } from '../rpc/errors';
import { HELD_PURPOSE } from './held';
import { HELD_STORE, VAULT_KEY_NAME, VAULT_KEY_STORE } from './migrate';
import { heldPrivateKey } from './passphrase';
import type { Sealer } from './seal';
import { STORE_NAMES, type StoreName } from './stores';

/** Records held in memory at once. */
const BATCH = 200;

interface Store {
  get(key: IDBValidKey): Promise<unknown>;
  getAllKeys(): Promise<IDBValidKey[]>;
  put(value: unknown, key: IDBValidKey): Promise<unknown>;
  delete(key: IDBValidKey): Promise<unknown>;
}

/** A transaction over every store; what is awaited in it is IndexedDB alone. */
export interface Rekeying {
  objectStore(name: string): Store;
}

/** A key and what it seals with. */
export interface Keyed {
  readonly vaultKey: Uint8Array;
  readonly sealer: Sealer;
}

async function resealStore(store: Store, name: StoreName, from: Sealer, to: Sealer): Promise<void> {
  // All names first: the new ones fall anywhere among them.
  const names = await store.getAllKeys();
  for (let at = 0; at < names.length; at += BATCH) {
    const batch = names.slice(at, at + BATCH);
    await Promise.all(
      batch.map(async (stored) => {
        if (!(stored instanceof ArrayBuffer)) throw new VaultError('damaged');
        const { key, value } = from.open(name, new Uint8Array(stored), await store.get(stored));
        const sealed = to.seal(name, key, value);
        await store.delete(stored);
        await store.put(sealed.bytes, new Uint8Array(sealed.name));
      }),
    );
  }
}

/** What nobody can open is dropped: it was no message. */
function rebox(box: unknown, from: Uint8Array, to: Uint8Array, random: Random) {
  if (!(box instanceof Uint8Array)) return undefined;
  try {
    return sealBox(to, random(32), HELD_PURPOSE, openBox(from, HELD_PURPOSE, box));
  } catch (error) {
    if (error instanceof CipherError) return undefined;
    throw error;
  }
}

async function reboxHeld(store: Store, from: Uint8Array, to: Uint8Array, random: Random) {
  for (const key of await store.getAllKeys()) {
    const box = rebox(await store.get(key), from, to, random);
    await (box === undefined ? store.delete(key) : store.put(box, key));
  }
}

/**
 * Seals all that `from` sealed with `to`, and stores the record that `to` is opened with.
 * @throws VaultError `damaged` for a record that does not open; the caller aborts the transaction.
 */
export async function reseal(
  transaction: Rekeying,
  from: Keyed,
  to: Keyed,
  keyRecord: unknown,
  random: Random,
): Promise<void> {
  for (const name of STORE_NAMES)
    await resealStore(transaction.objectStore(name), name, from.sealer, to.sealer);
  const heldKey = boxKeyOf(heldPrivateKey(to.vaultKey));
  const held = transaction.objectStore(HELD_STORE);
  await reboxHeld(held, heldPrivateKey(from.vaultKey), heldKey, random);
  await transaction.objectStore(VAULT_KEY_STORE).put(keyRecord, VAULT_KEY_NAME);
}
