// AES-CBC with PKCS#7 and AES-GCM over @noble/ciphers; key lengths choose AES-128 or AES-256.
import { cbc, gcm } from '@noble/ciphers/aes.js';

/** Padding or tag did not hold. */
export class CipherError extends Error {
  readonly code = 'cipher';
  constructor() {
    super('cipher');
    this.name = 'CipherError';
  }
}

/** AES-CBC with PKCS#7 padding. `key` 16 or 32 bytes, `iv` 16 bytes. */
export function encryptCbc(key: Uint8Array, iv: Uint8Array, plaintext: Uint8Array): Uint8Array {
  return cbc(key, iv).encrypt(plaintext);
}

/** Opens AES-CBC with PKCS#7. Authenticate first. @throws CipherError for a wrong length or padding. */
export function decryptCbc(key: Uint8Array, iv: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  try {
    return cbc(key, iv).decrypt(ciphertext);
  } catch {
    throw new CipherError();
  }
}

/** AES-GCM without associated data: ciphertext and 16-byte tag. `key` 16 or 32 bytes, `iv` 12 or 16. */
export function encryptGcm(key: Uint8Array, iv: Uint8Array, plaintext: Uint8Array): Uint8Array {
  return gcm(key, iv).encrypt(plaintext);
}

/** Opens AES-GCM; `ciphertext` ends with the 16-byte tag. @throws CipherError when the tag does not hold. */
export function decryptGcm(key: Uint8Array, iv: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  try {
    return gcm(key, iv).decrypt(ciphertext);
  } catch {
    throw new CipherError();
  }
}
