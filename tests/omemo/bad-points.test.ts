// Points of low order, and values that are no canonical point, in every place of a message or bundle where a key stands:
// refused as such, with the state as it was.
import { describe, expect, test } from 'vitest';
import { signXeddsa } from '../../src/crypto/xeddsa';
import { edwardsOf } from '../../src/omemo/identity';
import { protocolFor } from '../../src/omemo/protocol';
import { hex } from '../vectors/vectors';
import { codeOf } from './codes';
import { bundleOfDevice, createDevice, read, start, VERSIONS, write, type Device } from './devices';

const P = 2n ** 255n - 19n;
const encode = (value: bigint) => hex(value.toString(16).padStart(64, '0')).reverse();

/** Points of order 1 to 8 as X25519 keys (cr.yp.to/ecdh.html#validate), and values no honest key has. */
const BAD_X: readonly (readonly [string, Uint8Array])[] = [
  ['u = 0', encode(0n)],
  ['u = 1', encode(1n)],
  ['order 8', hex('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800')],
  ['order 8, the other', hex('5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157')],
  ['u = p − 1', encode(P - 1n)],
  ['u = p', encode(P)],
  ['u = p + 1', encode(P + 1n)],
  ['u = 9 with bit 255', encode(9n + 2n ** 255n)],
  ['all ones', new Uint8Array(32).fill(0xff)],
];

/** The same as Ed25519 keys: the eight points of small order, and what is no canonical point (RFC 8032 §5.1.3). */
const BAD_ED: readonly (readonly [string, Uint8Array])[] = [
  ['y = 1', encode(1n)],
  ['y = −1', encode(P - 1n)],
  ['y = 0', encode(0n)],
  ['y = 0, sign 1', encode(2n ** 255n)],
  ['order 8', hex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')],
  ['order 8, the other', hex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')],
  ['y = p', encode(P)],
  ['y = p + 1', encode(P + 1n)],
  ['y = 2, on no point', encode(2n)],
  ['all ones', new Uint8Array(32).fill(0xff)],
];

describe.each(VERSIONS)('%s: an unusable point', async (version) => {
  const isOmemo2 = version === 'urn:xmpp:omemo:2';
  const protocol = protocolFor(version);
  const freshAlice = await createDevice(version, `${version} bad alice`);
  const freshBob = await createDevice(version, `${version} bad bob`);
  const opening = write(await start(freshAlice, bundleOfDevice(freshBob)), new Uint8Array(32));
  const answered = write((await read(freshBob, opening.bytes)).device, new Uint8Array(32));
  const alice = (await read(opening.device, answered.bytes)).device;
  const message = write(alice, new Uint8Array(32));
  const again = write(await start(alice, bundleOfDevice(freshBob)), new Uint8Array(32));

  /** The bytes with one key in them exchanged. */
  function exchanged(bytes: Uint8Array, key: Uint8Array, bad: Uint8Array): Uint8Array {
    const at = Buffer.from(bytes).lastIndexOf(Buffer.from(key));
    if (at < 0) throw new Error('the key is not in these bytes');
    return Uint8Array.from([...bytes.slice(0, at), ...bad, ...bytes.slice(at + key.length)]);
  }

  async function isRefused(device: Device, bytes: Uint8Array, genuine: Uint8Array): Promise<void> {
    const before = structuredClone({ ...device, random: undefined });
    expect(await codeOf(() => read(device, bytes))).toBe('bad-key');
    expect(structuredClone({ ...device, random: undefined })).toEqual(before);
    expect(await codeOf(() => read(device, genuine))).toBe('ok');
  }

  test.each(BAD_X)('as ratchet key of a message is refused: %s', async (_name, bad) => {
    const { ratchetKey } = protocol.decodeMessage(message.bytes).header;
    await isRefused(answered.device, exchanged(message.bytes, ratchetKey, bad), message.bytes);
  });

  test.each(BAD_X)('as ephemeral key of a key exchange is refused: %s', async (_name, bad) => {
    for (const [device, { bytes }] of [
      [freshBob, opening],
      [answered.device, again],
    ] as const) {
      const { ephemeralKey } = protocol.decodeKeyExchange(bytes);
      await isRefused(device, exchanged(bytes, ephemeralKey, bad), bytes);
    }
  });

  test.each(BAD_X)('as ratchet key in a key exchange is refused: %s', async (_name, bad) => {
    const inner = protocol.decodeKeyExchange(opening.bytes).message;
    const { ratchetKey } = protocol.decodeMessage(inner).header;
    await isRefused(freshBob, exchanged(opening.bytes, ratchetKey, bad), opening.bytes);
  });

  test.each(isOmemo2 ? BAD_ED : BAD_X)(
    'as identity key of a key exchange is refused: %s',
    async (_name, bad) => {
      const { publicKey } = freshAlice.identity;
      const identityKey = isOmemo2 ? edwardsOf(publicKey) : publicKey;
      await isRefused(freshBob, exchanged(opening.bytes, identityKey, bad), opening.bytes);
    },
  );

  test.each(BAD_X)(
    'as prekey of a bundle, even signed, begins no session: %s',
    async (_name, bad) => {
      const bundle = bundleOfDevice(freshBob);
      const { privateKey } = freshBob.identity;
      const signature = signXeddsa(privateKey, protocol.signedBytes(bad), new Uint8Array(64));
      const signedPrekey = { ...bundle.signedPrekey, publicKey: bad, signature };
      const oneTimePrekeys = [{ id: 1, publicKey: bad }];
      expect(await codeOf(() => start(freshAlice, { ...bundle, signedPrekey }))).toBe('bad-key');
      expect(await codeOf(() => start(freshAlice, { ...bundle, oneTimePrekeys }))).toBe('bad-key');
      expect(await codeOf(() => start(freshAlice, bundle))).toBe('ok');
    },
  );
});
