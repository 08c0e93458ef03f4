// A key that wraps others and that nobody can read out of it: AES-256-GCM of the platform's WebCrypto, not extractable. It can be
// stored in IndexedDB as it is.
import { concat } from './bytes';
import { CipherError } from './cipher';

const IV_LENGTH = 12;

const UTF8 = new TextEncoder();

function algorithm(iv: Uint8Array<ArrayBuffer>, purpose: string): AesGcmParams {
  return { name: 'AES-GCM', iv, additionalData: UTF8.encode(purpose) };
}

/** A fresh key that wraps and unwraps. */
export function generateWrappingKey(): Promise<CryptoKey> {
  return crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}

/** `secret` of any length under the wrapping key: iv (12 bytes), ciphertext, tag (16 bytes). Opens for `purpose` only. */
export async function wrap(
  key: CryptoKey,
  purpose: string,
  secret: Uint8Array,
): Promise<Uint8Array> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_LENGTH));
  const sealed = await crypto.subtle.encrypt(algorithm(iv, purpose), key, new Uint8Array(secret));
  return concat(iv, new Uint8Array(sealed));
}

/** What `wrap` was given. @throws CipherError for another key or purpose, or if a byte has changed. */
export async function unwrap(
  key: CryptoKey,
  purpose: string,
  wrapped: Uint8Array,
): Promise<Uint8Array> {
  const iv = new Uint8Array(wrapped.subarray(0, IV_LENGTH));
  const sealed = new Uint8Array(wrapped.subarray(IV_LENGTH));
  try {
    return new Uint8Array(await crypto.subtle.decrypt(algorithm(iv, purpose), key, sealed));
  } catch {
    throw new CipherError();
  }
}
