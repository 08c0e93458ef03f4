import { describe, expect, test } from 'vitest';
import { edwardsOf, fingerprint, generateIdentity, montgomeryOf } from '../../src/omemo/identity';
import { hex, vectors } from '../vectors/vectors';
import { codeOf } from './codes';
import { seeded } from './devices';

describe('the forms of an identity key', () => {
  test.each(vectors.keyConversions)('$ed25519Pub', (keys) => {
    const [x, ed] = [hex(keys.curve25519Pub), hex(keys.ed25519Pub)];
    expect(montgomeryOf(ed)).toEqual(x);
    expect(edwardsOf(x)).toEqual(hex(keys.ed25519PubSign0));
    expect(montgomeryOf(edwardsOf(x))).toEqual(x);
  });

  test('ours has sign 0', async () => {
    for (let i = 0; i < 8; i++) {
      const { publicKey } = await generateIdentity(seeded(`identity ${i}`));
      expect((edwardsOf(publicKey)[31] ?? 0xff) & 0x80).toBe(0);
    }
  });
});

/** Little-endian bytes of y, with the sign bit. */
function encode(y: bigint, sign: 0 | 1 = 0): Uint8Array {
  const bytes = hex(y.toString(16).padStart(64, '0')).reverse();
  bytes[31] = (bytes[31] ?? 0) | (sign << 7);
  return bytes;
}

const P = 2n ** 255n - 19n;
/** y of the points of order 8 (RFC 8032 curve; the same values stand in libsodium's list of small-order points). */
const ORDER_8 = [
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
];

describe('refused Ed25519 identity keys', () => {
  test.each([
    ['the neutral element, whose u is infinite', encode(1n)],
    ['the neutral element with a sign', encode(1n, 1)],
    ['order 2, y = −1', encode(P - 1n)],
    ['order 2 with a sign', encode(P - 1n, 1)],
    ['order 4, y = 0', encode(0n)],
    ['order 4, y = 0 with a sign', encode(0n, 1)],
    ['order 8', hex(ORDER_8[0] ?? '')],
    ['order 8, the other y', hex(ORDER_8[1] ?? '')],
    ['y = p, not canonical', encode(P)],
    ['y = p + 1, not canonical', encode(P + 1n)],
    ['y = 2^255 − 1, not canonical', encode(2n ** 255n - 1n)],
    ['y = 2, which is no point', encode(2n)],
    ['31 bytes', new Uint8Array(31)],
    ['33 bytes', new Uint8Array(33)],
    ['nothing', new Uint8Array(0)],
  ])('%s', async (_name, key) => {
    expect(await codeOf(() => montgomeryOf(key))).toBe('bad-key');
  });

  test.each(ORDER_8)('%s with a sign', async (y) => {
    const key = hex(y);
    key[31] = (key[31] ?? 0) | 0x80;
    expect(await codeOf(() => montgomeryOf(key))).toBe('bad-key');
  });
});

describe('fingerprint', () => {
  test('is the hex of the X form in eight groups of eight', () => {
    const key = Uint8Array.from({ length: 32 }, (_, i) => i);
    expect(fingerprint(key)).toBe(
      '00010203 04050607 08090a0b 0c0d0e0f 10111213 14151617 18191a1b 1c1d1e1f',
    );
  });

  test('of another length is the mistake of the caller', () => {
    expect(() => fingerprint(new Uint8Array(33))).toThrow(
      new RangeError('identityKey: want 32 bytes, got 33'),
    );
  });
});
