// HMAC-SHA-256 of our own against node:crypto at every length around its blocks. RFC 4231 is in kdf.test.ts.
import { createHmac, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { hmac, hmacKey } from '../../src/crypto/hmac';

const random = (length: number) => new Uint8Array(randomBytes(length));

function nodeHmac(key: Uint8Array, message: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', key).update(message).digest());
}

test('is that of node:crypto for messages of 0 to 260 bytes', () => {
  const key = random(32);
  const ready = hmacKey(key);
  for (let length = 0; length <= 260; length++) {
    const message = random(length);
    expect(hmac(ready, message)).toEqual(nodeHmac(key, message));
  }
});

test('is that of node:crypto for keys of 0 to 64 bytes, and for bytes of all values', () => {
  for (let length = 0; length <= 64; length++) {
    for (const key of [random(length), new Uint8Array(length).fill(0xff)]) {
      const message = new Uint8Array(97).fill(length * 3);
      expect(hmac(hmacKey(key), message)).toEqual(nodeHmac(key, message));
    }
  }
  expect(() => hmacKey(random(65))).toThrow(new RangeError('key: want at most 64 bytes, got 65'));
});

test('is that of node:crypto for a long message inside a larger array', () => {
  const [key, all] = [random(32), random(100_003)];
  const message = all.subarray(5, 100_000);
  expect(hmac(hmacKey(key), message)).toEqual(nodeHmac(key, message));
});

test('leaves key and message alone, and a ready key is as good for the second message', () => {
  const [key, message] = [random(32), random(70)];
  const before = structuredClone([key, message]);
  const ready = hmacKey(key);
  const first = hmac(ready, message);
  hmac(ready, random(130));
  hmac(hmacKey(random(32)), random(1));
  expect(hmac(ready, message)).toEqual(first);
  expect([key, message]).toEqual(before);
});
