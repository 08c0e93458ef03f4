// A database of version 3 as it was first released, sealed: version-3.json was made by that code, in the run of a chat. The key that
// wraps the key of the vault cannot be read out of a database; for this one it was made so that it can.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { openDB } from 'idb';
import { freshName } from '../world';
import { revived, type Said } from './version-2';

interface Released {
  readonly vaultKey: {
    readonly v: number;
    readonly wrappingKey: Uint8Array<ArrayBuffer>;
    readonly wrapped: Uint8Array;
  };
  /** As they lay on disk. */
  readonly sealed: Readonly<
    Record<string, readonly { readonly name: Uint8Array; readonly bytes: Uint8Array }[]>
  >;
  /** The same as that code read them. */
  readonly records: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly said: readonly Said[];
}

const file = path.join(import.meta.dirname, 'version-3.json');

/** What the file holds. */
export const RELEASED = JSON.parse(readFileSync(file, 'utf8'), revived) as Released;

/** Makes the database of the file; answers its name. */
export async function releasedDatabase(): Promise<string> {
  const name = freshName();
  const { wrappingKey, ...rest } = RELEASED.vaultKey;
  const key = await crypto.subtle.importKey('raw', wrappingKey, 'AES-GCM', false, [
    'encrypt',
    'decrypt',
  ]);
  const db = await openDB(name, 3, {
    upgrade(upgraded) {
      for (const store of [...Object.keys(RELEASED.sealed), 'vault-key'])
        upgraded.createObjectStore(store);
    },
  });
  await db.put('vault-key', { ...rest, wrappingKey: key }, 'vault-key');
  for (const [store, records] of Object.entries(RELEASED.sealed))
    for (const { name: key, bytes } of records) await db.put(store, bytes, new Uint8Array(key));
  db.close();
  return name;
}
