// The archive answers every re-fetch (design D6): what a ciphertext said, by a key made of what both a live delivery and a
// later fetch show. The chat is not part of the key but of the record, so that an old ciphertext replayed elsewhere is
// recognised instead of being answered.
import { concat, toHex } from '../crypto/bytes';
import { sha256 } from '../crypto/kdf';
import type { BareJid } from '../jid';
import type { OmemoVersion } from '../omemo/types';
import { scopedKey, type Scope } from './context';

/**
 * What names a ciphertext. The sender's device id is not part of it: it is not authenticated, and a copy under a changed id
 * must not make the genuine message unreadable. `key` is the one for our device; absent in a message of our own device.
 */
export interface Ciphertext {
  readonly version: OmemoVersion;
  readonly sender: BareJid;
  readonly key?: Uint8Array;
  readonly iv?: Uint8Array;
  readonly payload?: Uint8Array;
}

/** Length and bytes, so that no two lists of parts give the same bytes; an absent part is not an empty one. */
function part(bytes: Uint8Array | undefined): Uint8Array {
  const length = bytes === undefined ? 0xffffffff : bytes.length;
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, length);
  return concat(head, bytes ?? new Uint8Array(0));
}

/** The record key of a ciphertext in the archive of an account. */
export function archiveKey(scope: Scope, ciphertext: Ciphertext): string {
  const { version, sender, key, iv, payload } = ciphertext;
  const text = (value: string): Uint8Array => part(new TextEncoder().encode(value));
  const digest = sha256(concat(text(version), text(sender), part(key), part(iv), part(payload)));
  return scopedKey(scope, toHex(digest));
}
