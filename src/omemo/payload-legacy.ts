// The payload of legacy OMEMO (wire §5.1): AES-128-GCM without associated data, its tag carried in the key material.
import { concat } from '../crypto/bytes';
import { decryptGcm, encryptGcm } from '../crypto/cipher';
import { OmemoError, withOmemoErrors } from './errors';
import type { PayloadFormat } from './payload';
import type { Random } from './types';

const KEY_LENGTH = 16;
const TAG_LENGTH = 16;
/** Monal reads no other length. */
const IV_LENGTH = 12;

/** The legacy payload; `iv` is always there, 12 bytes. */
export const legacyPayload = {
  /** `keyMaterial`: 16-byte key and 16-byte tag. Draws 16, then 12 bytes. */
  seal(plaintext: Uint8Array, random: Random) {
    const key = random(KEY_LENGTH);
    const iv = random(IV_LENGTH);
    const sealed = encryptGcm(key, iv, plaintext);
    const end = sealed.length - TAG_LENGTH;
    return { payload: sealed.slice(0, end), iv, keyMaterial: concat(key, sealed.subarray(end)) };
  },

  /** `keyMaterial`: 16 bytes nobody uses. Draws 16, then 12 bytes. */
  sealEmpty: (random: Random) => ({ keyMaterial: random(KEY_LENGTH), iv: random(IV_LENGTH) }),

  /** The tag stands in the key material after byte 16, or, in the form of 2016, at the end of the payload. */
  open({ keyMaterial, iv, payload }) {
    const isOldForm = keyMaterial.length === KEY_LENGTH;
    if (!isOldForm && keyMaterial.length !== KEY_LENGTH + TAG_LENGTH) {
      throw new OmemoError('malformed');
    }
    if (iv?.length !== 12 && iv?.length !== 16) throw new OmemoError('malformed');
    if (isOldForm && payload.length < TAG_LENGTH) throw new OmemoError('malformed');
    const tag = keyMaterial.subarray(KEY_LENGTH);
    return withOmemoErrors(() =>
      decryptGcm(keyMaterial.subarray(0, KEY_LENGTH), iv, concat(payload, tag)),
    );
  },
} satisfies PayloadFormat;
