// Curve25519 keys (RFC 7748) and their Edwards form (RFC 8032, XEdDSA §2.3) over @noble/curves. The base-point tables of
// the library are made at their first use; nothing is computed when this file loads.
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { assertLength, concat, equalBytes } from './bytes';

/** Length of every Curve25519 and Ed25519 key in bytes. */
export const KEY_LENGTH = 32;

const FIELD_PRIME = 2n ** 255n - 19n;

/** The library's random source type, kept local so that `crypto` imports nothing of ours. */
type Random = (length: number) => Uint8Array;

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

/** X25519 public key (32 bytes) of a private key (32 bytes, clamped on use). */
export function publicKeyOf(privateKey: Uint8Array): Uint8Array {
  assertLength('privateKey', privateKey, KEY_LENGTH);
  return x25519.getPublicKey(privateKey);
}

/** A fresh X25519 key pair, the private half clamped. Draws 32 bytes. */
export function generateKeyPair(random: Random): {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
} {
  const privateKey = clamp(random(KEY_LENGTH));
  return { privateKey, publicKey: publicKeyOf(privateKey) };
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/**
 * Refuses a received X25519 public key that is not canonical (bit 255 set, or u ≥ p): nothing honest produces one.
 * @throws KeyError
 */
export function assertPublicKey(publicKey: Uint8Array): void {
  if (publicKey.length !== KEY_LENGTH || littleEndian(publicKey) >= FIELD_PRIME) {
    throw new KeyError();
  }
}

/**
 * X25519 (RFC 7748 §5): 32 bytes of shared secret.
 * @throws KeyError for a key that is not canonical or of low order (all-zero result, §6.1).
 */
export function agree(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  assertLength('privateKey', privateKey, KEY_LENGTH);
  assertPublicKey(publicKey);
  try {
    return x25519.getSharedSecret(privateKey, publicKey);
  } catch {
    throw new KeyError();
  }
}

/**
 * Edwards form (RFC 8032, 32 bytes) of an X25519 public key: y = (u−1)/(u+1), with the given sign bit (XEdDSA §2.3).
 * @throws KeyError for u = −1, which has no Edwards form, and for keys that are not canonical.
 */
export function toEdwards(publicKey: Uint8Array, sign: 0 | 1): Uint8Array {
  assertPublicKey(publicKey);
  const { Fp } = ed25519.Point;
  const u = littleEndian(publicKey);
  if (u === FIELD_PRIME - 1n) throw new KeyError();
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

/** True if `signature` (64 bytes) is a strict, cofactorless Ed25519 signature of `message` (RFC 8032 §5.1.7). */
export function verifyEd25519(
  signature: Uint8Array,
  message: Uint8Array,
  edwardsKey: Uint8Array,
): boolean {
  try {
    return ed25519.verify(signature, message, edwardsKey, { zip215: false });
  } catch {
    return false;
  }
}

/** Where two keys are compared: the same bytes. */
export const sameKey = equalBytes;

/** The 33-byte wire form of a Curve25519 key: 05 and the key (libsignal). */
export function withType(publicKey: Uint8Array): Uint8Array {
  assertLength('publicKey', publicKey, KEY_LENGTH);
  return concat(Uint8Array.of(5), publicKey);
}
