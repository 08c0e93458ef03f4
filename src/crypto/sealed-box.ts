// Sealed for the holder of a private key by anybody: X25519 (RFC 7748) with a key pair made for it alone, HKDF-SHA-256 over the result and
// both public keys, XChaCha20-Poly1305. Synchronous, as all that lies at rest.
import { x25519 } from '@noble/curves/ed25519.js';
import { AEAD_KEY_LENGTH, AEAD_NONCE_LENGTH, openAead, sealAead } from './aead';
import { assertLength, concat } from './bytes';
import { CipherError } from './cipher';
import { KEY_LENGTH } from './curve';
import { hkdfSha256 } from './kdf';

/** The public key (32 bytes) of a private one (32 bytes). */
export function boxKeyOf(privateKey: Uint8Array): Uint8Array {
  assertLength('privateKey', privateKey, KEY_LENGTH);
  return x25519.getPublicKey(privateKey);
}

function agree(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  try {
    return x25519.getSharedSecret(privateKey, publicKey);
  } catch {
    // Of low order: only a box or a key that was changed has it.
    throw new CipherError();
  }
}

function keyOf(shared: Uint8Array, once: Uint8Array, publicKey: Uint8Array, purpose: string) {
  return hkdfSha256(concat(shared, once, publicKey), undefined, purpose, AEAD_KEY_LENGTH);
}

/** A key is used for one box only. */
const NONCE = new Uint8Array(AEAD_NONCE_LENGTH);
const NOTHING = new Uint8Array(0);

/**
 * Public key of the box (32 bytes), ciphertext, tag (16 bytes).
 * @param publicKey 32 bytes, of who may open it
 * @param once 32 random bytes, used for nothing else
 * @param purpose opens for this only
 * @throws CipherError for a public key that is none.
 */
export function sealBox(
  publicKey: Uint8Array,
  once: Uint8Array,
  purpose: string,
  plaintext: Uint8Array,
): Uint8Array {
  assertLength('publicKey', publicKey, KEY_LENGTH);
  const ownKey = boxKeyOf(once);
  const key = keyOf(agree(once, publicKey), ownKey, publicKey, purpose);
  return concat(ownKey, sealAead(key, NONCE, NOTHING, plaintext));
}

/**
 * What `sealBox` was given.
 * @param privateKey 32 bytes
 * @throws CipherError for another key or purpose, or if a byte has changed.
 */
export function openBox(privateKey: Uint8Array, purpose: string, box: Uint8Array): Uint8Array {
  const ownKey = box.subarray(0, KEY_LENGTH);
  if (ownKey.length < KEY_LENGTH) throw new CipherError();
  const key = keyOf(agree(privateKey, ownKey), ownKey, boxKeyOf(privateKey), purpose);
  return openAead(key, NONCE, NOTHING, box.subarray(KEY_LENGTH));
}
