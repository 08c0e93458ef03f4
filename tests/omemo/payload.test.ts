// What both versions share: text in, text out, and which format a version has.
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openPayload, sealEmpty, sealPayload } from '../../src/omemo/payload';
import { legacyPayload } from '../../src/omemo/payload-legacy';
import { omemo2Payload } from '../../src/omemo/payload-omemo2';
import { codeOf } from './codes';
import { VERSIONS } from './devices';

const random = (length: number) => new Uint8Array(randomBytes(length));
const FORMATS = {
  'eu.siacs.conversations.axolotl': legacyPayload,
  'urn:xmpp:omemo:2': omemo2Payload,
};

describe.each(VERSIONS)('%s', (version) => {
  test.each([
    '',
    'a',
    'é中😀',
    '\uFEFFa byte order mark stays',
    'a\0b',
    'x'.repeat(5000),
    "<envelope xmlns='urn:xmpp:sce:1'/>",
  ])('text %# comes back', (text) => {
    expect(openPayload(version, sealPayload(version, text, random))).toBe(text);
  });

  test('bytes that are no UTF-8 are malformed', async () => {
    for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80]]) {
      const sealed = FORMATS[version].seal(Uint8Array.from(bytes), random);
      expect(await codeOf(() => openPayload(version, sealed))).toBe('malformed');
    }
  });

  test('the payload of the other version is refused', async () => {
    const [other = version] = VERSIONS.filter((each) => each !== version);
    const sealed = sealPayload(other, 'text', random);
    expect(await codeOf(() => openPayload(version, sealed))).toBe('malformed');
  });

  test('two seals of one text share nothing', () => {
    const [a, b] = [sealPayload(version, 'text', random), sealPayload(version, 'text', random)];
    expect(a.payload).not.toEqual(b.payload);
    expect(a.keyMaterial).not.toEqual(b.keyMaterial);
  });
});

test('only legacy has an iv', () => {
  const [legacy, omemo2] = VERSIONS;
  if (legacy === undefined || omemo2 === undefined) throw new Error('want two versions');
  expect(sealPayload(legacy, 'a', random).iv).toHaveLength(12);
  expect(sealEmpty(legacy, random).iv).toHaveLength(12);
  expect(Object.keys(sealPayload(omemo2, 'a', random))).toEqual(['payload', 'keyMaterial']);
  expect(Object.keys(sealEmpty(omemo2, random))).toEqual(['keyMaterial']);
});
