// The payload of OMEMO 2 (XEP-0384 0.9.1 §4.4; wire §5.2): AES-256-CBC and a truncated HMAC-SHA-256 under keys derived
// from the payload key. No iv travels.
import { concat, equalBytes } from '../crypto/bytes';
import { expandMessageKey } from '../crypto/chain';
import { decryptCbc, encryptCbc } from '../crypto/cipher';
import { hmacSha256 } from '../crypto/kdf';
import { OmemoError, withOmemoErrors } from './errors';
import type { PayloadFormat } from './payload';
import type { Random } from './types';

const INFO = 'OMEMO Payload';
const KEY_LENGTH = 32;
const TAG_LENGTH = 16;

function tagOf(macKey: Uint8Array, payload: Uint8Array): Uint8Array {
  return hmacSha256(macKey, payload).slice(0, TAG_LENGTH);
}

/** The payload of OMEMO 2. */
export const omemo2Payload = {
  /** `keyMaterial`: 32-byte key and 16-byte tag. Draws 32 bytes. */
  seal(plaintext: Uint8Array, random: Random) {
    const key = random(KEY_LENGTH);
    const { encryptionKey, macKey, iv } = expandMessageKey(key, INFO);
    const payload = encryptCbc(encryptionKey, iv, plaintext);
    return { payload, keyMaterial: concat(key, tagOf(macKey, payload)) };
  },

  /** `keyMaterial`: 32 zero bytes. Draws nothing. */
  sealEmpty: () => ({ keyMaterial: new Uint8Array(KEY_LENGTH) }),

  open({ keyMaterial, payload }) {
    if (keyMaterial.length !== KEY_LENGTH + TAG_LENGTH) throw new OmemoError('malformed');
    const keys = expandMessageKey(keyMaterial.subarray(0, KEY_LENGTH), INFO);
    const isGenuine = equalBytes(tagOf(keys.macKey, payload), keyMaterial.subarray(KEY_LENGTH));
    if (!isGenuine) throw new OmemoError('bad-mac');
    return withOmemoErrors(() => decryptCbc(keys.encryptionKey, keys.iv, payload));
  },
} satisfies PayloadFormat;
