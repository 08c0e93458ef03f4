// Base64 as it stands in stanzas: standard alphabet, white space anywhere, strict otherwise.
import { StanzaError } from '../errors';

const CHUNK = 0x8000;

/** @throws StanzaError `malformed`. */
export function fromBase64(text: string): Uint8Array {
  const compact = text.replace(/\s+/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) throw new StanzaError('malformed');
  let binary: string;
  try {
    binary = atob(compact);
  } catch {
    throw new StanzaError('malformed'); // a length no base64 has
  }
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let from = 0; from < bytes.length; from += CHUNK) {
    binary += String.fromCharCode(...bytes.subarray(from, from + CHUNK));
  }
  return btoa(binary);
}
