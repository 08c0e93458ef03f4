// Both engines give the same answers, above all where implementations of Ed25519 differ; and the right one is chosen.
import { ed25519 } from '@noble/curves/ed25519.js';
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { isStrictSignature, KeyError, littleEndian } from '../../src/crypto/curve';
import { nobleAgreement, nobleVerification } from '../../src/crypto/curve-noble';
import { webAgreement, webVerification } from '../../src/crypto/curve-webcrypto';
import { agree, generateKeyPair, publicKeyOf, verifyEd25519 } from '../../src/crypto/engine';
import { sha512 } from '../../src/crypto/kdf';
import { hex } from '../vectors/vectors';

const { crypto } = globalThis;
const { subtle } = crypto;
/** The library blinds its scalars. */
const getRandomValues = crypto.getRandomValues.bind(crypto);
const { Point } = ed25519;
const { ORDER } = Point.Fn;

const random = (length: number) => new Uint8Array(randomBytes(length));

function bytesOf(value: bigint): Uint8Array {
  return hex(value.toString(16).padStart(64, '0')).reverse();
}

/** A point of order 8 (its y stands in libsodium's list of small-order points). */
const TORSION = Point.fromBytes(
  hex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'),
);

/** A signature whose key, or R, has a part of small order: it holds with cofactor, and without for some messages only. */
function mixed(message: Uint8Array, isKeyMixed: boolean) {
  const [a, r] = [littleEndian(random(32)) % ORDER, littleEndian(random(32)) % ORDER];
  const [key, commitment] = [Point.BASE.multiply(a), Point.BASE.multiply(r)];
  const keyBytes = (isKeyMixed ? key.add(TORSION) : key).toBytes();
  const commitmentBytes = (isKeyMixed ? commitment : commitment.add(TORSION)).toBytes();
  const k =
    littleEndian(sha512(Uint8Array.of(...commitmentBytes, ...keyBytes, ...message))) % ORDER;
  const signature = Uint8Array.of(...commitmentBytes, ...bytesOf((r + k * a) % ORDER));
  return { signature, key: keyBytes, holds: isKeyMixed && k % 8n === 0n };
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('the two engines', () => {
  const [web, noble] = [webAgreement(subtle), nobleAgreement];
  const verifiers = [webVerification(subtle), nobleVerification];

  test('make the same public keys and secrets', async () => {
    for (let i = 0; i < 20; i++) {
      const [own, other] = [random(32), await noble.publicKeyOf(random(32))];
      expect(await web.publicKeyOf(own)).toEqual(await noble.publicKeyOf(own));
      expect(await web.agree(own, other)).toEqual(await noble.agree(own, other));
    }
  });

  test.each(['00', '01'])('refuse u = %s, of low order', async (u) => {
    const key = hex(u + '00'.repeat(31));
    await expect(web.agree(random(32), key)).rejects.toThrow(KeyError);
    await expect(noble.agree(random(32), key)).rejects.toThrow(KeyError);
  });

  test('go by the bytes at the time of the call, whatever array they come in', async () => {
    const bytes = random(64);
    const view = bytes.subarray(16, 48);
    expect(await web.publicKeyOf(view)).toEqual(await noble.publicKeyOf(bytes.slice(16, 48)));
  });

  test.each([true, false])(
    'decide without cofactor about a part of small order, in the key: %s',
    async (isKeyMixed) => {
      const wanted = new Set<boolean>();
      for (let i = 0; i < 64; i++) {
        const message = random(33);
        const { signature, key, holds } = mixed(message, isKeyMixed);
        expect(isStrictSignature(signature, key)).toBe(true);
        for (const { verify } of verifiers)
          expect(await verify(signature, message, key)).toBe(holds);
        // The library's own answer, for which any such signature is good.
        expect(ed25519.verify(signature, message, key, { zip215: false })).toBe(true);
        wanted.add(holds);
      }
      expect(wanted.size).toBe(isKeyMixed ? 2 : 1);
    },
  );

  test('refuse a key and an R that are no points', async () => {
    const [signature, message] = [random(64), random(33)];
    signature[63] = 0;
    // y = 2 has no x.
    const none = bytesOf(2n);
    const { key } = mixed(message, false);
    for (const { verify } of verifiers) {
      expect(await verify(signature, message, none)).toBe(false);
      expect(await verify(Uint8Array.of(...none, ...signature.slice(32)), message, key)).toBe(
        false,
      );
    }
  });
});

describe('strict form', () => {
  const message = random(33);
  const { signature, key } = mixed(message, false);
  const withR = (r: Uint8Array) => Uint8Array.of(...r, ...signature.slice(32));

  test.each([
    ['y = 1', bytesOf(1n)],
    ['y = 0', bytesOf(0n)],
    ['y = −1', bytesOf(Point.Fp.ORDER - 1n)],
    ['order 8', TORSION.toBytes()],
    ['order 8, the other y', TORSION.multiply(3n).toBytes()],
    ['order 8 with a sign', TORSION.negate().toBytes()],
    ['y = p, not canonical', bytesOf(Point.Fp.ORDER)],
    ['y = p + 1, not canonical', bytesOf(Point.Fp.ORDER + 1n)],
    ['y = 2^255 − 1, not canonical', bytesOf(2n ** 255n - 1n)],
  ])('has no key and no R of %s', async (_name, point) => {
    expect(isStrictSignature(signature, point)).toBe(false);
    expect(isStrictSignature(withR(point), key)).toBe(false);
    expect(await verifyEd25519(withR(point), message, key)).toBe(false);
  });

  test('has S below the group order', () => {
    const withS = (s: bigint) => Uint8Array.of(...signature.slice(0, 32), ...bytesOf(s));
    expect(isStrictSignature(withS(ORDER - 1n), key)).toBe(true);
    expect(isStrictSignature(withS(ORDER), key)).toBe(false);
  });
});

describe('the choice', () => {
  const pair = async () => {
    const own = await generateKeyPair(random);
    expect(own.publicKey).toEqual(await nobleAgreement.publicKeyOf(own.privateKey));
    const other = await publicKeyOf(random(32));
    expect(await agree(own.privateKey, other)).toEqual(
      await nobleAgreement.agree(own.privateKey, other),
    );
  };
  const missing = (name: string) => ({
    importKey: vi.fn((...args: Parameters<SubtleCrypto['importKey']>) =>
      args[2] === name
        ? Promise.reject(new DOMException('no such algorithm', 'NotSupportedError'))
        : subtle.importKey(...args),
    ),
    exportKey: vi.fn((format: 'jwk', key: CryptoKey) => subtle.exportKey(format, key)),
    deriveBits: vi.fn((...args: Parameters<SubtleCrypto['deriveBits']>) =>
      subtle.deriveBits(...args),
    ),
    verify: vi.fn((...args: Parameters<SubtleCrypto['verify']>) => subtle.verify(...args)),
  });

  test('is the browser where it has both', async () => {
    const all = missing('none');
    vi.stubGlobal('crypto', { getRandomValues, subtle: all });
    await pair();
    expect(all.deriveBits).toHaveBeenCalledTimes(2); // once to see whether it works
    expect(all.exportKey).toHaveBeenCalled();
  });

  test('is JavaScript for what the browser has not, and only for that', async () => {
    const withoutX = missing('X25519');
    vi.stubGlobal('crypto', { getRandomValues, subtle: withoutX });
    await pair();
    const { signature, key } = mixed(random(33), false);
    await verifyEd25519(signature, random(33), key);
    expect(withoutX.deriveBits).not.toHaveBeenCalled();
    expect(withoutX.verify).toHaveBeenCalledTimes(2);
    const withoutEd = missing('Ed25519');
    vi.stubGlobal('crypto', { getRandomValues, subtle: withoutEd });
    await pair();
    await verifyEd25519(signature, random(33), key);
    expect(withoutEd.deriveBits).toHaveBeenCalledTimes(2);
    expect(withoutEd.verify).not.toHaveBeenCalled();
  });

  test('is JavaScript where there is no WebCrypto', async () => {
    vi.stubGlobal('crypto', { getRandomValues });
    await pair();
  });

  test('refuses a secret of zeros even of an engine that gives it', async () => {
    const careless = { ...missing('none'), deriveBits: async () => new ArrayBuffer(32) };
    vi.stubGlobal('crypto', { getRandomValues, subtle: careless });
    await expect(agree(random(32), new Uint8Array(32))).rejects.toThrow(KeyError);
  });
});
