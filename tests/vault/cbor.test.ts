// Expected bytes are those of RFC 8949, Appendix A.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode } from '../../src/vault/cbor';
import { bytesOf, hexOf } from '../cross/hex';

const EXAMPLES: readonly (readonly [unknown, string])[] = [
  [0, '00'],
  [1, '01'],
  [10, '0a'],
  [23, '17'],
  [24, '1818'],
  [25, '1819'],
  [100, '1864'],
  [1000, '1903e8'],
  [1000000, '1a000f4240'],
  [1000000000000, '1b000000e8d4a51000'],
  [-1, '20'],
  [-10, '29'],
  [-100, '3863'],
  [-1000, '3903e7'],
  [1.1, 'fb3ff199999999999a'],
  [1.0e300, 'fb7e37e43c8800759c'],
  [-4.1, 'fbc010666666666666'],
  [Infinity, 'fb7ff0000000000000'],
  [NaN, 'fb7ff8000000000000'],
  [-Infinity, 'fbfff0000000000000'],
  [false, 'f4'],
  [true, 'f5'],
  [null, 'f6'],
  [undefined, 'f7'],
  [new Uint8Array(0), '40'],
  [Uint8Array.of(1, 2, 3, 4), '4401020304'],
  ['', '60'],
  ['a', '6161'],
  ['IETF', '6449455446'],
  ['"\\', '62225c'],
  ['\u00fc', '62c3bc'],
  ['\u6c34', '63e6b0b4'],
  ['\ud800\udd51', '64f0908591'],
  [[], '80'],
  [[1, 2, 3], '83010203'],
  [[1, [2, 3], [4, 5]], '8301820203820405'],
  [
    Array.from({ length: 25 }, (_, index) => index + 1),
    '98190102030405060708090a0b0c0d0e0f101112131415161718181819',
  ],
  [{}, 'a0'],
  [{ a: 1, b: [2, 3] }, 'a26161016162820203'],
  [['a', { b: 'c' }], '826161a161626163'],
];

/** What records may hold. */
const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(undefined),
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.string({ unit: 'binary' }),
    fc.string({
      unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    }),
    fc.uint8Array(),
    fc.array(tie('value')),
    fc.dictionary(
      fc.oneof(fc.string(), fc.constant('__proto__'), fc.nat().map(String)),
      tie('value'),
    ),
  ),
})).value;

describe('CBOR', () => {
  it.each(EXAMPLES)('of %j is that of the RFC, and back', (value, bytes) => {
    expect(hexOf(encode(value))).toBe(bytes);
    expect(decode(bytesOf(bytes))).toEqual(value);
  });

  it('gives back every plain value as it was, also text no encoding has a form for', () => {
    fc.assert(
      fc.property(plain, (value) => {
        expect(decode(encode(value))).toStrictEqual(normal(value));
      }),
      { numRuns: 1000 },
    );
    for (const text of ['\ud800', 'a\udc00b', '\udc00\ud800', '\ufeffx', 'x'.repeat(70_000)])
      expect(decode(encode({ [text]: text }))).toStrictEqual({ [text]: text });
    expect(Object.is(decode(encode(-0)), -0)).toBe(true);
    expect(decode(encode(new Uint8Array(100_000).fill(7)))).toEqual(
      new Uint8Array(100_000).fill(7),
    );
  });

  it('makes bytes that stand alone, whatever they were part of', () => {
    const part = Uint8Array.of(9, 1, 2, 9).subarray(1, 3);
    const back = decode(encode([part]));
    expect(back).toEqual([Uint8Array.of(1, 2)]);
    expect(Array.isArray(back) && back[0].buffer.byteLength).toBe(2);
  });

  it.each([
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a large number', 1n],
    ['a date', new Date(0)],
    ['a map', new Map()],
    ['a buffer', new ArrayBuffer(1)],
  ])('refuses %s, wherever it stands', (_name, value) => {
    expect(() => encode(value)).toThrow(TypeError);
    expect(() => encode({ a: [value] })).toThrow(TypeError);
  });

  it.each([
    '',
    '18',
    '1901',
    '4401',
    '6261',
    '8201',
    'a16161',
    '0000',
    '62c328',
    '5f42010243030405ff',
    'c074',
    'f818',
    '1c',
  ])('reads nothing from bytes that are none of ours: %s', (bytes) => {
    expect(() => decode(bytesOf(bytes))).toThrow();
  });
});

/** Dictionaries of fast-check have no prototype; records have. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, normal(item)]));
}
