// The key of the vault under a passphrase (design D18, M68): Argon2id makes the key that wraps it. What a guess costs stands in the record,
// and a record that asks for less than the floor is refused: whoever could change the files would make guessing cheap.
import { AEAD_NONCE_LENGTH, openAead, sealAead } from '../crypto/aead';
import { argon2id, type Argon2Cost } from '../crypto/argon2';
import { concat, equalBytes } from '../crypto/bytes';
import { CipherError } from '../crypto/cipher';
import { boxKeyOf } from '../crypto/sealed-box';
import { hkdfSha256 } from '../crypto/kdf';
import { MAX_ARGON2, MIN_ARGON2, PASSPHRASE_ARGON2, PASSPHRASE_SALT_LENGTH } from '../limits';
import type { Random } from '../omemo/types';
import { VaultError } from '../rpc/errors';
import { VAULT_KEY_LENGTH } from './seal';

const UTF8 = new TextEncoder();

/** The wrapped key as it is stored, once there is a passphrase. */
export interface PassphraseRecord {
  readonly v: 2;
  readonly cost: Argon2Cost;
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  readonly wrapped: Uint8Array;
  /** What arrives while the vault is locked is sealed for this public key (32 bytes), whose private one is made of the vault key. */
  readonly heldKey: Uint8Array;
}

/** The private key (32 bytes) for what arrived while the vault was locked. @param vaultKey 32 bytes */
export function heldPrivateKey(vaultKey: Uint8Array): Uint8Array {
  return hkdfSha256(vaultKey, undefined, 'omnemo held messages', 32);
}

/** The numbers and keys that may not change: associated data of the wrapped key. */
function contextOf({ cost, salt, heldKey }: Omit<PassphraseRecord, 'nonce' | 'wrapped'>) {
  const { memory, passes, lanes } = cost;
  const numbers = new Uint8Array(12);
  const view = new DataView(numbers.buffer);
  [memory, passes, lanes].forEach((number, index) => view.setUint32(4 * index, number));
  return concat(UTF8.encode('omnemo vault key 2\n'), numbers, heldKey, salt);
}

/** A passphrase as bytes: the same letters give the same bytes, whichever keyboard wrote them (RFC 8265 §4.2: NFC). */
function bytesOf(passphrase: string): Uint8Array {
  return UTF8.encode(passphrase.normalize('NFC'));
}

/** The vault key (32 bytes) under a passphrase, as it is to be stored. `cost`: of the product, unless a test says otherwise. */
export async function wrapVaultKey(
  vaultKey: Uint8Array,
  passphrase: string,
  random: Random,
  cost: Argon2Cost = PASSPHRASE_ARGON2,
): Promise<PassphraseRecord> {
  const salt = random(PASSPHRASE_SALT_LENGTH);
  const nonce = random(AEAD_NONCE_LENGTH);
  const heldKey = boxKeyOf(heldPrivateKey(vaultKey));
  const named = { v: 2, cost, salt, heldKey } as const;
  const wrappingKey = await argon2id(bytesOf(passphrase), salt, cost, VAULT_KEY_LENGTH);
  const wrapped = sealAead(wrappingKey, nonce, contextOf(named), vaultKey);
  return { ...named, nonce, wrapped };
}

function isCost(stored: unknown): stored is Argon2Cost {
  if (typeof stored !== 'object' || stored === null) return false;
  const numbers: Partial<Record<string, unknown>> = { ...stored };
  return (['memory', 'passes', 'lanes'] as const).every((name) => {
    const number = numbers[name];
    return (
      typeof number === 'number' &&
      Number.isInteger(number) &&
      number >= MIN_ARGON2[name] &&
      number <= MAX_ARGON2[name]
    );
  });
}

function hasBytes(stored: unknown, length: number): stored is Uint8Array {
  return stored instanceof Uint8Array && stored.length === length;
}

/** Does this say that there is a passphrase, however damaged the rest may be. */
export function isPassphraseRecord(stored: unknown): boolean {
  return typeof stored === 'object' && stored !== null && 'v' in stored && stored.v === 2;
}

/**
 * The record as it was stored.
 * @throws VaultError `damaged` for anything else, and for one that is cheaper to guess at than the floor or dearer than any.
 */
export function passphraseRecordFrom(stored: unknown): PassphraseRecord {
  if (!isPassphraseRecord(stored)) throw new VaultError('damaged');
  const { cost, salt, nonce, wrapped, heldKey }: Partial<Record<string, unknown>> = {
    ...Object(stored),
  };
  if (
    !isCost(cost) ||
    !(salt instanceof Uint8Array) ||
    salt.length < PASSPHRASE_SALT_LENGTH ||
    !hasBytes(nonce, AEAD_NONCE_LENGTH) ||
    !hasBytes(wrapped, VAULT_KEY_LENGTH + 16) ||
    !hasBytes(heldKey, 32)
  )
    throw new VaultError('damaged');
  return { v: 2, cost, salt, nonce, wrapped, heldKey };
}

/** Is this (32 bytes) the key of the record: tells without the passphrase. */
export function isKeyOfRecord({ heldKey }: PassphraseRecord, vaultKey: Uint8Array): boolean {
  return equalBytes(boxKeyOf(heldPrivateKey(vaultKey)), heldKey);
}

/** Is a guess at it cheaper than at one made today. */
export function isCheaper({ cost }: PassphraseRecord, today: Argon2Cost): boolean {
  return cost.memory < today.memory || cost.passes < today.passes;
}

/**
 * The vault key (32 bytes).
 * @throws VaultError `wrong-passphrase`; a record that was changed cannot be told from it.
 */
export async function unwrapVaultKey(
  record: PassphraseRecord,
  passphrase: string,
): Promise<Uint8Array> {
  const { cost, salt, nonce, wrapped } = record;
  const wrappingKey = await argon2id(bytesOf(passphrase), salt, cost, VAULT_KEY_LENGTH);
  try {
    return openAead(wrappingKey, nonce, contextOf(record), wrapped);
  } catch (cause) {
    if (!(cause instanceof CipherError)) throw cause;
    throw new VaultError('wrong-passphrase', { cause });
  }
}
