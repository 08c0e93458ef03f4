// The identity key of a device (design D3): held in X form, clamped, so that implementations that do not clamp agree.
import { assertLength, toHex } from '../crypto/bytes';
import { KEY_LENGTH, toEdwards, toMontgomery } from '../crypto/curve';
import { generateKeyPair, verifyEd25519 } from '../crypto/engine';
import { OmemoError, withOmemoErrors } from './errors';
import type { IdentityKeyPair, Random } from './types';

/** A fresh identity key pair; draws 32 bytes. */
export function generateIdentity(random: Random): Promise<IdentityKeyPair> {
  return generateKeyPair(random);
}

/** Every message covers our key in this form; a message for many devices converts it once. */
const converted = new WeakMap<Uint8Array, Uint8Array>();

/**
 * Our identity key in the form OMEMO 2 publishes: Ed25519, 32 bytes, sign 0 (wire §3).
 * @param identityKey X form, 32 bytes.
 */
export function edwardsOf(identityKey: Uint8Array): Uint8Array {
  const edwards = converted.get(identityKey) ?? toEdwards(identityKey, 0);
  converted.set(identityKey, edwards);
  return edwards;
}

/**
 * The X form (32 bytes) of an Ed25519 identity key as received, of either sign.
 * @throws OmemoError `bad-key` for a wrong length, bytes that are no canonical point, and points of low order.
 */
export function montgomeryOf(identityKeyEd: Uint8Array): Uint8Array {
  if (identityKeyEd.length !== KEY_LENGTH) throw new OmemoError('bad-key');
  return withOmemoErrors(() => toMontgomery(identityKeyEd));
}

/**
 * Did the device sign this label of its own (XEP-0384 0.9.1 §5.3.1). A label names no sign of the key, so both are tried.
 * @param identityKey X form, 32 bytes. @param signature 64 bytes.
 */
export async function isSignedLabel(
  identityKey: Uint8Array,
  label: string,
  signature: Uint8Array,
): Promise<boolean> {
  const message = new TextEncoder().encode(label);
  const checks = ([0, 1] as const).map((sign) =>
    verifyEd25519(signature, message, toEdwards(identityKey, sign)),
  );
  return (await Promise.all(checks)).includes(true);
}

/**
 * The fingerprint people compare (XEP-0384 0.9.1 §8): lowercase hex of the X form, eight groups of eight digits.
 * @param identityKey X form, 32 bytes.
 */
export function fingerprint(identityKey: Uint8Array): string {
  assertLength('identityKey', identityKey, KEY_LENGTH);
  return (toHex(identityKey).match(/.{8}/g) ?? []).join(' ');
}
