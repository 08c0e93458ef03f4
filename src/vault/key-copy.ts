// What opens the vault when the database is gone (M78): the one place that says what of its key lies in the second copy. Without a
// passphrase it is the key itself, since one that cannot be read out cannot be stored there either; with one it is the wrapped key alone.
import { toHex } from '../crypto/bytes';
import { VaultError } from '../rpc/errors';
import { isPassphraseRecord, passphraseRecordFrom, type PassphraseRecord } from './passphrase';
import { VAULT_KEY_LENGTH } from './seal';
import { fromBase64, toBase64 } from './text-bytes';
import { newVaultKey } from './vault-key';

const BYTES = ['salt', 'nonce', 'wrapped', 'heldKey'] as const;

/** What is kept of the key (32 bytes) beside the copied records; goes through JSON. @param keyRecord as the database has it */
export function keyCopyOf(vaultKey: Uint8Array, keyRecord: unknown): unknown {
  if (!isPassphraseRecord(keyRecord)) return { v: 1, key: toBase64(vaultKey) };
  const record = passphraseRecordFrom(keyRecord);
  const texts = BYTES.map((name) => [name, toBase64(record[name])] as const);
  return { v: 2, cost: record.cost, ...Object.fromEntries(texts) };
}

/** The key (32 bytes) that was kept so; undefined if it is not there or not whole. */
export function keyFromCopy(stored: unknown): Uint8Array | undefined {
  if (typeof stored !== 'object' || stored === null || !('key' in stored)) return undefined;
  const key = fromBase64(stored.key);
  return key?.length === VAULT_KEY_LENGTH ? key : undefined;
}

/** The record that was kept so; undefined if it is none of a passphrase, or not whole. */
export function recordFromCopy(stored: unknown): PassphraseRecord | undefined {
  if (!isPassphraseRecord(stored)) return undefined;
  const kept: Partial<Record<string, unknown>> = Object(stored);
  const bytes = Object.fromEntries(BYTES.map((name) => [name, fromBase64(kept[name])]));
  try {
    return passphraseRecordFrom({ v: 2, cost: kept['cost'], ...bytes });
  } catch (error) {
    if (error instanceof VaultError) return undefined;
    throw error;
  }
}

/** Is it a key that was kept for another vault key or passphrase than the database has. */
export function isSameKeyCopy(stored: unknown, wanted: unknown): boolean {
  return nameOf(stored) === nameOf(wanted);
}

function nameOf(stored: unknown): string {
  const key = keyFromCopy(stored);
  const record = recordFromCopy(stored);
  if (key !== undefined) return `key ${toHex(key)}`;
  return record === undefined ? 'none' : `record ${toHex(record.wrapped)}`;
}

/** What a database is to have for its key (32 bytes): the record of the copy if there is a passphrase, else a new one. */
export async function recordFor(vaultKey: Uint8Array, stored: unknown): Promise<unknown> {
  return recordFromCopy(stored) ?? (await newVaultKey(() => vaultKey)).record;
}
