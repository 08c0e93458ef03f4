// Failures of the core that peers can cause. Callers' mistakes are TypeError and RangeError.
import { CipherError } from '../crypto/cipher';
import { KeyError } from '../crypto/curve';
import { RatchetError } from '../crypto/ratchet';

/** Stable codes; each has another answer. */
export type OmemoErrorCode =
  | 'malformed' // bytes do not have the form of the version
  | 'bad-key' // a public key of wrong length, not canonical or of low order
  | 'bad-signature' // the signed prekey is not signed by the identity key
  | 'no-prekeys' // a bundle without usable one-time prekey
  | 'no-session' // an ordinary message, and no session opens it
  | 'unknown-prekey' // a key exchange with a signed or one-time prekey we do not have
  | 'bad-mac' // damaged or forged
  | 'duplicate' // its message key was already used
  | 'too-far'; // skips more messages than allowed

/** A message or bundle that cannot be used. State is never changed by it. */
export class OmemoError extends Error {
  readonly code: OmemoErrorCode;
  readonly retry = false;
  constructor(code: OmemoErrorCode) {
    super(`omemo: ${code}`);
    this.name = 'OmemoError';
    this.code = code;
  }
}

function asOmemoError(error: unknown): unknown {
  if (error instanceof KeyError) return new OmemoError('bad-key');
  if (error instanceof CipherError) return new OmemoError('bad-mac');
  if (error instanceof RatchetError) return new OmemoError(error.code);
  return error;
}

/** Runs a step of the layer below and gives its errors our type. @throws OmemoError */
export function withOmemoErrors<T>(step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw asOmemoError(error);
  }
}

/** The same for a step that takes its time. @throws OmemoError */
export async function awaitWithOmemoErrors<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw asOmemoError(error);
  }
}
