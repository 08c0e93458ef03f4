// XEdDSA byte for byte against the vectors, verified by node:crypto, and every flipped bit refused.
import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { KeyError, toEdwards } from '../../src/crypto/curve';
import { publicKeyOf } from '../../src/crypto/engine';
import { signXeddsa, verifyCurve25519 } from '../../src/crypto/xeddsa';
import { hex, vectors } from '../vectors/vectors';

/** RFC 8410 §4: what stands before the 32 bytes of an Ed25519 public key in DER. */
const ED25519_PUBLIC = '302a300506032b6570032100';

function nodeVerify(signature: Uint8Array, message: Uint8Array, edwardsKey: Uint8Array): boolean {
  const key = createPublicKey({
    key: Buffer.concat([hex(ED25519_PUBLIC), edwardsKey]),
    format: 'der',
    type: 'spki',
  });
  return verify(null, message, key, signature);
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return flipped;
}

function random(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length));
}

const cases = vectors.signatures.map((each) => ({
  ...each,
  publicKey: vectors.keyConversions.find(({ priv }) => priv === each.priv)?.curve25519Pub ?? '',
  signBit: (hex(each.libsignalCurveSignature)[63] ?? 0) >> 7,
}));

describe.each(cases)('the signature of $priv', (each) => {
  const message = hex(each.message);
  const publicKey = hex(each.publicKey);

  test('is made byte for byte with the random bytes of the vectors', () => {
    const signature = signXeddsa(hex(each.priv), message, hex(each.random64));
    expect(signature).toEqual(hex(each.xeddsaSignature));
  });

  test('verifies here, and with node:crypto under the Edwards key of sign 0', async () => {
    const signature = hex(each.xeddsaSignature);
    const [conversion] = vectors.keyConversions.filter(({ priv }) => priv === each.priv);
    const edwardsKey = hex(conversion?.ed25519PubSign0 ?? '');
    expect(await verifyCurve25519(signature, message, publicKey)).toBe(true);
    expect(nodeVerify(signature, message, edwardsKey)).toBe(true);
  });

  test('verifies in the form of libsignal, its sign bit telling the Edwards key', async () => {
    const signature = hex(each.libsignalCurveSignature);
    expect(await verifyCurve25519(signature, message, publicKey)).toBe(true);
    // Without the bit it is an Ed25519 signature under the key with that sign.
    const plain = Uint8Array.from(signature);
    plain[63] = (plain[63] ?? 0) & 0x7f;
    const edwardsKey = toEdwards(publicKey, each.signBit === 0 ? 0 : 1);
    expect(nodeVerify(plain, message, edwardsKey)).toBe(true);
    expect(await verifyCurve25519(flip(signature, 511), message, publicKey)).toBe(false);
  });

  test('is refused under another key, of another message and with other lengths', async () => {
    const signature = hex(each.libsignalCurveSignature);
    expect(await verifyCurve25519(signature, message, await publicKeyOf(random(32)))).toBe(false);
    expect(await verifyCurve25519(signature, message.slice(1), publicKey)).toBe(false);
    expect(await verifyCurve25519(signature.slice(0, 63), message, publicKey)).toBe(false);
    expect(await verifyCurve25519(Uint8Array.of(...signature, 0), message, publicKey)).toBe(false);
    expect(await verifyCurve25519(new Uint8Array(0), message, publicKey)).toBe(false);
    expect(await verifyCurve25519(new Uint8Array(64), message, publicKey)).toBe(false);
  });
});

test('the vectors hold keys and sign bits of both kinds', () => {
  expect(new Set(cases.map(({ signBit }) => signBit))).toEqual(new Set([0, 1]));
  expect(cases.every(({ publicKey }) => publicKey.length === 64)).toBe(true);
});

test.each([0, 1])('refuses every flipped bit, libsignal sign bit %i', async (sign) => {
  const each = cases.find(({ signBit }) => signBit === sign);
  if (each === undefined) throw new Error('no such vector');
  const [signature, message] = [hex(each.libsignalCurveSignature), hex(each.message)];
  const publicKey = hex(each.publicKey);
  const accepted: string[] = [];
  for (let bit = 0; bit < 512; bit++) {
    if (await verifyCurve25519(flip(signature, bit), message, publicKey)) accepted.push(`s${bit}`);
  }
  for (let bit = 0; bit < message.length * 8; bit++) {
    if (await verifyCurve25519(signature, flip(message, bit), publicKey)) accepted.push(`m${bit}`);
  }
  expect(accepted).toEqual([]);
  expect(await verifyCurve25519(signature, message, publicKey)).toBe(true);
});

test('refuses s + q, the same signature in other bytes (RFC 8032 §5.1.7)', async () => {
  // q of RFC 8032 §5.1, little-endian.
  const order = hex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010');
  for (const each of cases) {
    const signature = hex(each.xeddsaSignature);
    for (let i = 0, carry = 0; i < 32; i++) {
      const sum = (signature[32 + i] ?? 0) + (order[i] ?? 0) + carry;
      signature[32 + i] = sum & 0xff;
      carry = sum >> 8;
    }
    expect(await verifyCurve25519(signature, hex(each.message), hex(each.publicKey))).toBe(false);
  }
});

test('signatures of random keys have sign bit 0 and verify with node:crypto', async () => {
  for (let i = 0; i < 40; i++) {
    const [privateKey, message] = [random(32), random(i * 3)];
    const publicKey = await publicKeyOf(privateKey);
    const signature = signXeddsa(privateKey, message, random(64));
    expect(signature).toHaveLength(64);
    expect((signature[63] ?? 0) & 0x80).toBe(0);
    expect(nodeVerify(signature, message, toEdwards(publicKey, 0))).toBe(true);
    expect(await verifyCurve25519(signature, message, publicKey)).toBe(true);
  }
});

test('another nonce gives another signature, and the arguments stay as they are', () => {
  const [privateKey, message] = [random(32), random(33)];
  const [first, second] = [random(64), random(64)];
  const before = structuredClone([privateKey, message, first]);
  const a = signXeddsa(privateKey, message, first);
  expect([privateKey, message, first]).toEqual(before);
  expect(signXeddsa(privateKey, message, second)).not.toEqual(a);
});

test('a nonce of another length is the mistake of the caller', () => {
  expect(() => signXeddsa(random(32), random(1), random(63))).toThrow(
    new RangeError('nonce: want 64 bytes, got 63'),
  );
  expect(() => signXeddsa(random(31), random(1), random(64))).toThrow(RangeError);
});

test('a public key without Edwards form is a bad key', async () => {
  // u = −1 (p − 1): y would be a division by zero.
  const minusOne = hex(`ec${'ff'.repeat(30)}7f`);
  await expect(() => verifyCurve25519(new Uint8Array(64), random(33), minusOne)).rejects.toThrow(
    KeyError,
  );
});

test('no message verifies under the low-order key u = 0', async () => {
  // y = −1 has order 2: with R = −1 or 1 and s = 0 the equation holds for half of all messages.
  for (const r of [`01${'00'.repeat(31)}`, `ec${'ff'.repeat(30)}7f`]) {
    for (let i = 0; i < 16; i++) {
      const signature = Uint8Array.of(...hex(r), ...new Uint8Array(32));
      expect(await verifyCurve25519(signature, Uint8Array.of(i), new Uint8Array(32))).toBe(false);
    }
  }
});
