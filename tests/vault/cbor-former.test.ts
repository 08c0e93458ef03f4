// What lies on disk goes on to be read, and is written as it was: against bytes of the encoder that was here before the library.
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { AEAD_NONCE_LENGTH } from '../../src/crypto/aead';
import { decode, encode } from '../../src/vault/cbor';
import { createSealer } from '../../src/vault/seal';
import { FORMER } from './former/version-2';
import { FORMER_KEY, FORMER_RECORDS, FORMER_VALUES } from './former/encoded';

describe('a record sealed by the encoder before', () => {
  it('opens, each to the byte as it was', () => {
    const sealer = createSealer(FORMER_KEY, () => new Uint8Array(0));
    const opened = FORMER_RECORDS.map(({ store, name, sealed }) => ({
      store,
      ...sealer.open(store, name, sealed),
    }));
    const expected = Object.entries(FORMER.records).flatMap(([store, byKey]) =>
      Object.entries(byKey).map(([key, value]) => ({ store, key, value })),
    );
    expect(opened.length).toBeGreaterThan(10);
    expect(opened).toStrictEqual(expected);
  });

  it('is sealed to the same bytes again', () => {
    for (const { store, key, name, sealed } of FORMER_RECORDS) {
      const nonce = sealed.slice(1, 1 + AEAD_NONCE_LENGTH);
      const sealer = createSealer(FORMER_KEY, () => nonce);
      const { value } = sealer.open(store, name, sealed);
      expect(sealer.seal(store, key, value)).toEqual({ name, bytes: sealed });
    }
  });
});

describe('a value encoded before', () => {
  it.each(FORMER_VALUES)('is the same: $what', ({ value, encoded }) => {
    // That of vitest loses a property of the name `__proto__`.
    expect(isDeepStrictEqual(decode(encoded), value)).toBe(true);
    expect(Buffer.from(encode(value))).toEqual(Buffer.from(encoded));
  });
});
