// X25519 and Ed25519 by the browser (Web Cryptography Level 2; RFC 8410 for the form of private keys).
import { concat } from './bytes';
import { KeyError } from './curve';
import type { Agreement, Verification } from './engine';

/** PrivateKeyInfo of an X25519 key up to its 32 bytes (RFC 8410 §7). */
const PKCS8 = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20);

/**
 * Imports key bytes once for as long as the array lives: a ratchet key agrees three times, an ephemeral key four times,
 * and an import costs nearly as much as an agreement (Chromium 156: 32 and 47 µs, Firefox 153: 49 and 84).
 */
function importing(
  read: (bytes: Uint8Array<ArrayBuffer>) => Promise<CryptoKey>,
): (bytes: Uint8Array) => Promise<CryptoKey> {
  const imported = new WeakMap<Uint8Array, Promise<CryptoKey>>();
  return (bytes) => {
    const known = imported.get(bytes);
    if (known !== undefined) return known;
    const reading = read(bytes.slice());
    imported.set(bytes, reading);
    return reading;
  };
}

function fromBase64Url(text: string): Uint8Array {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** Browsers name an all-zero result differently: Chromium OperationError, Firefox DataError. */
function isRefusal(error: unknown): boolean {
  return error instanceof DOMException && ['OperationError', 'DataError'].includes(error.name);
}

/** X25519 by the browser. Private keys are extractable: they are ours in bytes anyway. */
export function webAgreement(subtle: SubtleCrypto): Agreement {
  const importPrivate = importing((bytes) =>
    subtle.importKey('pkcs8', concat(PKCS8, bytes).slice(), 'X25519', true, ['deriveBits']),
  );
  const importPublic = importing((bytes) => subtle.importKey('raw', bytes, 'X25519', false, []));
  return {
    // The import has computed it: faster than an agreement with the base point, and than generateKey, which takes
    // Firefox 153 milliseconds.
    async publicKeyOf(privateKey) {
      const { x } = await subtle.exportKey('jwk', await importPrivate(privateKey));
      if (x === undefined) throw new TypeError('jwk: want x');
      return fromBase64Url(x);
    },

    async agree(privateKey, publicKey) {
      const key = await importPrivate(privateKey);
      try {
        const algorithm = { name: 'X25519', public: await importPublic(publicKey) };
        return new Uint8Array(await subtle.deriveBits(algorithm, key, 256));
      } catch (error) {
        if (isRefusal(error)) throw new KeyError();
        throw error;
      }
    },
  };
}

/** Ed25519 by the browser. */
export function webVerification(subtle: SubtleCrypto): Verification {
  return {
    async verify(signature, message, edwardsKey) {
      try {
        const key = await subtle.importKey('raw', edwardsKey.slice(), 'Ed25519', false, ['verify']);
        return await subtle.verify('Ed25519', key, signature.slice(), message.slice());
      } catch (error) {
        // Bytes that are no point on the curve.
        if (isRefusal(error)) return false;
        throw error;
      }
    },
  };
}
