// The identity key of a device (design D3): held in X form, clamped, so that implementations that do not clamp agree.
import { assertLength, toHex } from '../crypto/bytes';
import { generateKeyPair, KEY_LENGTH } from '../crypto/curve';
import type { IdentityKeyPair, Random } from './types';

/** A fresh identity key pair; draws 32 bytes. */
export function generateIdentity(random: Random): IdentityKeyPair {
  return generateKeyPair(random);
}

/**
 * The fingerprint people compare (XEP-0384 0.9.1 §8): lowercase hex of the X form, eight groups of eight digits.
 * @param identityKey X form, 32 bytes.
 */
export function fingerprint(identityKey: Uint8Array): string {
  assertLength('identityKey', identityKey, KEY_LENGTH);
  return (toHex(identityKey).match(/.{8}/g) ?? []).join(' ');
}
