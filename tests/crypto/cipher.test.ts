// AES-CBC and AES-GCM against node:crypto, both ways, and what must not open.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CipherError,
  decryptCbc,
  decryptGcm,
  encryptCbc,
  encryptGcm,
} from '../../src/crypto/cipher';

const runs = { seed: 20_261_124, numRuns: 150 };

function bytesOf(...lengths: readonly number[]): fc.Arbitrary<Uint8Array> {
  return fc.oneof(
    ...lengths.map((length) => fc.uint8Array({ minLength: length, maxLength: length })),
  );
}

const keys = bytesOf(16, 32);
const texts = fc.uint8Array({ maxLength: 100 });

function bits(key: Uint8Array): 128 | 256 {
  return key.length === 16 ? 128 : 256;
}

function nodeCbc(key: Uint8Array, iv: Uint8Array, text: Uint8Array): Uint8Array {
  const cipher = createCipheriv(`aes-${bits(key)}-cbc`, key, iv);
  return new Uint8Array(Buffer.concat([cipher.update(text), cipher.final()]));
}

/** Without padding, so that the padding can be a wrong one. */
function nodeCbcBlocks(key: Uint8Array, iv: Uint8Array, blocks: Uint8Array): Uint8Array {
  const cipher = createCipheriv(`aes-${bits(key)}-cbc`, key, iv).setAutoPadding(false);
  return new Uint8Array(Buffer.concat([cipher.update(blocks), cipher.final()]));
}

function nodeGcm(key: Uint8Array, iv: Uint8Array, text: Uint8Array): Uint8Array {
  const cipher = createCipheriv(bits(key) === 128 ? 'aes-128-gcm' : 'aes-256-gcm', key, iv);
  return new Uint8Array(Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]));
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return flipped;
}

describe('AES-CBC', () => {
  test('is that of node:crypto, both ways', () => {
    fc.assert(
      fc.property(keys, bytesOf(16), texts, (key, iv, text) => {
        const want = nodeCbc(key, iv, text);
        expect(encryptCbc(key, iv, text)).toEqual(want);
        expect(decryptCbc(key, iv, want)).toEqual(text);
        const open = createDecipheriv(`aes-${bits(key)}-cbc`, key, iv);
        const sealed = encryptCbc(key, iv, text);
        expect(new Uint8Array(Buffer.concat([open.update(sealed), open.final()]))).toEqual(text);
      }),
      runs,
    );
  });

  // PKCS#7 (RFC 5652 §6.3): the last n bytes are n, for n from 1 to 16.
  test.each([
    { name: 'padding of 0', end: [0] },
    { name: 'padding of 17', end: Array.from({ length: 16 }, () => 17) },
    { name: 'padding of 255', end: [255] },
    { name: 'one byte before the last not equal', end: [3, 2, 3] },
    {
      name: 'sixteen bytes of 16 but the first',
      end: [15, ...Array.from({ length: 15 }, () => 16)],
    },
  ])('refuses $name', ({ end }) => {
    const [key, iv] = [new Uint8Array(32).fill(7), new Uint8Array(16).fill(9)];
    const block = new Uint8Array(16).fill(0x41);
    block.set(end, 16 - end.length);
    expect(() => decryptCbc(key, iv, nodeCbcBlocks(key, iv, block))).toThrow(CipherError);
  });

  test('opens every right padding, a whole block of it too', () => {
    const [key, iv] = [new Uint8Array(32).fill(7), new Uint8Array(16).fill(9)];
    for (let n = 1; n <= 16; n++) {
      const block = new Uint8Array(16).fill(0x41);
      block.fill(n, 16 - n);
      const text = decryptCbc(key, iv, nodeCbcBlocks(key, iv, block));
      expect(text).toEqual(new Uint8Array(16 - n).fill(0x41));
    }
  });

  test.each([0, 1, 15, 17, 31])('refuses a ciphertext of %i bytes', (length) => {
    const open = () => decryptCbc(new Uint8Array(32), new Uint8Array(16), new Uint8Array(length));
    expect(open).toThrow(CipherError);
  });
});

describe('AES-GCM', () => {
  test('is that of node:crypto, both ways, with 12 and 16 bytes of iv', () => {
    fc.assert(
      fc.property(keys, bytesOf(12, 16), texts, (key, iv, text) => {
        const want = nodeGcm(key, iv, text);
        expect(want).toHaveLength(text.length + 16);
        expect(encryptGcm(key, iv, text)).toEqual(want);
        expect(decryptGcm(key, iv, want)).toEqual(text);
      }),
      runs,
    );
  });

  test('refuses every flipped bit of ciphertext, tag, key and iv', () => {
    const [key, iv] = [new Uint8Array(16).fill(7), new Uint8Array(12).fill(9)];
    const sealed = nodeGcm(key, iv, new TextEncoder().encode('a text of 22 characters'));
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      expect(() => decryptGcm(key, iv, flip(sealed, bit))).toThrow(CipherError);
    }
    for (let bit = 0; bit < 96; bit++) {
      expect(() => decryptGcm(flip(key, bit), iv, sealed)).toThrow(CipherError);
      expect(() => decryptGcm(key, flip(iv, bit), sealed)).toThrow(CipherError);
    }
  });

  test('refuses a truncated ciphertext at every length', () => {
    const [key, iv] = [new Uint8Array(16).fill(7), new Uint8Array(12).fill(9)];
    const sealed = nodeGcm(key, iv, new Uint8Array(20));
    for (let length = 0; length < sealed.length; length++) {
      expect(() => decryptGcm(key, iv, sealed.slice(0, length))).toThrow(CipherError);
    }
  });
});

test('a failure says cipher and nothing else', () => {
  expect(new CipherError().code).toBe('cipher');
  expect(new CipherError().message).toBe('cipher');
});
