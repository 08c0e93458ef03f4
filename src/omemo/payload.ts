// The payload of legacy OMEMO (wire §5.1): AES-128-GCM without associated data, its tag carried in the key material.
import { concat } from '../crypto/bytes';
import { decryptGcm, encryptGcm } from '../crypto/cipher';
import { OmemoError, withOmemoErrors } from './errors';
import type { Random } from './types';

const KEY_LENGTH = 16;
const TAG_LENGTH = 16;
/** Monal reads no other length. */
const IV_LENGTH = 12;

/** Encrypts a text: `payload` without tag, `iv` 12 bytes, `keyMaterial` 16-byte key and 16-byte tag. Draws 16, then 12 bytes. */
export function sealPayload(
  text: string,
  random: Random,
): {
  readonly payload: Uint8Array;
  readonly iv: Uint8Array;
  readonly keyMaterial: Uint8Array;
} {
  const key = random(KEY_LENGTH);
  const iv = random(IV_LENGTH);
  const sealed = encryptGcm(key, iv, new TextEncoder().encode(text));
  const end = sealed.length - TAG_LENGTH;
  return { payload: sealed.slice(0, end), iv, keyMaterial: concat(key, sealed.subarray(end)) };
}

/** What an empty message carries: `keyMaterial` 16 bytes, `iv` 12 bytes. Draws both. */
export function sealEmpty(random: Random): {
  readonly iv: Uint8Array;
  readonly keyMaterial: Uint8Array;
} {
  return { keyMaterial: random(KEY_LENGTH), iv: random(IV_LENGTH) };
}

/**
 * Opens a payload. The tag stands in the key material after byte 16, or, in the form of 2016, at the end of the payload
 * when the key material is exactly the key.
 * @throws OmemoError `malformed` for wrong lengths or text that is no UTF-8, `bad-mac` for a wrong tag.
 */
export function openPayload(input: {
  readonly keyMaterial: Uint8Array;
  readonly iv: Uint8Array;
  readonly payload: Uint8Array;
}): string {
  const { keyMaterial, iv, payload } = input;
  const isOldForm = keyMaterial.length === KEY_LENGTH;
  if (!isOldForm && keyMaterial.length < KEY_LENGTH + TAG_LENGTH) throw new OmemoError('malformed');
  if (iv.length !== 12 && iv.length !== 16) throw new OmemoError('malformed');
  const tag = keyMaterial.subarray(KEY_LENGTH);
  if (tag.length > TAG_LENGTH || (isOldForm && payload.length < TAG_LENGTH)) {
    throw new OmemoError('malformed');
  }
  const plaintext = withOmemoErrors(() =>
    decryptGcm(keyMaterial.subarray(0, KEY_LENGTH), iv, concat(payload, tag)),
  );
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plaintext);
  } catch {
    throw new OmemoError('malformed');
  }
}
