// X25519 and Ed25519 in JavaScript, over @noble/curves: works everywhere, at a tenth of the browser's speed. The base-point
// tables of the library are made at their first use; nothing is computed when this file loads.
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { concat, equalBytes } from './bytes';
import { KeyError, littleEndian } from './curve';
import type { Agreement, Verification } from './engine';
import { sha512 } from './kdf';

/** X25519 by the library. */
export const nobleAgreement: Agreement = {
  publicKeyOf: async (privateKey) => x25519.getPublicKey(privateKey),

  async agree(privateKey, publicKey) {
    try {
      return x25519.getSharedSecret(privateKey, publicKey);
    } catch {
      // The inputs have the right form: what it refuses is an all-zero result.
      throw new KeyError();
    }
  },
};

/** Ed25519 without cofactor, as browsers and the libsignal family have it; the library's own `verify` multiplies by it. */
export const nobleVerification: Verification = {
  async verify(signature, message, edwardsKey) {
    const { Point } = ed25519;
    const commitment = signature.subarray(0, 32);
    const k = littleEndian(sha512(concat(commitment, edwardsKey, message))) % Point.Fn.ORDER;
    try {
      const key = Point.fromBytes(edwardsKey);
      const s = Point.BASE.multiplyUnsafe(littleEndian(signature.subarray(32)));
      return equalBytes(s.subtract(key.multiplyUnsafe(k)).toBytes(), commitment);
    } catch {
      // Bytes that are no point on the curve.
      return false;
    }
  },
};
