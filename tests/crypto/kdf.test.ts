// SHA-2, HMAC and HKDF against their RFCs and node:crypto.
import { createHash, createHmac, hkdfSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hkdfSha256, hmacSha256, sha256, sha512 } from '../../src/crypto/kdf';
import { hex } from '../vectors/vectors';

const runs = { seed: 20_261_124, numRuns: 200 };
const anyBytes = fc.uint8Array({ maxLength: 200 });

function ascii(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'ascii'));
}

function fill(byte: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(byte);
}

function count(from: number, to: number): Uint8Array {
  return Uint8Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

describe('hashes', () => {
  test('are those of node:crypto', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(sha256(bytes)).toEqual(hex(createHash('sha256').update(bytes).digest('hex')));
        expect(sha512(bytes)).toEqual(hex(createHash('sha512').update(bytes).digest('hex')));
      }),
      runs,
    );
  });
});

describe('HMAC-SHA-256', () => {
  // RFC 4231 §4.2 to §4.5, §4.7 and §4.8 (§4.6 truncates).
  test.each([
    {
      section: '4.2',
      key: fill(0x0b, 20),
      data: ascii('Hi There'),
      mac: 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    },
    {
      section: '4.3',
      key: ascii('Jefe'),
      data: ascii('what do ya want for nothing?'),
      mac: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    },
    {
      section: '4.4',
      key: fill(0xaa, 20),
      data: fill(0xdd, 50),
      mac: '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe',
    },
    {
      section: '4.5',
      key: count(0x01, 0x19),
      data: fill(0xcd, 50),
      mac: '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
    },
    {
      section: '4.7',
      key: fill(0xaa, 131),
      data: ascii('Test Using Larger Than Block-Size Key - Hash Key First'),
      mac: '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    },
    {
      section: '4.8',
      key: fill(0xaa, 131),
      data: ascii(
        'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.',
      ),
      mac: '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
    },
  ])('gives the result of RFC 4231 §$section', ({ key, data, mac }) => {
    expect(hmacSha256(key, data)).toEqual(hex(mac));
  });

  test('is that of node:crypto for keys and messages of any length', () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (key, data) => {
        const want = createHmac('sha256', key).update(data).digest('hex');
        expect(hmacSha256(key, data)).toEqual(hex(want));
      }),
      runs,
    );
  });
});

describe('HKDF-SHA-256', () => {
  // Our info is text, and the info of A.1 and A.2 is no UTF-8: their two steps are done with our HMAC.
  test.each([
    {
      name: 'A.1',
      ikm: fill(0x0b, 22),
      salt: count(0x00, 0x0c),
      info: count(0xf0, 0xf9),
      prk: '077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5',
      okm: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    },
    {
      name: 'A.2',
      ikm: count(0x00, 0x4f),
      salt: count(0x60, 0xaf),
      info: count(0xb0, 0xff),
      prk: '06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244',
      okm: 'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
    },
  ])('HMAC gives the steps of RFC 5869 $name', ({ ikm, salt, info, prk, okm }) => {
    expect(hmacSha256(salt, ikm)).toEqual(hex(prk));
    const want = hex(okm);
    let block = new Uint8Array(0);
    let out: number[] = [];
    for (let i = 1; out.length < want.length; i++) {
      block = Uint8Array.from(hmacSha256(hex(prk), Uint8Array.of(...block, ...info, i)));
      out = [...out, ...block];
    }
    expect(Uint8Array.from(out.slice(0, want.length))).toEqual(want);
  });

  test.each([undefined, new Uint8Array(0), new Uint8Array(32)])(
    'gives the result of RFC 5869 A.3, without info and with %s as no salt',
    (salt) => {
      expect(hkdfSha256(fill(0x0b, 22), salt, '', 42)).toEqual(
        hex('8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8'),
      );
    },
  );

  test('gives at most 255 blocks', () => {
    const [ikm, salt] = [fill(1, 32), fill(2, 32)];
    const want = new Uint8Array(hkdfSync('sha256', ikm, salt, '', 255 * 32));
    expect(hkdfSha256(ikm, salt, '', 255 * 32)).toEqual(want);
    expect(() => hkdfSha256(ikm, salt, '', 255 * 32 + 1)).toThrow(RangeError);
  });

  test('is that of node:crypto for any input, with info as UTF-8', () => {
    fc.assert(
      fc.property(
        anyBytes,
        anyBytes,
        fc.string({ unit: 'grapheme', maxLength: 40 }),
        fc.integer({ min: 1, max: 200 }),
        (ikm, salt, info, length) => {
          const want = hkdfSync('sha256', ikm, salt, Buffer.from(info, 'utf8'), length);
          expect(hkdfSha256(ikm, salt, info, length)).toEqual(new Uint8Array(want));
        },
      ),
      runs,
    );
  });
});
