// The Double Ratchet against the traces of the vectors (numbers and message keys of every step), and its limits.
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { clamp, KeyError } from '../../src/crypto/curve';
import { generateKeyPair, publicKeyOf } from '../../src/crypto/engine';
import {
  acceptRatchet,
  initiateRatchet,
  knowsRatchetKey,
  nextSending,
  RatchetError,
  receive,
  type RatchetHeader,
  type RatchetState,
} from '../../src/crypto/ratchet';
import { hex, vectors, type Conversation, type Party } from '../vectors/vectors';

const random = (length: number) => new Uint8Array(randomBytes(length));
const LIMITS = { ahead: 2000, perChain: 2000, chains: 5 };
const SMALL = { ahead: 10, perChain: 8, chains: 2 };
const INFO = {
  'eu.siacs.conversations.axolotl': 'WhisperRatchet',
  'urn:xmpp:omemo:2': 'OMEMO Root Chain',
};

async function pair(privateHex: string) {
  const privateKey = clamp(hex(privateHex));
  return { privateKey, publicKey: await publicKeyOf(privateKey) };
}

/** Conversations with one session, whose shared secret is told. */
const traced = vectors.conversations.filter(
  ({ receiverOnly, steps }) =>
    receiverOnly !== true &&
    steps.filter((step) => step.op === 'send' && step.newSession !== undefined).length === 1,
);

async function start({ namespace, steps, parties }: Conversation) {
  const first = steps.find((step) => step.op === 'send');
  if (first?.op !== 'send' || first.newSession === undefined) throw new Error('no start');
  const { newSession, from } = first;
  const bob: Party = from === 'alice' ? parties.bob : parties.alice;
  const sharedSecret = hex(newSession.x3dh.sk);
  const initiator = await initiateRatchet({
    sharedSecret,
    remoteSignedPrekey: hex(bob.signedPreKey.pub),
    ratchetKeyPair: await pair(newSession.ratchetPriv),
    info: INFO[namespace],
  });
  const responder = acceptRatchet(sharedSecret, await pair(bob.signedPreKey.priv));
  return from === 'alice'
    ? { alice: initiator, bob: responder }
    : { alice: responder, bob: initiator };
}

describe.each(traced)('trace of $id', (conversation) => {
  test('gives every number and message key', async () => {
    const states: Record<'alice' | 'bob', RatchetState> = await start(conversation);
    let compared = 0;
    for (const step of conversation.steps) {
      if (step.ratchet === undefined) continue;
      compared += 1;
      if (step.op === 'send') {
        const { state, header, messageKey } = nextSending(states[step.from]);
        states[step.from] = state;
        expect(messageKey).toEqual(hex(step.ratchet.messageKey));
        expect(header.n).toBe(step.ratchet.n);
        // libsignal writes the last index instead of the count (wire §4.3).
        const isOffByOne = conversation.id.endsWith('-pn-libsignal') && step.msg === 'a2';
        expect(header.previousChainLength).toBe(step.ratchet.pn + (isOffByOne ? 1 : 0));
        continue;
      }
      const { n, pn, ratchetPub, messageKey, dhStep } = step.ratchet;
      const header = { ratchetKey: hex(ratchetPub), previousChainLength: pn, n };
      let isDrawn = false;
      const newKeyPair = async () => {
        isDrawn = true;
        return await pair(step.newRatchetPriv ?? '');
      };
      const got = await receive(states[step.to], header, INFO[conversation.namespace], LIMITS);
      states[step.to] = await got.accept(newKeyPair);
      expect(got.messageKey).toEqual(hex(messageKey));
      expect(isDrawn).toBe(dhStep);
    }
    expect(compared).toBeGreaterThan(1);
  });
});

/** Both ends of a fresh ratchet. */
async function ends() {
  const [sharedSecret, signedPrekey] = [random(32), await generateKeyPair(random)];
  const alice = await initiateRatchet({
    sharedSecret,
    remoteSignedPrekey: signedPrekey.publicKey,
    ratchetKeyPair: await generateKeyPair(random),
    info: 'info',
  });
  return { alice, bob: acceptRatchet(sharedSecret, signedPrekey) };
}

/** The next `count` messages: headers with their keys, and the state after them. */
function sendMany(state: RatchetState, count: number) {
  const sent: { readonly header: RatchetHeader; readonly messageKey: Uint8Array }[] = [];
  let after = state;
  for (let i = 0; i < count; i++) {
    const next = nextSending(after);
    after = next.state;
    sent.push(next);
  }
  return { state: after, sent };
}

/** As for a message that authenticates. */
async function take(state: RatchetState, header: RatchetHeader, limits = SMALL) {
  const { messageKey, accept } = await receive(state, header, 'info', limits);
  return { messageKey, state: await accept(() => generateKeyPair(random)) };
}

async function codeOf(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    if (error instanceof RatchetError) return error.code;
    throw error;
  }
  return 'ok';
}

describe('limits', () => {
  test('a message may skip as many as allowed, and not one more', async () => {
    const { alice, bob } = await ends();
    const { sent } = sendMany(alice, 12);
    expect((await take(bob, sent[10]?.header ?? never())).messageKey).toEqual(sent[10]?.messageKey);
    expect(await codeOf(() => take(bob, sent[11]?.header ?? never()))).toBe('too-far');
    const later = (await take(bob, sent[0]?.header ?? never())).state;
    expect(await codeOf(() => take(later, sent[11]?.header ?? never()))).toBe('ok');
  });

  test('of one chain the newest skipped keys are kept', async () => {
    const { alice, bob } = await ends();
    const { sent } = sendMany(alice, 11);
    const { state } = await take(bob, sent[10]?.header ?? never());
    expect(state.skippedMessageKeys.map(({ n }) => n)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await codeOf(() => take(state, sent[1]?.header ?? never()))).toBe('duplicate');
    expect((await take(state, sent[2]?.header ?? never())).messageKey).toEqual(sent[2]?.messageKey);
  });

  test('skipped keys are kept of the newest chains only', async () => {
    let { alice, bob } = await ends();
    const late: { readonly header: RatchetHeader; readonly messageKey: Uint8Array }[] = [];
    for (let turn = 0; turn < 4; turn++) {
      const { state, sent } = sendMany(alice, 3);
      bob = (await take(bob, sent[2]?.header ?? never())).state;
      late.push(sent[0] ?? never());
      const answer = nextSending(bob);
      bob = answer.state;
      alice = (await take(state, answer.header)).state;
    }
    const chains = new Set(
      bob.skippedMessageKeys.map((key) => Buffer.from(key.remoteRatchetKey).toString('hex')),
    );
    expect(chains.size).toBe(2);
    expect(bob.skippedMessageKeys).toHaveLength(2 * 3 - 1); // the older chain also keeps index pn
    for (const [turn, { header, messageKey }] of late.entries()) {
      const isKept = turn >= 2;
      const found = await take(bob, header);
      expect(Buffer.from(found.messageKey).equals(messageKey)).toBe(isKept);
      expect(knowsRatchetKey(bob, header.ratchetKey)).toBe(isKept);
    }
  });

  test('an excessive pn keeps nothing, and the ratchet still turns', async () => {
    const { alice, bob } = await ends();
    const { state, sent } = sendMany(alice, 1);
    const opened = (await take(bob, sent[0]?.header ?? never())).state;
    const answer = nextSending(opened);
    const turned = nextSending((await take(state, answer.header)).state);
    const forged = { ...turned.header, previousChainLength: 0xffffffff };
    const got = await take(answer.state, forged);
    expect(got.messageKey).toEqual(turned.messageKey);
    expect(got.state.skippedMessageKeys).toEqual([]);
    const allowed = { ...turned.header, previousChainLength: 10 };
    expect((await take(answer.state, allowed)).state.skippedMessageKeys.map(({ n }) => n)).toEqual([
      3, 4, 5, 6, 7, 8, 9, 10,
    ]);
    const beyond = { ...turned.header, previousChainLength: 11 };
    expect((await take(answer.state, beyond)).state.skippedMessageKeys).toEqual([]);
  });
});

function never(): never {
  throw new Error('no such message');
}

describe('pn', () => {
  test.each([
    { name: 'a count', shift: 0 },
    { name: 'the last index', shift: -1 },
  ])('as $name leaves the key of the last message of the chain', async ({ shift }) => {
    const { alice, bob } = await ends();
    const { state, sent } = sendMany(alice, 3);
    const answer = nextSending((await take(bob, sent[0]?.header ?? never())).state);
    const turned = nextSending((await take(state, answer.header)).state);
    expect(turned.header.previousChainLength).toBe(3);
    const header = { ...turned.header, previousChainLength: 3 + shift };
    const { state: after } = await take(answer.state, header);
    for (const late of sent.slice(1)) {
      expect((await take(after, late.header)).messageKey).toEqual(late.messageKey);
    }
  });
});

describe('states', () => {
  test('are never changed, and a key is given once', async () => {
    const { alice, bob } = await ends();
    const { state, sent } = sendMany(alice, 3);
    const before = structuredClone({ alice, bob, state });
    const second = (await take(bob, sent[2]?.header ?? never())).state;
    const copy = structuredClone(second);
    const third = (await take(second, sent[0]?.header ?? never())).state;
    expect({ alice, bob, state }).toEqual(before);
    expect(second).toEqual(copy);
    for (const used of [0, 2]) {
      expect(await codeOf(() => take(third, sent[used]?.header ?? never()))).toBe('duplicate');
    }
    expect(await codeOf(() => take(third, sent[1]?.header ?? never()))).toBe('ok');
  });

  test('one that has received nothing cannot send', async () => {
    await expect(async () => nextSending((await ends()).bob)).rejects.toThrow(
      new TypeError('state: want a sending chain'),
    );
  });

  test('a ratchet key of low order or not canonical is refused', async () => {
    const { bob } = await ends();
    for (const key of [new Uint8Array(32), new Uint8Array(32).fill(0xff), new Uint8Array(31)]) {
      const header = { ratchetKey: key, previousChainLength: 0, n: 0 };
      await expect(() => take(bob, header)).rejects.toThrow(KeyError);
    }
  });

  test('our key pair is drawn once in a turn of the ratchet, when it is accepted, and not otherwise', async () => {
    const { alice, bob } = await ends();
    const { sent } = sendMany(alice, 2);
    let drawn = 0;
    const draw = async () => {
      drawn += 1;
      return await generateKeyPair(random);
    };
    const first = await receive(bob, sent[0]?.header ?? never(), 'info', SMALL);
    expect(drawn).toBe(0);
    const after = await first.accept(draw);
    expect(drawn).toBe(1);
    (await await receive(after, sent[1]?.header ?? never(), 'info', SMALL)).accept(draw);
    expect(drawn).toBe(1);
  });
});

describe('a chain that has ended', () => {
  /** The first and only message of `count` chains of alice, all received, and bob after them. */
  async function turns(count: number) {
    let { alice, bob } = await ends();
    const headers: RatchetHeader[] = [];
    for (let i = 0; i < count; i++) {
      const { state, header } = nextSending(alice);
      headers.push(header);
      bob = (await take(bob, header)).state;
      const answer = nextSending(bob);
      bob = answer.state;
      alice = (await take(state, answer.header)).state;
    }
    return { headers, bob };
  }

  test('tells a used message from a damaged one as long as skipped keys are kept of it', async () => {
    // Two chains in `SMALL`: the present one and one before.
    const { headers, bob } = await turns(4);
    expect(await Promise.all(headers.map((header) => codeOf(() => take(bob, header))))).toEqual([
      ...['ok', 'ok'],
      ...['duplicate', 'duplicate'],
    ]);
    expect(headers.map(({ ratchetKey }) => knowsRatchetKey(bob, ratchetKey))).toEqual([
      // Of the second chain the key after the last is still kept, for those who send an index as pn.
      ...[false, true],
      ...[true, true],
    ]);
  });

  test('is forgotten when more of it is missing than keys are made for', async () => {
    const { alice, bob } = await ends();
    const first = sendMany(alice, 1);
    const received = (await take(bob, first.sent[0]?.header ?? never())).state;
    const answer = nextSending(received);
    const turned = (await take(sendMany(first.state, 20).state, answer.header)).state;
    const next = nextSending(turned);
    const after = (await take(answer.state, next.header)).state;
    expect(knowsRatchetKey(after, first.sent[0]?.header.ratchetKey ?? never())).toBe(false);
    expect(knowsRatchetKey(after, next.header.ratchetKey)).toBe(true);
  });
});
