import { describe, expect, it } from 'vitest';
import { fromBase64, toBase64 } from '../../../src/session/codec/base64';
import { StanzaError } from '../../../src/session/errors';

const utf8 = (text: string) => new TextEncoder().encode(text);

describe('base64 in a stanza', () => {
  // RFC 4648 §10.
  it.each([
    ['', ''],
    ['f', 'Zg=='],
    ['fo', 'Zm8='],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg=='],
    ['fooba', 'Zm9vYmE='],
    ['foobar', 'Zm9vYmFy'],
  ])('reads and writes %j', (text, encoded) => {
    expect(toBase64(utf8(text))).toBe(encoded);
    expect(fromBase64(encoded)).toEqual(utf8(text));
  });

  it('agrees with the platform on every byte and beyond one chunk', () => {
    for (const length of [256, 0x7fff, 0x8000, 0x8001, 100_000]) {
      const bytes = Uint8Array.from({ length }, (_each, index) => (index * 31) & 0xff);
      const encoded = toBase64(bytes);
      expect(encoded).toBe(Buffer.from(bytes).toString('base64'));
      expect(fromBase64(encoded)).toEqual(bytes);
    }
  });

  it.each([' Zm9v\n', 'Zm\r\n9v', '\tZ m 9 v '])('takes white space anywhere: %j', (text) => {
    expect(fromBase64(text)).toEqual(utf8('foo'));
  });

  it.each([
    ['Zg', 'f'],
    ['Zm8', 'fo'],
  ])('takes a missing padding: %s', (encoded, text) => {
    expect(fromBase64(encoded)).toEqual(utf8(text));
  });

  it.each([
    'Z',
    'Zm9vY',
    '=',
    'Zg=',
    'Zg===',
    'Z=g=',
    'Zm9v-_',
    'Zm9v!',
    'Zm9v\u0000',
    'Zm9vé',
    '<a/>',
  ])('refuses %j', (text) => {
    expect(() => fromBase64(text)).toThrow(StanzaError);
  });
});
