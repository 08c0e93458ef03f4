// SHA-256 and SHA-512 over @noble/hashes; HMAC-SHA-256 (RFC 2104) and HKDF-SHA-256 (RFC 5869) over hmac.ts.
import { sha256 as nobleSha256, sha512 as nobleSha512 } from '@noble/hashes/sha2.js';
import { hmac, hmacKey } from './hmac';

/** SHA-256 of the bytes: 32 bytes (FIPS 180-4). */
export function sha256(bytes: Uint8Array): Uint8Array {
  return nobleSha256(bytes);
}

/** SHA-512 of the bytes: 64 bytes (FIPS 180-4). */
export function sha512(bytes: Uint8Array): Uint8Array {
  return nobleSha512(bytes);
}

/** HMAC-SHA-256: 32 bytes. `key` of any length. */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  return hmac(hmacKey(key.length > 64 ? sha256(key) : key), message);
}

const UTF8 = new TextEncoder();
/** The salt where there is none (RFC 5869 §2.2), which every message key is expanded with. */
const NO_SALT = hmacKey(new Uint8Array(32));

/**
 * HKDF-SHA-256 (RFC 5869): `length` bytes, at most 255 · 32; `info` is UTF-8 text.
 * @param salt left out: zeros
 */
export function hkdfSha256(
  ikm: Uint8Array,
  salt: Uint8Array | undefined,
  info: string,
  length: number,
): Uint8Array {
  const count = Math.ceil(length / 32);
  if (count > 255) throw new RangeError(`length: want at most 8160, got ${length}`);
  const key = hmacKey(salt === undefined ? hmac(NO_SALT, ikm) : hmacSha256(salt, ikm));
  const infoBytes = UTF8.encode(info);
  // The block before, the info and the number of the block; the first has none before it.
  const input = new Uint8Array(32 + infoBytes.length + 1);
  input.set(infoBytes, 32);
  const output = new Uint8Array(count * 32);
  for (let i = 0; i < count; i++) {
    input[input.length - 1] = i + 1;
    const block = hmac(key, i === 0 ? input.subarray(32) : input);
    input.set(block);
    output.set(block, i * 32);
  }
  return output.slice(0, length);
}
