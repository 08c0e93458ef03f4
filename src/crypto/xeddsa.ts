// XEdDSA (Signal, revision 1): Ed25519 signatures with a Curve25519 key, and their legacy OMEMO form, which carries the
// sign of the Edwards key in bit 7 of the last byte.
import { ed25519 } from '@noble/curves/ed25519.js';
import { assertLength, concat } from './bytes';
import { clamp, littleEndian, toEdwards } from './curve';
import { verifyEd25519 } from './engine';
import { sha512 } from './kdf';

const ORDER = ed25519.Point.Fn.ORDER;

function bytesOf(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  for (let i = 0, rest = value; i < 32; i++, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
}

/**
 * Signs with a Curve25519 private key (XEdDSA §3.3): 64 bytes that verify under the Edwards form with sign 0.
 * @param privateKey 32 bytes, clamped on use
 * @param nonce 64 fresh random bytes
 */
export function signXeddsa(
  privateKey: Uint8Array,
  message: Uint8Array,
  nonce: Uint8Array,
): Uint8Array {
  assertLength('nonce', nonce, 64);
  const scalar = clamp(privateKey);
  const k = littleEndian(scalar) % ORDER;
  const point = ed25519.Point.BASE.multiply(k).toBytes();
  const isNegative = ((point[31] ?? 0) & 0x80) !== 0;
  const a = isNegative ? ORDER - k : k;
  // As libsignal and libxeddsa do, the scalar is hashed unreduced where it was not negated: the same bytes as theirs.
  const secret = isNegative ? bytesOf(a) : scalar;
  const publicKey = Uint8Array.from(point);
  publicKey[31] = (publicKey[31] ?? 0) & 0x7f;
  const prefix = new Uint8Array(32).fill(0xff);
  prefix[0] = 0xfe;
  const r = littleEndian(sha512(concat(prefix, secret, message, nonce))) % ORDER;
  const commitment = ed25519.Point.BASE.multiply(r).toBytes();
  const h = littleEndian(sha512(concat(commitment, publicKey, message))) % ORDER;
  return concat(commitment, bytesOf((r + h * a) % ORDER));
}

/**
 * Verifies a legacy OMEMO ("Curve25519") signature: 64 bytes, the sign of the Edwards key in bit 7 of byte 63.
 * @param publicKey X25519 form, 32 bytes
 * @throws KeyError for a public key that has no Edwards form.
 */
export async function verifyCurve25519(
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
): Promise<boolean> {
  if (signature.length !== 64) return false;
  const sign = ((signature[63] ?? 0) & 0x80) === 0 ? 0 : 1;
  const plain = Uint8Array.from(signature);
  plain[63] = (plain[63] ?? 0) & 0x7f;
  return verifyEd25519(plain, message, toEdwards(publicKey, sign));
}
