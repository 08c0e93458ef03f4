// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) over @noble/ciphers. Synchronous, so that it can be used while a transaction of
// IndexedDB is open; nonces are long enough to be drawn at random; three times as fast here as AES-GCM in JavaScript.
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { assertLength } from './bytes';
import { CipherError } from './cipher';

/** Bytes of a key. */
export const AEAD_KEY_LENGTH = 32;
/** Bytes of a nonce. */
export const AEAD_NONCE_LENGTH = 24;

/**
 * Seals `plaintext`: as many bytes and a tag of 16.
 * @param key 32 bytes
 * @param nonce 24 bytes, never used twice with one key
 * @param associatedData any bytes, needed again to open it
 */
export function sealAead(
  key: Uint8Array,
  nonce: Uint8Array,
  associatedData: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  assertLength('key', key, AEAD_KEY_LENGTH);
  assertLength('nonce', nonce, AEAD_NONCE_LENGTH);
  return xchacha20poly1305(key, nonce, associatedData).encrypt(plaintext);
}

/**
 * Opens what `sealAead` made with the same key (32 bytes), nonce (24 bytes) and associated data: the plaintext.
 * @throws CipherError if anything of it is not as it was sealed.
 */
export function openAead(
  key: Uint8Array,
  nonce: Uint8Array,
  associatedData: Uint8Array,
  sealed: Uint8Array,
): Uint8Array {
  assertLength('key', key, AEAD_KEY_LENGTH);
  assertLength('nonce', nonce, AEAD_NONCE_LENGTH);
  try {
    return xchacha20poly1305(key, nonce, associatedData).decrypt(sealed);
  } catch {
    throw new CipherError();
  }
}
