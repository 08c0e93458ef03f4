// The chains of the Double Ratchet (Signal, revision 1, §2.2, §5.2), with the info strings as parameters.
import { agree } from './engine';
import { hmac, hmacKey } from './hmac';
import { hkdfSha256 } from './kdf';

const MESSAGE_KEY = Uint8Array.of(1);
const NEXT_CHAIN_KEY = Uint8Array.of(2);

/** KDF_RK: the new root key and chain key, 32 bytes each, from a Diffie-Hellman output. @throws KeyError */
export async function stepRoot(
  rootKey: Uint8Array,
  privateKey: Uint8Array,
  remoteRatchetKey: Uint8Array,
  info: string,
): Promise<{ readonly rootKey: Uint8Array; readonly chainKey: Uint8Array }> {
  const bytes = hkdfSha256(await agree(privateKey, remoteRatchetKey), rootKey, info, 64);
  return { rootKey: bytes.slice(0, 32), chainKey: bytes.slice(32) };
}

/** KDF_CK: message key and next chain key, 32 bytes each. */
export function stepChain(chainKey: Uint8Array): {
  readonly messageKey: Uint8Array;
  readonly chainKey: Uint8Array;
} {
  const key = hmacKey(chainKey);
  return { messageKey: hmac(key, MESSAGE_KEY), chainKey: hmac(key, NEXT_CHAIN_KEY) };
}

/** What one message key becomes: AES-256 key (32), MAC key (32) and IV (16). */
export function expandMessageKey(
  messageKey: Uint8Array,
  info: string,
): {
  readonly encryptionKey: Uint8Array;
  readonly macKey: Uint8Array;
  readonly iv: Uint8Array;
} {
  const bytes = hkdfSha256(messageKey, undefined, info, 80);
  return {
    encryptionKey: bytes.slice(0, 32),
    macKey: bytes.slice(32, 64),
    iv: bytes.slice(64),
  };
}
