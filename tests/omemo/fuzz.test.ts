// Random and damaged bytes against everything that reads what others wrote, in both versions: whatever comes in, the
// answer is a typed error or something genuine, and no state changes. OMNEMO_FUZZ_MINUTES makes it run long.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { equalBytes } from '../../src/crypto/bytes';
import { openPayload, sealPayload } from '../../src/omemo/payload';
import { verifyBundle } from '../../src/omemo/prekeys';
import { protocolFor } from '../../src/omemo/protocol';
import type { OmemoVersion, PublishedBundle } from '../../src/omemo/types';
import { codeOf } from './codes';
import { anything, damaged } from './damage';
import { bundleOfDevice, createDevice, read, seeded, start, VERSIONS, write } from './devices';
import { report, runs, TEST_TIMEOUT_MS } from './runs';

const MATERIALS = Array.from({ length: 6 }, (_, n) => new Uint8Array(48).fill(n + 1));

/** Two devices in the middle of a talk, and messages of every kind that Bob has yet to read, or has read. */
async function talk(version: OmemoVersion) {
  const freshAlice = await createDevice(version, `${version} fuzz alice`);
  const freshBob = await createDevice(version, `${version} fuzz bob`);
  const material = (n: number) => MATERIALS[n] ?? new Uint8Array(0);
  const opening = write(await start(freshAlice, bundleOfDevice(freshBob)), material(0));
  const repeat = write(opening.device, material(1));
  const answer = write((await read(freshBob, opening.bytes)).device, material(2));
  const late = write((await read(repeat.device, answer.bytes)).device, material(3));
  const next = write(late.device, material(4));
  const again = write(await start(next.device, bundleOfDevice(freshBob)), material(5));
  return {
    fresh: freshBob,
    bob: (await read(answer.device, next.bytes)).device,
    bundle: bundleOfDevice(freshBob),
    read: [opening.bytes, next.bytes],
    unread: [repeat.bytes, late.bytes, again.bytes],
  };
}

describe.each(VERSIONS)('%s', async (version) => {
  const protocol = protocolFor(version);
  const { fresh, bob, bundle, ...messages } = await talk(version);
  const genuine = [...messages.read, ...messages.unread];
  const inner = genuine.map((bytes) =>
    protocol.isKeyExchange(bytes) ? protocol.decodeKeyExchange(bytes).message : bytes,
  );

  function counter() {
    const counts: Record<string, number> = {};
    return { counts, count: (code: string) => (counts[code] = (counts[code] ?? 0) + 1) };
  }

  async function check<T>(
    what: string,
    arbitrary: fc.Arbitrary<T>,
    tries: number,
    share: number,
    step: (value: T) => Promise<string>,
  ) {
    const { counts, count } = counter();
    await fc.assert(
      fc.asyncProperty(arbitrary, async (value) => {
        count(await step(value));
      }),
      runs<[T]>(tries, share / VERSIONS.length),
    );
    report(`${version} ${what}`, counts);
    expect(counts['malformed'] ?? counts['bad-mac'] ?? counts['bad-signature']).toBeGreaterThan(0);
  }

  test(
    'decodeMessage',
    async () => {
      await check('decodeMessage', fc.oneof(anything, damaged(inner)), 1500, 0.1, (bytes) =>
        codeOf(() => {
          const { header, ciphertext, mac } = protocol.decodeMessage(bytes);
          expect([header.ratchetKey.length, mac.length]).toEqual([32, protocol.macLength]);
          const again = protocol.frameMessage(protocol.encodeMessage(header, ciphertext), mac);
          expect(protocol.decodeMessage(again)).toMatchObject({ header, ciphertext, mac });
        }),
      );
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'decodeKeyExchange',
    async () => {
      const source = fc.oneof(anything, damaged(genuine));
      await check('decodeKeyExchange', source, 1500, 0.1, (bytes) =>
        codeOf(() => {
          const { identityKey, ephemeralKey, message } = protocol.decodeKeyExchange(bytes);
          expect([identityKey.length, ephemeralKey.length]).toEqual([32, 32]);
          expect(message.length).toBeLessThanOrEqual(bytes.length);
        }),
      );
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'decryptKeyMaterial',
    async () => {
      const source = fc.tuple(
        fc.constantFrom(fresh, bob),
        fc.oneof(anything, damaged(genuine), damaged(genuine)),
      );
      const before = structuredClone(state());
      await check('decryptKeyMaterial', source, 120, 0.5, ([device, bytes]) =>
        codeOf(async () => {
          const { keyMaterial } = await read(device, bytes);
          // What still opens was damaged outside of what the MAC covers, or not at all.
          expect(MATERIALS.some((each) => equalBytes(each, keyMaterial))).toBe(true);
        }),
      );
      expect(isDeepStrictEqual(state(), before)).toBe(true);
      const opened = await Promise.all(
        messages.unread.map((bytes) => codeOf(() => read(bob, bytes))),
      );
      expect(opened).toEqual(['ok', 'ok', 'ok']);

      function state() {
        return [fresh, bob].map(({ sessions, prekeys, identity }) => ({
          sessions,
          prekeys,
          identity,
        }));
      }
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'openPayload',
    async () => {
      const sealed = sealPayload(version, 'a text of some length, é中😀', seeded('payload'));
      const part = (bytes: Uint8Array) =>
        fc.oneof(
          { weight: 2, arbitrary: fc.constant(bytes) },
          { weight: 1, arbitrary: damaged([bytes]) },
          { weight: 1, arbitrary: fc.uint8Array({ maxLength: 80 }) },
        );
      const source = fc.record({
        keyMaterial: part(sealed.keyMaterial),
        payload: part(sealed.payload),
        ...(sealed.iv !== undefined && { iv: part(sealed.iv) }),
      });
      await check('openPayload', source, 1500, 0.1, (value) =>
        codeOf(() => {
          expect(openPayload(version, value)).toBe('a text of some length, é中😀');
        }),
      );
    },
    TEST_TIMEOUT_MS,
  );

  test(
    'verifyBundle',
    async () => {
      const key = (bytes: Uint8Array) =>
        fc.oneof(
          { weight: 4, arbitrary: fc.constant(bytes) },
          { weight: 1, arbitrary: damaged([bytes]) },
          { weight: 1, arbitrary: fc.uint8Array({ minLength: 30, maxLength: 34 }) },
        );
      const id = fc.oneof(fc.nat(200), fc.constantFrom(0, -1, 0.5, NaN, 2 ** 31, 2 ** 32));
      const { identityKey, identityKeyEd, signedPrekey, oneTimePrekeys } = bundle;
      const identity: fc.Arbitrary<Partial<PublishedBundle>> =
        identityKeyEd === undefined
          ? fc.record({ identityKey: key(identityKey) })
          : fc.record({ identityKeyEd: key(identityKeyEd) });
      const prekeys = fc.record({
        signedPrekey: fc.record({
          id: fc.oneof(fc.constant(signedPrekey.id), id),
          publicKey: key(signedPrekey.publicKey),
          signature: key(signedPrekey.signature),
        }),
        oneTimePrekeys: fc.array(
          fc.record({ id, publicKey: key(oneTimePrekeys[0]?.publicKey ?? identityKey) }),
          { maxLength: 2 },
        ),
      });
      const source = fc.tuple(identity, prekeys).map(([one, other]) => ({ ...one, ...other }));
      await check('verifyBundle', source, 150, 0.2, (published) =>
        codeOf(async () => {
          const checked = await verifyBundle(version, published);
          expect(checked.identityKey).toEqual(identityKey);
          expect(checked.signedPrekey.publicKey).toEqual(signedPrekey.publicKey);
          expect(checked.oneTimePrekeys.length).toBeGreaterThan(0);
        }),
      );
    },
    TEST_TIMEOUT_MS,
  );
});
