import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openAead, sealAead } from '../../src/crypto/aead';
import { CipherError } from '../../src/crypto/cipher';
import { bytesOf, hexOf } from '../cross/hex';
import { seeded } from '../vault/world';

/** draft-irtf-cfrg-xchacha-03, A.3.1. */
const DRAFT = {
  plaintext:
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  associatedData: bytesOf('50515253c0c1c2c3c4c5c6c7'),
  key: bytesOf('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f'),
  nonce: bytesOf('404142434445464748494a4b4c4d4e4f5051525354555657'),
  sealed:
    'bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39' +
    'ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9' +
    '21f9664c97637da9768812f615c68b13b52e' +
    'c0875924c1c7987947deafd8780acf49',
};

describe('XChaCha20-Poly1305', () => {
  it('seals and opens the example of its draft', () => {
    const { key, nonce, associatedData, plaintext, sealed } = DRAFT;
    const text = new TextEncoder().encode(plaintext);
    expect(hexOf(sealAead(key, nonce, associatedData, text))).toBe(sealed);
    expect(openAead(key, nonce, associatedData, bytesOf(sealed))).toEqual(text);
  });

  it('opens nothing of which a bit has changed', () => {
    const { key, nonce, associatedData, sealed } = DRAFT;
    const parts = [key, nonce, associatedData, bytesOf(sealed)] as const;
    for (const [index, part] of parts.entries()) {
      for (let bit = 0; bit < part.length * 8; bit++) {
        const [k, n, a, s] = parts.map((each) => each.slice());
        const changed = [k, n, a, s][index];
        if (changed === undefined || !k || !n || !a || !s) throw new Error('want four parts');
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(() => openAead(k, n, a, s), `${index}, bit ${bit}`).toThrow(CipherError);
      }
    }
  });

  it('opens nothing that was cut short or went on', () => {
    const { key, nonce, associatedData } = DRAFT;
    const sealed = bytesOf(DRAFT.sealed);
    for (let length = 0; length < sealed.length; length++) {
      const cut = sealed.subarray(0, length);
      expect(() => openAead(key, nonce, associatedData, cut), `${length}`).toThrow(CipherError);
    }
    const longer = new Uint8Array([...sealed, 0]);
    expect(() => openAead(key, nonce, associatedData, longer)).toThrow(CipherError);
  });

  it('gives back whatever was sealed', () => {
    const random = seeded('aead');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.uint8Array(), (plaintext, data) => {
        const [key, nonce] = [random(32), random(24)];
        const sealed = sealAead(key, nonce, data, plaintext);
        expect(sealed.length).toBe(plaintext.length + 16);
        expect(openAead(key, nonce, data, sealed)).toEqual(plaintext);
      }),
    );
  });

  it.each([
    ['key', 31, 24],
    ['nonce', 32, 12],
  ])('refuses a %s of another length at once', (name, keyLength, nonceLength) => {
    const [key, nonce] = [new Uint8Array(keyLength), new Uint8Array(nonceLength)];
    const none = new Uint8Array(0);
    expect(() => sealAead(key, nonce, none, none)).toThrow(`${name}: want`);
    expect(() => openAead(key, nonce, none, new Uint8Array(16))).toThrow(`${name}: want`);
  });
});
