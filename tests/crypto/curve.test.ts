// Curve25519 against RFC 7748, RFC 8032, node:crypto and the key conversions of the vectors.
import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
  sign,
} from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  assertPublicKey,
  clamp,
  KeyError,
  toEdwards,
  toMontgomery,
  withType,
} from '../../src/crypto/curve';
import { agree, generateKeyPair, publicKeyOf, verifyEd25519 } from '../../src/crypto/engine';
import { hex, vectors } from '../vectors/vectors';

// RFC 8410 §4 and §7: what stands before the 32 bytes of a key in DER.
const X25519_PRIVATE = '302e020100300506032b656e04220420';
const X25519_PUBLIC = '302a300506032b656e032100';

function nodeAgree(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const secret = diffieHellman({
    privateKey: createPrivateKey({
      key: Buffer.concat([hex(X25519_PRIVATE), privateKey]),
      format: 'der',
      type: 'pkcs8',
    }),
    publicKey: createPublicKey({
      key: Buffer.concat([hex(X25519_PUBLIC), publicKey]),
      format: 'der',
      type: 'spki',
    }),
  });
  return new Uint8Array(secret);
}

function nodePublic(privateKey: Uint8Array): Uint8Array {
  const key = createPrivateKey({
    key: Buffer.concat([hex(X25519_PRIVATE), privateKey]),
    format: 'der',
    type: 'pkcs8',
  });
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return new Uint8Array(der.subarray(-32));
}

function bytes(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length));
}

/** u as 32 bytes, little-endian. */
function encodeU(value: bigint): Uint8Array {
  return hex(value.toString(16).padStart(64, '0')).reverse();
}

const P = 2n ** 255n - 19n;

/** The points of order 1, 2, 4 and 8 below p (D. J. Bernstein, cr.yp.to/ecdh.html#validate; RFC 7748 §6.1 and §7). */
const LOW_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
];

describe('X25519', () => {
  test('gives the results of RFC 7748 §5.2', async () => {
    expect(
      await agree(
        hex('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4'),
        hex('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c'),
      ),
    ).toEqual(hex('c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552'));
    // The second u of the section has bit 255 set: refused as it stands, its masked form gives the result.
    const scalar = hex('4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d');
    const u = hex('e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493');
    await expect(() => agree(scalar, u)).rejects.toThrow(KeyError);
    u[31] = 0x13;
    expect(await agree(scalar, u)).toEqual(
      hex('95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957'),
    );
  });

  test('gives the iterated results of RFC 7748 §5.2 after 1 and 1000 rounds', async () => {
    let k = encodeU(9n);
    let u = k;
    for (let i = 1; i <= 1000; i++) {
      [k, u] = [await agree(k, u), k];
      if (i === 1) {
        expect(k).toEqual(hex('422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079'));
      }
    }
    expect(k).toEqual(hex('684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51'));
  }, 60_000);

  test('gives the keys and the secret of RFC 7748 §6.1', async () => {
    const a = hex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a');
    const b = hex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb');
    expect(await publicKeyOf(a)).toEqual(
      hex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a'),
    );
    expect(await publicKeyOf(b)).toEqual(
      hex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f'),
    );
    const secret = hex('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742');
    expect(await agree(a, await publicKeyOf(b))).toEqual(secret);
    expect(await agree(b, await publicKeyOf(a))).toEqual(secret);
  });

  test('agrees with node:crypto on random keys, clamped or not', async () => {
    for (let i = 0; i < 100; i++) {
      const [a, b] = [bytes(32), bytes(32)];
      expect(await publicKeyOf(a)).toEqual(nodePublic(a));
      expect(await publicKeyOf(clamp(a))).toEqual(nodePublic(a));
      expect(await agree(a, nodePublic(b))).toEqual(nodeAgree(b, nodePublic(a)));
    }
  });

  test('agrees with node:crypto on random u, on the curve or its twist', async () => {
    for (let i = 0; i < 100; i++) {
      const [a, u] = [bytes(32), bytes(32)];
      u[31] = (u[31] ?? 0) & 0x3f;
      expect(await agree(a, u)).toEqual(nodeAgree(a, u));
    }
  });

  test('makes clamped key pairs from 32 bytes of the random source', async () => {
    const drawn = bytes(32);
    const lengths: number[] = [];
    const pair = await generateKeyPair((length) => {
      lengths.push(length);
      return drawn;
    });
    expect(lengths).toEqual([32]);
    expect(pair.publicKey).toEqual(nodePublic(drawn));
    expect((pair.privateKey[0] ?? 1) & 7).toBe(0);
    expect((pair.privateKey[31] ?? 0) & 0xc0).toBe(0x40);
    expect(pair.privateKey.subarray(1, 31)).toEqual(drawn.subarray(1, 31));
  });

  test('clamps a copy', () => {
    const scalar = new Uint8Array(32).fill(0xff);
    expect(clamp(scalar)).toEqual(hex(`f8${'ff'.repeat(30)}7f`));
    expect(scalar).toEqual(new Uint8Array(32).fill(0xff));
    expect(clamp(new Uint8Array(32))).toEqual(hex(`${'00'.repeat(31)}40`));
  });
});

describe('refused public keys', () => {
  test.each(LOW_ORDER)('refuses the low-order point %s', async (point) => {
    for (let i = 0; i < 5; i++) {
      const privateKey = bytes(32);
      await expect(() => agree(privateKey, hex(point))).rejects.toThrow(KeyError);
      // The independent implementation refuses it too: the list is right.
      expect(() => nodeAgree(privateKey, hex(point))).toThrow();
    }
  });

  test.each(Array.from({ length: 19 }, (_, i) => i))('refuses u = p + %i', async (i) => {
    expect(() => assertPublicKey(encodeU(P + BigInt(i)))).toThrow(KeyError);
    await expect(() => agree(bytes(32), encodeU(P + BigInt(i)))).rejects.toThrow(KeyError);
    expect(() => toEdwards(encodeU(P + BigInt(i)), 0)).toThrow(KeyError);
  });

  test('accepts the largest canonical u that has a usable point, p − 2', async () => {
    expect(() => assertPublicKey(encodeU(P - 1n))).not.toThrow();
    const privateKey = bytes(32);
    expect(await agree(privateKey, encodeU(P - 2n))).toEqual(
      nodeAgree(privateKey, encodeU(P - 2n)),
    );
  });

  test('refuses an honest key, and every low-order point, with bit 255 set', async () => {
    for (const key of [nodePublic(bytes(32)), ...LOW_ORDER.map(hex)]) {
      key[31] = (key[31] ?? 0) | 0x80;
      expect(() => assertPublicKey(key)).toThrow(KeyError);
      await expect(() => agree(bytes(32), key)).rejects.toThrow(KeyError);
    }
  });

  test.each([0, 31, 33, 64])('refuses a public key of %i bytes', async (length) => {
    expect(() => assertPublicKey(bytes(length))).toThrow(KeyError);
    await expect(() => agree(bytes(32), bytes(length))).rejects.toThrow(KeyError);
    expect(() => toEdwards(bytes(length), 0)).toThrow(KeyError);
  });

  test('names bad-key in its code, and a wrong private key as the mistake of the caller', async () => {
    expect(new KeyError().code).toBe('bad-key');
    await expect(() => agree(bytes(31), nodePublic(bytes(32)))).rejects.toThrow(
      new RangeError('privateKey: want 32 bytes, got 31'),
    );
    await expect(() => publicKeyOf(bytes(33))).rejects.toThrow(RangeError);
    expect(() => clamp(bytes(0))).toThrow(RangeError);
    expect(() => withType(bytes(33))).toThrow(RangeError);
    expect(() => toMontgomery(bytes(31))).toThrow(RangeError);
  });
});

describe('key forms', () => {
  test.each(vectors.keyConversions)('converts $curve25519Pub both ways', async (keys) => {
    const sign = (hex(keys.ed25519Pub)[31] ?? 0) >> 7 === 0 ? 0 : 1;
    expect(await publicKeyOf(hex(keys.priv))).toEqual(hex(keys.curve25519Pub));
    expect(toEdwards(hex(keys.curve25519Pub), sign)).toEqual(hex(keys.ed25519Pub));
    expect(toEdwards(hex(keys.curve25519Pub), 0)).toEqual(hex(keys.ed25519PubSign0));
    expect(toMontgomery(hex(keys.ed25519Pub))).toEqual(hex(keys.curve25519Pub));
    expect(toMontgomery(hex(keys.ed25519PubSign0))).toEqual(hex(keys.curve25519Pub));
  });

  test('the vectors hold keys of both signs', () => {
    const signs = vectors.keyConversions.map(({ ed25519Pub }) => (hex(ed25519Pub)[31] ?? 0) >> 7);
    expect(new Set(signs)).toEqual(new Set([0, 1]));
  });

  test('refuses u = −1, and Edwards bytes that are no point', () => {
    expect(() => toEdwards(encodeU(P - 1n), 0)).toThrow(KeyError);
    expect(() => toEdwards(encodeU(P - 1n), 1)).toThrow(KeyError);
    // y = 2 has no x: (y² − 1) / (dy² + 1) is no square (RFC 8032 §5.1.3).
    expect(() => toMontgomery(encodeU(2n))).toThrow(KeyError);
  });

  test('refuses or answers zero, never another key, for the neutral element y = 1', () => {
    let u: Uint8Array | undefined;
    try {
      u = toMontgomery(encodeU(1n));
    } catch (error) {
      expect(error).toBeInstanceOf(KeyError);
    }
    if (u !== undefined) expect(u).toEqual(new Uint8Array(32));
  });

  test('writes the type byte 05 before the key', () => {
    const key = bytes(32);
    expect(withType(key)).toEqual(Uint8Array.of(5, ...key));
  });
});

describe('Ed25519', () => {
  // RFC 8032 §7.1, tests 1 and 2.
  test.each([
    {
      publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      message: '',
      signature:
        'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    },
    {
      publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      message: '72',
      signature:
        '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    },
  ])('verifies RFC 8032 §7.1 $publicKey', async ({ publicKey, message, signature }) => {
    expect(await verifyEd25519(hex(signature), hex(message), hex(publicKey))).toBe(true);
    expect(await verifyEd25519(hex(signature), hex(`${message}00`), hex(publicKey))).toBe(false);
  });

  test('verifies what node:crypto signs, and nothing beside it', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const key = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
    const message = bytes(33);
    const signature = new Uint8Array(sign(null, message, privateKey));
    expect(await verifyEd25519(signature, message, key)).toBe(true);
    expect(await verifyEd25519(signature, bytes(33), key)).toBe(false);
    expect(await verifyEd25519(signature, message, bytes(32))).toBe(false);
    expect(await verifyEd25519(signature.slice(0, 63), message, key)).toBe(false);
    expect(await verifyEd25519(signature, message, key.slice(0, 31))).toBe(false);
  });

  test('refuses a key of small order, under which any message would verify', async () => {
    // A = R = the neutral element, s = 0: the equation of RFC 8032 §5.1.7 holds for every message.
    const signature = new Uint8Array(64);
    signature[0] = 1;
    expect(await verifyEd25519(signature, bytes(33), encodeU(1n))).toBe(false);
  });
});
