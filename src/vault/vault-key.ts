// The key of the vault (M68): random, in clear only in the memory of the worker, wrapped in the database by a key of WebCrypto that no
// script can read out. Whoever reads the files of the profile finds that key in them too.
import { generateWrappingKey, unwrap, wrap } from '../crypto/wrapping';
import { CipherError } from '../crypto/cipher';
import type { Random } from '../omemo/types';
import { VaultError } from '../rpc/errors';
import { VAULT_KEY_LENGTH } from './seal';

const PURPOSE = 'omnemo vault key';

/** The wrapped key as it is stored. */
export interface VaultKeyRecord {
  readonly v: 1;
  readonly wrappingKey: CryptoKey;
  readonly wrapped: Uint8Array;
}

/** A new key of 32 bytes, and what is to be stored of it. */
export async function newVaultKey(
  random: Random,
): Promise<{ readonly vaultKey: Uint8Array; readonly record: VaultKeyRecord }> {
  const vaultKey = random(VAULT_KEY_LENGTH);
  const wrappingKey = await generateWrappingKey();
  const wrapped = await wrap(wrappingKey, PURPOSE, vaultKey);
  return { vaultKey, record: { v: 1, wrappingKey, wrapped } };
}

function isRecord(stored: unknown): stored is VaultKeyRecord {
  return (
    typeof stored === 'object' &&
    stored !== null &&
    'wrappingKey' in stored &&
    stored.wrappingKey instanceof CryptoKey &&
    'wrapped' in stored &&
    stored.wrapped instanceof Uint8Array
  );
}

/**
 * The key (32 bytes) that was stored so. There is none to begin with in its place: it could not open what lies there, and whoever goes
 * on with an empty vault loses identity and trust without knowing (M78).
 * @throws VaultError `damaged` if it is not there or does not open.
 */
export async function openVaultKey(stored: unknown): Promise<Uint8Array> {
  if (!isRecord(stored)) throw new VaultError('damaged');
  try {
    return await unwrap(stored.wrappingKey, PURPOSE, stored.wrapped);
  } catch (cause) {
    if (!(cause instanceof CipherError)) throw cause;
    throw new VaultError('damaged', { cause });
  }
}
