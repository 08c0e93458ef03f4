// Who computes on the curve: the browser where it can, else JavaScript. The only place that chooses. Both sides of the choice
// see inputs of the same strict form and give the same answers (tests/crypto/engine.test.ts).
import { assertLength } from './bytes';
import { assertPublicKey, clamp, isStrictSignature, KEY_LENGTH, KeyError } from './curve';
import { nobleAgreement, nobleVerification } from './curve-noble';
import { webAgreement, webVerification } from './curve-webcrypto';

/** X25519; private keys 32 bytes, public ones canonical. `agree` throws KeyError for an all-zero result. */
export interface Agreement {
  publicKeyOf(privateKey: Uint8Array): Promise<Uint8Array>;
  agree(privateKey: Uint8Array, publicKey: Uint8Array): Promise<Uint8Array>;
}

/** Ed25519 without cofactor, for signatures and keys of the strict form. */
export interface Verification {
  verify(signature: Uint8Array, message: Uint8Array, edwardsKey: Uint8Array): Promise<boolean>;
}

type Engine = Agreement & Verification;

/** Any key will do to find out whether an algorithm is there; this one has no weak form. */
const PROBE = new Uint8Array(KEY_LENGTH).fill(9);

/** Browsers got X25519 and Ed25519 in different versions, and tell by an error. */
async function works(probe: () => Promise<unknown>): Promise<boolean> {
  try {
    await probe();
    return true;
  } catch {
    return false;
  }
}

async function choose(subtle: SubtleCrypto | undefined): Promise<Engine> {
  if (subtle === undefined) return { ...nobleAgreement, ...nobleVerification };
  const [agreement, verification] = [webAgreement(subtle), webVerification(subtle)];
  const [agrees, verifies] = await Promise.all([
    works(async () => agreement.agree(PROBE, await agreement.publicKeyOf(PROBE))),
    works(() => verification.verify(new Uint8Array(64), PROBE, PROBE)),
  ]);
  return {
    ...(agrees ? agreement : nobleAgreement),
    ...(verifies ? verification : nobleVerification),
  };
}

let chosen:
  { readonly subtle: SubtleCrypto | undefined; readonly engine: Promise<Engine> } | undefined;

/** Chosen at the first use; anew only where a test replaces the browser's part. */
function engine(): Promise<Engine> {
  // Absent outside secure contexts.
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle;
  if (chosen === undefined || chosen.subtle !== subtle) chosen = { subtle, engine: choose(subtle) };
  return chosen.engine;
}

/** X25519 public key (32 bytes) of a private key (32 bytes, clamped on use). */
export async function publicKeyOf(privateKey: Uint8Array): Promise<Uint8Array> {
  assertLength('privateKey', privateKey, KEY_LENGTH);
  return (await engine()).publicKeyOf(privateKey);
}

/** A fresh X25519 key pair, the private half clamped. Draws 32 bytes, before it returns. */
export async function generateKeyPair(random: (length: number) => Uint8Array): Promise<{
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}> {
  const privateKey = clamp(random(KEY_LENGTH));
  return { privateKey, publicKey: await publicKeyOf(privateKey) };
}

/**
 * X25519 (RFC 7748 §5): 32 bytes of shared secret.
 * @throws KeyError for a key that is not canonical or of low order (all-zero result, §6.1).
 */
export async function agree(privateKey: Uint8Array, publicKey: Uint8Array): Promise<Uint8Array> {
  assertLength('privateKey', privateKey, KEY_LENGTH);
  assertPublicKey(publicKey);
  const secret = await (await engine()).agree(privateKey, publicKey);
  // §6.1 leaves the check to the caller; an engine that does not make it must not decide.
  if (secret.every((byte) => byte === 0)) throw new KeyError();
  return secret;
}

/**
 * True if `signature` (64 bytes) is an Ed25519 signature of `message` (RFC 8032 §5.1.7, without cofactor) in strict form:
 * key and R canonical and not of low order, S reduced.
 */
export async function verifyEd25519(
  signature: Uint8Array,
  message: Uint8Array,
  edwardsKey: Uint8Array,
): Promise<boolean> {
  if (!isStrictSignature(signature, edwardsKey)) return false;
  return (await engine()).verify(signature, message, edwardsKey);
}
