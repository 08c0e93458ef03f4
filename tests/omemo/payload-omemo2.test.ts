// OMEMO 2 payloads against HKDF, AES-256-CBC and HMAC of node:crypto.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { omemo2Payload } from '../../src/omemo/payload-omemo2';
import { codeOf } from './codes';

const random = (length: number) => new Uint8Array(randomBytes(length));

function nodeKeys(key: Uint8Array) {
  const bytes = new Uint8Array(hkdfSync('sha256', key, new Uint8Array(32), 'OMEMO Payload', 80));
  return [bytes.slice(0, 32), bytes.slice(32, 64), bytes.slice(64)] as const;
}

function nodeTag(macKey: Uint8Array, payload: Uint8Array): Buffer {
  return createHmac('sha256', macKey).update(payload).digest().subarray(0, 16);
}

function nodeSeal(key: Uint8Array, plaintext: Uint8Array) {
  const [encryptionKey, macKey, iv] = nodeKeys(key);
  const cipher = createCipheriv('aes-256-cbc', encryptionKey, iv);
  const payload = new Uint8Array(Buffer.concat([cipher.update(plaintext), cipher.final()]));
  return { payload, keyMaterial: Uint8Array.of(...key, ...nodeTag(macKey, payload)) };
}

const LENGTHS = [0, 1, 15, 16, 17, 1000];

test.each(LENGTHS)('node:crypto opens what we seal: %i bytes', (length) => {
  const plaintext = random(length);
  const { payload, keyMaterial } = omemo2Payload.seal(plaintext, random);
  expect(keyMaterial).toHaveLength(48);
  const [encryptionKey, macKey, iv] = nodeKeys(keyMaterial.subarray(0, 32));
  expect(nodeTag(macKey, payload)).toEqual(Buffer.from(keyMaterial.subarray(32)));
  const decipher = createDecipheriv('aes-256-cbc', encryptionKey, iv);
  const opened = Buffer.concat([decipher.update(payload), decipher.final()]);
  expect(new Uint8Array(opened)).toEqual(plaintext);
});

describe('opening', () => {
  test.each(LENGTHS)('what node:crypto seals: %i bytes', (length) => {
    const plaintext = random(length);
    expect(omemo2Payload.open(nodeSeal(random(32), plaintext))).toEqual(plaintext);
  });

  const key = random(32);
  const { payload, keyMaterial } = nodeSeal(key, random(40));

  test.each([0, 16, 32, 47, 49, 64])('refuses key material of %i bytes', async (length) => {
    const wrong = { keyMaterial: random(length), payload };
    expect(await codeOf(() => omemo2Payload.open(wrong))).toBe('malformed');
  });

  test('refuses a payload cut at any place, or longer', async () => {
    for (let length = 0; length < payload.length; length++) {
      const cut = { keyMaterial, payload: payload.subarray(0, length) };
      expect(await codeOf(() => omemo2Payload.open(cut))).toBe('bad-mac');
    }
    const longer = { keyMaterial, payload: Uint8Array.of(...payload, 0) };
    expect(await codeOf(() => omemo2Payload.open(longer))).toBe('bad-mac');
  });

  test.each([
    ['nothing', new Uint8Array(0)],
    ['15 bytes', random(15)],
    ['17 bytes', random(17)],
    ['blocks whose last byte 0 is no padding', unpadded(new Uint8Array(32))],
    ['blocks whose last bytes differ', unpadded(new Uint8Array(32).fill(5, 29).fill(3, 31))],
    ['blocks that pad more than a block', unpadded(new Uint8Array(32).fill(17))],
  ])('refuses %s under a genuine tag', async (_name, noCiphertext) => {
    const [, macKey] = nodeKeys(key);
    const forged = Uint8Array.of(...key, ...nodeTag(macKey, noCiphertext));
    const open = () => omemo2Payload.open({ keyMaterial: forged, payload: noCiphertext });
    expect(await codeOf(open)).toBe('bad-mac');
  });

  /** Encrypted as it is: the last byte stands for the padding. */
  function unpadded(blocks: Uint8Array): Uint8Array {
    const [encryptionKey, , iv] = nodeKeys(key);
    const cipher = createCipheriv('aes-256-cbc', encryptionKey, iv).setAutoPadding(false);
    return new Uint8Array(Buffer.concat([cipher.update(blocks), cipher.final()]));
  }
});

test('an empty message is 32 zero bytes, and nothing is drawn', () => {
  expect(omemo2Payload.sealEmpty()).toEqual({ keyMaterial: new Uint8Array(32) });
});
