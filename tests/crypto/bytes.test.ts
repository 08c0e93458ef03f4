import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { assertLength, concat, equalBytes, toHex } from '../../src/crypto/bytes';

describe('concat', () => {
  test('joins in order into a new array', () => {
    const parts = [randomBytes(3), new Uint8Array(0), randomBytes(1), randomBytes(40)].map(
      (part) => new Uint8Array(part),
    );
    const before = structuredClone(parts);
    expect(Buffer.from(concat(...parts))).toEqual(Buffer.concat(parts));
    const [one = new Uint8Array(0)] = parts;
    concat(one)[0] = (one[0] ?? 0) ^ 1;
    expect(parts).toEqual(before);
  });

  test('of nothing is empty', () => {
    expect(concat()).toEqual(new Uint8Array(0));
  });
});

describe('equalBytes', () => {
  const bytes = new Uint8Array(randomBytes(33));

  test('holds for equal bytes of different arrays, also parts of larger ones', () => {
    expect(equalBytes(bytes, Uint8Array.from(bytes))).toBe(true);
    expect(equalBytes(bytes, concat(Uint8Array.of(9), bytes).subarray(1))).toBe(true);
    expect(equalBytes(new Uint8Array(0), new Uint8Array(0))).toBe(true);
  });

  test('fails for every single flipped bit', () => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const other = Uint8Array.from(bytes);
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(equalBytes(bytes, other)).toBe(false);
    }
  });

  test('fails for a prefix, in both orders', () => {
    expect(equalBytes(bytes, bytes.subarray(0, 32))).toBe(false);
    expect(equalBytes(bytes.subarray(0, 32), bytes)).toBe(false);
    expect(equalBytes(new Uint8Array(0), Uint8Array.of(0))).toBe(false);
  });
});

test('toHex writes what Buffer writes', () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  expect(toHex(all)).toBe(Buffer.from(all).toString('hex'));
  expect(toHex(new Uint8Array(0))).toBe('');
});

describe('assertLength', () => {
  test('says which argument is wrong, and how', () => {
    expect(() => assertLength('iv', new Uint8Array(11), 12)).toThrow(
      new RangeError('iv: want 12 bytes, got 11'),
    );
    expect(() => assertLength('iv', JSON.parse('[]'), 12)).toThrow(
      new TypeError('iv: want Uint8Array'),
    );
  });

  test('accepts the wanted length', () => {
    expect(() => assertLength('iv', new Uint8Array(12), 12)).not.toThrow();
  });
});
