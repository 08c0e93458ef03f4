// The payload of a message: one text sealed under a fresh key, which travels as key material through each session. The
// text is the body in legacy, the SCE envelope in OMEMO 2 (wire §5); here it is only UTF-8.
import { OmemoError } from './errors';
import { legacyPayload } from './payload-legacy';
import { omemo2Payload } from './payload-omemo2';
import type { OmemoVersion, Random } from './types';

/** A payload and what goes through the sessions; `iv` (12 bytes) in legacy only. */
export interface SealedPayload {
  readonly payload: Uint8Array;
  readonly iv?: Uint8Array;
  readonly keyMaterial: Uint8Array;
}

/** What an empty message carries (wire §5.3). */
export type SealedEmpty = Omit<SealedPayload, 'payload'>;

/** The payload of one OMEMO version. `open` throws OmemoError `malformed` or `bad-mac`. */
export interface PayloadFormat {
  seal(plaintext: Uint8Array, random: Random): SealedPayload;
  sealEmpty(random: Random): SealedEmpty;
  open(sealed: SealedPayload): Uint8Array;
}

const FORMATS: Readonly<Record<OmemoVersion, PayloadFormat>> = {
  'eu.siacs.conversations.axolotl': legacyPayload,
  'urn:xmpp:omemo:2': omemo2Payload,
};

type Legacy = 'eu.siacs.conversations.axolotl';
type WithIv<T> = T & { readonly iv: Uint8Array };

/**
 * Encrypts a text. Legacy: `payload` without tag, `iv` 12 bytes, `keyMaterial` 32 bytes; draws 16, then 12 bytes.
 * OMEMO 2: no `iv`, `keyMaterial` 48 bytes; draws 32 bytes.
 */
export function sealPayload(version: Legacy, text: string, random: Random): WithIv<SealedPayload>;
export function sealPayload(version: OmemoVersion, text: string, random: Random): SealedPayload;
export function sealPayload(version: OmemoVersion, text: string, random: Random): SealedPayload {
  return FORMATS[version].seal(new TextEncoder().encode(text), random);
}

/**
 * What an empty message carries. Legacy: `keyMaterial` 16 and `iv` 12 bytes, both drawn. OMEMO 2: `keyMaterial` 32 zero
 * bytes, nothing drawn.
 */
export function sealEmpty(version: Legacy, random: Random): WithIv<SealedEmpty>;
export function sealEmpty(version: OmemoVersion, random: Random): SealedEmpty;
export function sealEmpty(version: OmemoVersion, random: Random): SealedEmpty {
  return FORMATS[version].sealEmpty(random);
}

/**
 * Opens a payload: the text. Legacy: `iv` 12 or 16 bytes, `keyMaterial` 32 bytes, or 16 when the payload ends with the
 * tag. OMEMO 2: `keyMaterial` 48 bytes, an `iv` is ignored.
 * @throws OmemoError `malformed` for wrong lengths or text that is no UTF-8, `bad-mac` for a wrong tag.
 */
export function openPayload(version: OmemoVersion, sealed: SealedPayload): string {
  const plaintext = FORMATS[version].open(sealed);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plaintext);
  } catch {
    throw new OmemoError('malformed');
  }
}
