// The chain functions against node:crypto, with the info strings of both versions.
import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { expandMessageKey, stepChain, stepRoot } from '../../src/crypto/chain';
import { KeyError } from '../../src/crypto/curve';
import { agree, generateKeyPair } from '../../src/crypto/engine';

const random = (length: number) => new Uint8Array(randomBytes(length));

function nodeHkdf(ikm: Uint8Array, salt: Uint8Array, info: string, length: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', ikm, salt, info, length));
}

test.each(['WhisperRatchet', 'OMEMO Root Chain'])('KDF_RK with %s', async (info) => {
  for (let i = 0; i < 10; i++) {
    const [own, remote, rootKey] = [
      await generateKeyPair(random),
      await generateKeyPair(random),
      random(32),
    ];
    const expected = nodeHkdf(await agree(own.privateKey, remote.publicKey), rootKey, info, 64);
    const step = await stepRoot(rootKey, own.privateKey, remote.publicKey, info);
    expect(step).toEqual({ rootKey: expected.slice(0, 32), chainKey: expected.slice(32) });
    expect(await stepRoot(rootKey, remote.privateKey, own.publicKey, info)).toEqual(step);
  }
});

test('KDF_RK refuses a ratchet key of low order', async () => {
  const { privateKey } = await generateKeyPair(random);
  await expect(() => stepRoot(random(32), privateKey, new Uint8Array(32), 'info')).rejects.toThrow(
    KeyError,
  );
});

test('KDF_CK: HMAC of 01 is the message key, of 02 the next chain key', () => {
  const chainKey = random(32);
  const hmac = (byte: number) =>
    new Uint8Array(createHmac('sha256', chainKey).update(Uint8Array.of(byte)).digest());
  expect(stepChain(chainKey)).toEqual({ messageKey: hmac(1), chainKey: hmac(2) });
});

test.each(['WhisperMessageKeys', 'OMEMO Message Key Material', 'OMEMO Payload'])(
  'a message key becomes 80 bytes with %s',
  (info) => {
    const messageKey = random(32);
    const expected = nodeHkdf(messageKey, new Uint8Array(32), info, 80);
    expect(expandMessageKey(messageKey, info)).toEqual({
      encryptionKey: expected.slice(0, 32),
      macKey: expected.slice(32, 64),
      iv: expected.slice(64),
    });
  },
);
