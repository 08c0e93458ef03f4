import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/crypto/bytes';
import { CipherError } from '../../src/crypto/cipher';
import { boxKeyOf, openBox, sealBox } from '../../src/crypto/sealed-box';

const { box: given } = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '..', 'vectors', 'argon2id.json'), 'utf8'),
);
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
const PRIVATE = bytes(given.privateKey);
const PUBLIC = bytes(given.publicKey);
const TEXT = new TextEncoder().encode(given.text);
const BOX = bytes(given.box);

describe('a sealed box', () => {
  it('is what others make of it', () => {
    expect(toHex(boxKeyOf(PRIVATE))).toBe(given.publicKey);
    expect(toHex(sealBox(PUBLIC, bytes(given.once), given.purpose, TEXT))).toBe(given.box);
    expect(openBox(PRIVATE, given.purpose, BOX)).toEqual(TEXT);
  });

  it('opens for its key and purpose only', () => {
    expect(() => openBox(new Uint8Array(32).fill(9), given.purpose, BOX)).toThrow(CipherError);
    expect(() => openBox(PRIVATE, 'another', BOX)).toThrow(CipherError);
  });

  it('does not open once a bit has changed, nor cut short', () => {
    for (let at = 0; at < BOX.length; at++) {
      const changed = Uint8Array.from(BOX);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => openBox(PRIVATE, given.purpose, changed), String(at)).toThrow(CipherError);
    }
    for (const length of [0, 31, 32, 47, BOX.length - 1]) {
      const short = BOX.subarray(0, length);
      expect(() => openBox(PRIVATE, given.purpose, short), String(length)).toThrow(CipherError);
    }
  });

  it('is not made for a key of low order', () => {
    const low = new Uint8Array(32);
    expect(() => sealBox(low, bytes(given.once), given.purpose, TEXT)).toThrow(CipherError);
    expect(() =>
      openBox(
        PRIVATE,
        given.purpose,
        BOX.map((byte, at) => (at < 32 ? 0 : byte)),
      ),
    ).toThrow(CipherError);
  });
});
