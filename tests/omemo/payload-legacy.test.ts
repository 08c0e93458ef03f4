// Legacy payloads against AES-128-GCM of node:crypto.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { legacyPayload } from '../../src/omemo/payload-legacy';
import { codeOf } from './codes';

const random = (length: number) => new Uint8Array(randomBytes(length));

function nodeSeal(key: Uint8Array, iv: Uint8Array, plaintext: Uint8Array) {
  const cipher = createCipheriv('aes-128-gcm', key, iv);
  const payload = new Uint8Array(Buffer.concat([cipher.update(plaintext), cipher.final()]));
  return { payload, tag: new Uint8Array(cipher.getAuthTag()) };
}

const LENGTHS = [0, 1, 15, 16, 17, 1000];

test.each(LENGTHS)('node:crypto opens what we seal: %i bytes', (length) => {
  const plaintext = random(length);
  const { payload, iv, keyMaterial } = legacyPayload.seal(plaintext, random);
  expect([payload.length, iv.length, keyMaterial.length]).toEqual([length, 12, 32]);
  const decipher = createDecipheriv('aes-128-gcm', keyMaterial.subarray(0, 16), iv);
  decipher.setAuthTag(keyMaterial.subarray(16));
  const opened = Buffer.concat([decipher.update(payload), decipher.final()]);
  expect(new Uint8Array(opened)).toEqual(plaintext);
});

describe('opening', () => {
  test.each(LENGTHS)('what node:crypto seals, in all its forms: %i bytes', (length) => {
    for (const ivLength of [12, 16]) {
      const [key, iv, plaintext] = [random(16), random(ivLength), random(length)];
      const { payload, tag } = nodeSeal(key, iv, plaintext);
      const keyMaterial = Uint8Array.of(...key, ...tag);
      expect(legacyPayload.open({ keyMaterial, iv, payload })).toEqual(plaintext);
      const oldForm = { keyMaterial: key, iv, payload: Uint8Array.of(...payload, ...tag) };
      expect(legacyPayload.open(oldForm)).toEqual(plaintext);
    }
  });

  const key = random(16);
  const iv = random(12);
  const { payload, tag } = nodeSeal(key, iv, random(20));
  const keyMaterial = Uint8Array.of(...key, ...tag);

  test.each([0, 1, 15, 17, 24, 31, 33, 48, 64])(
    'refuses key material of %i bytes',
    async (length) => {
      const wrong = { keyMaterial: random(length), iv, payload };
      expect(await codeOf(() => legacyPayload.open(wrong))).toBe('malformed');
    },
  );

  test.each([0, 8, 11, 13, 15, 17, 32])('refuses an iv of %i bytes', async (length) => {
    const wrong = { keyMaterial, iv: random(length), payload };
    expect(await codeOf(() => legacyPayload.open(wrong))).toBe('malformed');
  });

  test('refuses a missing iv, and the old form without room for a tag', async () => {
    expect(await codeOf(() => legacyPayload.open({ keyMaterial, payload }))).toBe('malformed');
    const short = { keyMaterial: key, iv, payload: random(15) };
    expect(await codeOf(() => legacyPayload.open(short))).toBe('malformed');
  });

  test('refuses a payload cut at any place, or longer', async () => {
    for (let length = 0; length < payload.length; length++) {
      const cut = { keyMaterial, iv, payload: payload.subarray(0, length) };
      expect(await codeOf(() => legacyPayload.open(cut))).toBe('bad-mac');
    }
    const longer = { keyMaterial, iv, payload: Uint8Array.of(...payload, 0) };
    expect(await codeOf(() => legacyPayload.open(longer))).toBe('bad-mac');
  });
});

test('an empty message draws 16 bytes and an iv', () => {
  const drawn: number[] = [];
  const { keyMaterial, iv } = legacyPayload.sealEmpty((length) => {
    drawn.push(length);
    return random(length);
  });
  expect(drawn).toEqual([16, 12]);
  expect([keyMaterial.length, iv.length]).toEqual([16, 12]);
});
