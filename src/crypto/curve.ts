// Forms of Curve25519 keys: X25519 (RFC 7748), Edwards (RFC 8032; XEdDSA §2.3), and which bytes are a key or a signature at
// all. What is computed with them is in engine.ts.
import { ed25519 } from '@noble/curves/ed25519.js';
import { assertLength, concat, equalBytes } from './bytes';

/** Length of every Curve25519 and Ed25519 key in bytes. */
export const KEY_LENGTH = 32;

/** A key that is no usable public key: wrong form, not canonical, or of low order. */
export class KeyError extends Error {
  readonly code = 'bad-key';
  constructor() {
    super('bad-key');
    this.name = 'KeyError';
  }
}

/** The scalar with the bits of RFC 7748 §5 set: 32 bytes, a copy. */
export function clamp(scalar: Uint8Array): Uint8Array {
  assertLength('scalar', scalar, KEY_LENGTH);
  const clamped = Uint8Array.from(scalar);
  clamped[0] = (clamped[0] ?? 0) & 0xf8;
  clamped[31] = ((clamped[31] ?? 0) & 0x7f) | 0x40;
  return clamped;
}

/** The number of little-endian bytes. */
export function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** Is it 32 bytes with a number below 2^255 − 19? By bytes: a bundle has a hundred keys to look at. */
function isFieldElement(bytes: Uint8Array): boolean {
  const [first = 0, top = 0xff] = [bytes[0], bytes[31]];
  if (bytes.length !== KEY_LENGTH || top > 0x7f) return false;
  return top < 0x7f || first < 0xed || bytes.subarray(1, 31).some((byte) => byte !== 0xff);
}

/**
 * Refuses a received X25519 public key that is not canonical (bit 255 set, or u ≥ p): nothing honest produces one.
 * @throws KeyError
 */
export function assertPublicKey(publicKey: Uint8Array): void {
  if (!isFieldElement(publicKey)) throw new KeyError();
}

/**
 * Edwards form (RFC 8032, 32 bytes) of an X25519 public key: y = (u−1)/(u+1), with the given sign bit (XEdDSA §2.3).
 * @throws KeyError for u = −1, which has no Edwards form, and for keys that are not canonical.
 */
export function toEdwards(publicKey: Uint8Array, sign: 0 | 1): Uint8Array {
  assertPublicKey(publicKey);
  const { Fp } = ed25519.Point;
  const u = littleEndian(publicKey);
  if (u === Fp.ORDER - 1n) throw new KeyError();
  const y = Fp.mul(Fp.sub(u, 1n), Fp.inv(Fp.add(u, 1n)));
  const bytes = Uint8Array.from(Fp.toBytes(y));
  bytes[31] = (bytes[31] ?? 0) | (sign << 7);
  return bytes;
}

/** The point of an Ed25519 public key (RFC 8032 §5.1.3). @throws KeyError for bytes that are no canonical point. */
function pointOf(edwardsKey: Uint8Array): InstanceType<typeof ed25519.Point> {
  try {
    return ed25519.Point.fromBytes(edwardsKey);
  } catch {
    throw new KeyError();
  }
}

/**
 * X25519 form (32 bytes) of an Ed25519 public key (32 bytes, either sign): u = (1+y)/(1−y).
 * @throws KeyError for bytes that are no canonical point, and for points of low order: among them is y = 1, whose u is
 * infinite, and every agreement with the others is zero.
 */
export function toMontgomery(edwardsKey: Uint8Array): Uint8Array {
  assertLength('edwardsKey', edwardsKey, KEY_LENGTH);
  const point = pointOf(edwardsKey);
  if (point.isSmallOrder()) throw new KeyError();
  const { Fp } = ed25519.Point;
  return Fp.toBytes(Fp.div(Fp.add(1n, point.y), Fp.sub(1n, point.y)));
}

/** y of a point of order 8; −y is that of the others. */
const ORDER_8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;

/** y of the eight points whose order divides the cofactor. */
const LOW_ORDER: readonly bigint[] = [
  ...[0n, 1n, ORDER_8],
  ...[1n, ORDER_8].map((y) => ed25519.Point.Fp.ORDER - y),
];

/** Could 32 bytes be a point of higher order in canonical form? Whether it is on the curve is not asked. */
function isStrictPoint(bytes: Uint8Array): boolean {
  const y = Uint8Array.from(bytes);
  y[31] = (y[31] ?? 0) & 0x7f;
  return isFieldElement(y) && !LOW_ORDER.includes(littleEndian(y));
}

/**
 * Whether a signature (64 bytes) and an Ed25519 key (32 bytes) have the form a strict verifier accepts: key and R canonical
 * and not of low order, S below the group order. Browsers and libraries differ in exactly these, so they are not asked.
 */
export function isStrictSignature(signature: Uint8Array, edwardsKey: Uint8Array): boolean {
  if (signature.length !== 64 || edwardsKey.length !== KEY_LENGTH) return false;
  const isReduced = littleEndian(signature.subarray(32)) < ed25519.Point.Fn.ORDER;
  return isReduced && isStrictPoint(signature.subarray(0, 32)) && isStrictPoint(edwardsKey);
}

/** Where two keys are compared: the same bytes. */
export const sameKey = equalBytes;

/** The 33-byte wire form of a Curve25519 key: 05 and the key (libsignal). */
export function withType(publicKey: Uint8Array): Uint8Array {
  assertLength('publicKey', publicKey, KEY_LENGTH);
  return concat(Uint8Array.of(5), publicKey);
}
