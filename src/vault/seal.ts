// How records lie on disk (design D18, M69): sealed, each bound to its store and key, under names that are keyed hashes. All of it is
// synchronous, because a transaction of IndexedDB ends while anything else is awaited.
import { AEAD_NONCE_LENGTH, openAead, sealAead } from '../crypto/aead';
import { assertLength, concat } from '../crypto/bytes';
import { CipherError } from '../crypto/cipher';
import { hmac, hmacKey } from '../crypto/hmac';
import { hkdfSha256 } from '../crypto/kdf';
import type { Random } from '../omemo/types';
import { VaultError } from '../rpc/errors';
import { decode, encode } from './cbor';
import { SEPARATOR } from './names';
import type { StoreName } from './stores';

/** Bytes of the key of a vault. */
export const VAULT_KEY_LENGTH = 32;
/** The first byte of a sealed record, and the first of its associated data. */
const FORM = 1;
/** Bytes of a name for each part of the key. No key that anybody chose meets another before 2^64 of them. */
export const PART_LENGTH = 16;

const UTF8 = new TextEncoder();

/** A record and its key, as the vault works with them. */
export interface Opened {
  readonly key: string;
  readonly value: unknown;
}

/** A record as it lies on disk. */
export interface Sealed {
  readonly name: Uint8Array;
  readonly bytes: Uint8Array;
}

/** Names, seals and opens records. */
export interface Sealer {
  /** What the record is called on disk: 16 bytes for every part of its key, each telling the parts up to it. */
  nameOf(store: StoreName, key: string): Uint8Array;
  /**
   * The name all records of a store begin with whose keys start with `prefix`: nothing, or parts with a separator after each.
   * Their own names are longer.
   */
  prefixNameOf(store: StoreName, prefix: string): Uint8Array;
  /** Form, nonce, ciphertext of key and value, tag; and the name. @throws TypeError for a value that cannot be stored. */
  seal(store: StoreName, key: string, value: unknown): Sealed;
  /**
   * What was sealed for this store under this name.
   * @throws VaultError `damaged` if it was sealed for another place, with another key, or has changed.
   */
  open(store: StoreName, name: Uint8Array, sealed: unknown): Opened;
}

function openedFrom(plaintext: Uint8Array): Opened {
  const pair = decode(plaintext);
  if (!Array.isArray(pair) || typeof pair[0] !== 'string')
    throw new TypeError('record: want a pair');
  return { key: pair[0], value: pair[1] };
}

/** @param vaultKey 32 bytes. */
export function createSealer(vaultKey: Uint8Array, random: Random): Sealer {
  assertLength('vaultKey', vaultKey, VAULT_KEY_LENGTH);
  const recordKey = hkdfSha256(vaultKey, undefined, 'omnemo records', VAULT_KEY_LENGTH);
  const nameKey = hmacKey(hkdfSha256(vaultKey, undefined, 'omnemo names', VAULT_KEY_LENGTH));

  /** The name of what stood before the last part of the key asked for last: most keys come in rows that begin alike. */
  let last: { readonly path: string; readonly name: Uint8Array } = {
    path: '',
    name: new Uint8Array(0),
  };

  function nameOfPath(path: string): Uint8Array {
    const end = path.lastIndexOf(SEPARATOR);
    // The store alone is no name: it is part of each.
    if (end < 0) return new Uint8Array(0);
    const before = path.slice(0, end);
    if (last.path !== before) last = { path: before, name: nameOfPath(before) };
    return concat(last.name, hmac(nameKey, UTF8.encode(path)).subarray(0, PART_LENGTH));
  }

  const nameOf = (store: StoreName, key: string): Uint8Array => nameOfPath(store + SEPARATOR + key);

  function placeOf(store: StoreName, name: Uint8Array): Uint8Array {
    return concat(Uint8Array.of(FORM), UTF8.encode(store + SEPARATOR), name);
  }

  return {
    nameOf,

    prefixNameOf(store, prefix) {
      if (prefix === '') return new Uint8Array(0);
      if (!prefix.endsWith(SEPARATOR)) throw new TypeError('prefix: want whole parts');
      return nameOf(store, prefix.slice(0, -SEPARATOR.length));
    },

    seal(store, key, value) {
      const nonce = random(AEAD_NONCE_LENGTH);
      const name = nameOf(store, key);
      const sealed = sealAead(recordKey, nonce, placeOf(store, name), encode([key, value]));
      return { name, bytes: concat(Uint8Array.of(FORM), nonce, sealed) };
    },

    open(store, name, sealed) {
      if (!(sealed instanceof Uint8Array) || sealed[0] !== FORM) throw new VaultError('damaged');
      const nonce = sealed.subarray(1, 1 + AEAD_NONCE_LENGTH);
      if (nonce.length < AEAD_NONCE_LENGTH) throw new VaultError('damaged');
      const ciphertext = sealed.subarray(1 + AEAD_NONCE_LENGTH);
      try {
        return openedFrom(openAead(recordKey, nonce, placeOf(store, name), ciphertext));
      } catch (cause) {
        if (!(cause instanceof CipherError)) throw cause;
        throw new VaultError('damaged', { cause });
      }
    },
  };
}
