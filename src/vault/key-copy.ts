// What opens the vault when the database is gone (M78): the one place that says what of its key lies in the second copy. There is no
// passphrase, and a key that cannot be read out cannot be stored there either, so it is the key itself.
import { VAULT_KEY_LENGTH } from './seal';
import { fromBase64, toBase64 } from './text-bytes';

/** What is kept of the key (32 bytes) beside the copied records; goes through JSON. */
export function keyCopyOf(vaultKey: Uint8Array): unknown {
  return { v: 1, key: toBase64(vaultKey) };
}

/** The key (32 bytes) that was kept so; undefined if it is not there or not whole. */
export function keyFromCopy(stored: unknown): Uint8Array | undefined {
  if (typeof stored !== 'object' || stored === null || !('key' in stored)) return undefined;
  const key = fromBase64(stored.key);
  return key?.length === VAULT_KEY_LENGTH ? key : undefined;
}
