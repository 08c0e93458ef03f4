// Every single flipped bit of what other implementations sent is refused, with the state unchanged, and the genuine
// message still opens afterwards.
import { describe, expect, test, vi } from 'vitest';
import { KEY_LENGTH } from '../../src/crypto/curve';
import type * as Engine from '../../src/crypto/engine';
import { openPayload } from '../../src/omemo/payload';
import { base64, conversationOf, hex, type RecvStep } from '../vectors/vectors';
import { codeOf } from './codes';
import { decrypt, receive, send, sendOf } from './play';
import { vectorDevice } from './vector-device';

// Most flips leave the keys alone: an agreement that was computed once need not be computed a thousand times.
vi.mock('../../src/crypto/engine', async (original) => {
  const engine = await original<typeof Engine>();
  const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  const agreed = new Map<string, Promise<Uint8Array>>();
  const pairs = new Map<string, ReturnType<typeof Engine.generateKeyPair>>();
  const remember = <T>(known: Map<string, T>, key: string, make: () => T): T => {
    const value = known.get(key) ?? make();
    known.set(key, value);
    return value;
  };
  return {
    ...engine,
    agree: (privateKey: Uint8Array, publicKey: Uint8Array) =>
      remember(agreed, hexOf(privateKey) + hexOf(publicKey), () =>
        engine.agree(privateKey, publicKey),
      ),
    generateKeyPair: (random: (length: number) => Uint8Array) => {
      const drawn = random(KEY_LENGTH);
      return remember(pairs, hexOf(drawn), () => engine.generateKeyPair(() => drawn));
    },
  };
});

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const other = Uint8Array.from(bytes);
  other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return other;
}

/** A conversation played until its first message that is a key exchange, or is none, is about to be received. */
async function before(id: string, isKeyExchange: boolean) {
  const conversation = conversationOf(id);
  const { alice, bob } = conversation.parties;
  const devices = { alice: await vectorDevice(alice), bob: await vectorDevice(bob) };
  for (const [index, step] of conversation.steps.entries()) {
    if (step.op === 'send') {
      await send(conversation, devices[step.from], step);
    } else if (sendOf(conversation, step.msg).kex === isKeyExchange) {
      return { conversation, device: devices[step.to], index, step };
    } else {
      await receive(conversation, devices[step.to], index);
    }
  }
  throw new Error('no such message');
}

/** Low nibble of the first byte: the newest version the sender knows; it may be any from 3 up (wire §4.2). */
const NEWEST_VERSION = [2, 3];

/**
 * The registration id, `28 ffffffff07` in this message, is outside the MAC and nobody uses it (wire §4.2): its number
 * below 2^32 may change, and its tag may become that of a field 7 or 13, which nobody knows.
 */
const REGISTRATION_ID = [
  ...bitsOf(173, [4, 6]),
  ...[174, 175, 176, 177].flatMap((byte) => bitsOf(byte, [0, 1, 2, 3, 4, 5, 6])),
  ...bitsOf(178, [0, 1, 2, 3]),
];

function bitsOf(byte: number, bits: readonly number[]): number[] {
  return bits.map((bit) => byte * 8 + bit);
}

describe.each([
  {
    id: 'legacy-registration-id',
    kind: 'key exchange',
    open: [...NEWEST_VERSION, ...REGISTRATION_ID],
  },
  { id: 'legacy-basic', kind: 'message', open: [] },
  { id: 'v2-basic', kind: 'key exchange', open: [] },
  { id: 'v2-basic', kind: 'message', open: [] },
])('a flipped bit in a $kind of $id', ({ id, kind, open }) => {
  test('is refused everywhere but where nothing is authenticated', async () => {
    const { conversation, device, index, step } = await before(id, kind === 'key exchange');
    const sent = sendOf(conversation, step.msg);
    const key = base64(sent.key);
    const state = structuredClone(device);
    const opened: number[] = [];
    for (let bit = 0; bit < key.length * 8; bit++) {
      const code = await codeOf(() =>
        attempt(conversation.namespace, device, flipped(key, bit), step),
      );
      if (code === 'ok') opened.push(bit);
    }
    expect(opened).toEqual(open);
    expect(device).toEqual(state);
    await receive(conversation, device, index);
  }, 60_000);
});

async function attempt(
  version: Parameters<typeof decrypt>[0],
  device: Parameters<typeof decrypt>[1],
  bytes: Uint8Array,
  step: RecvStep,
) {
  return await decrypt(version, device, bytes, step.newRatchetPriv ?? '11'.repeat(32));
}

describe.each(['legacy-basic', 'legacy-iv16', 'legacy-tag-in-payload', 'v2-basic'])(
  'a flipped bit in a payload of %s',
  (id) => {
    test('is refused, also in its iv and key material', async () => {
      const { namespace, steps } = conversationOf(id);
      const [sent] = steps;
      if (sent?.op !== 'send' || sent.payload === null) throw new Error('want a payload');
      const genuine = {
        keyMaterial: hex(sent.keyMaterial),
        payload: base64(sent.payload),
        ...(sent.iv !== undefined && { iv: base64(sent.iv) }),
      };
      for (const part of ['keyMaterial', 'payload', 'iv'] as const) {
        const bytes = genuine[part];
        if (bytes === undefined) continue;
        for (let bit = 0; bit < bytes.length * 8; bit++) {
          const damaged = { ...genuine, [part]: flipped(bytes, bit) };
          expect(await codeOf(() => openPayload(namespace, damaged))).toBe('bad-mac');
        }
      }
      expect(openPayload(namespace, genuine)).toBe(sent.plaintext);
    });
  },
);
