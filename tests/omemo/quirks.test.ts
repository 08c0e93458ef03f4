// Rules of the reference about other clients (client-quirks, Q-1 to Q-18) that are decided by bytes and sessions. What the
// others send comes from the vectors, which python-oldmemo, python-twomemo and libomemo-c agree on.
import { describe, expect, test } from 'vitest';
import { openPayload, sealEmpty, sealPayload } from '../../src/omemo/payload';
import { bundleOf, refillOneTimePrekeys, rotateSignedPrekey } from '../../src/omemo/prekeys';
import { protocolFor } from '../../src/omemo/protocol';
import { initiateSession } from '../../src/omemo/ratchet-session';
import type { OmemoVersion, PublishedBundle } from '../../src/omemo/types';
import { base64, conversationOf, hex } from '../vectors/vectors';
import { bundleOfDevice, createDevice, NOW, read, seeded, start, VERSIONS, write } from './devices';
import { decrypt, receive, send, sendOf } from './play';
import { vectorBundle, vectorDevice } from './vector-device';

const L = 'eu.siacs.conversations.axolotl';
const V2 = 'urn:xmpp:omemo:2';

/** The conversation of that name in both versions. */
const both = (name: string) =>
  [conversationOf(`legacy-${name}`), conversationOf(`v2-${name}`)] as const;

describe('Q-2: prekey 0', () => {
  /** As Converse and Movim number them. */
  function fromZero(version: OmemoVersion): PublishedBundle {
    const { parties } = conversationOf(version === L ? 'legacy-basic' : 'v2-basic');
    const ids = parties.bob.preKeys.map(({ id }) => id);
    const bundles = ids.map((id) => vectorBundle(version, parties.bob, id));
    const [first, ...others] = bundles.flatMap(({ oneTimePrekeys }) => oneTimePrekeys);
    if (first === undefined || others.length < 2) throw new Error('want three prekeys');
    const oneTimePrekeys = [
      { ...first, id: 0 },
      ...others.map((key, at) => ({ ...key, id: at + 1 })),
    ];
    return { ...vectorBundle(version, parties.bob, first.id), oneTimePrekeys };
  }

  test.each(VERSIONS)('is never chosen: %s', async (version) => {
    const { identity } = await createDevice(version, 'Q-2');
    const bundle = fromZero(version);
    const chosen = new Set<number | undefined>();
    for (let draw = 0; draw < 30; draw++) {
      const random = seeded(`Q-2 ${draw}`);
      const session = await initiateSession({ version, identity, bundle, random });
      chosen.add(session.pendingKeyExchange?.oneTimePrekeyId);
    }
    const wanted = bundle.oneTimePrekeys.map(({ id }) => id).filter((id) => id > 0);
    expect([...chosen].sort()).toEqual(wanted);
  });

  test.each(VERSIONS)(
    'is none of ours, in a new store and after the last id: %s',
    async (version) => {
      const { identity, prekeys } = await createDevice(version, 'Q-2 ours');
      const idsOf = (store: typeof prekeys) =>
        bundleOf(version, identity, store).oneTimePrekeys.map(({ id }) => id);
      expect(Math.min(...idsOf(prekeys))).toBe(1);
      const last = { ...prekeys, oneTimePrekeys: [], nextOneTimePrekeyId: 2 ** 31 - 1 };
      const [first, second] = idsOf(await refillOneTimePrekeys(last, seeded('Q-2 refill')));
      expect([first, second]).toEqual([2 ** 31 - 1, 1]);
    },
  );
});

test('Q-3: our iv has 12 bytes, and a payload under one of 16 opens', () => {
  expect(sealPayload(L, 'a text', seeded('Q-3')).iv).toHaveLength(12);
  expect(sealEmpty(L, seeded('Q-3')).iv).toHaveLength(12);
  const { keyMaterial, iv = '', payload, plaintext } = sendOf(conversationOf('legacy-iv16'), 'a0');
  expect(base64(iv)).toHaveLength(16);
  const sealed = { keyMaterial: hex(keyMaterial), iv: base64(iv), payload: base64(payload ?? '') };
  expect(openPayload(L, sealed)).toBe(plaintext);
});

describe('Q-9: archived sessions', () => {
  test.each(both('simultaneous'))(
    'keep what the loser of two starts sent: $id',
    async (conversation) => {
      const { alice, bob } = conversation.parties;
      const devices = { alice: await vectorDevice(alice), bob: await vectorDevice(bob) };
      for (const [index, step] of conversation.steps.entries()) {
        if (step.op === 'send') await send(conversation, devices[step.from], step);
        else await receive(conversation, devices[step.to], index);
      }
      expect(devices.alice.sessions.archived).toHaveLength(1);
      expect(devices.bob.sessions.archived).toHaveLength(1);
    },
  );

  test.each(both('archived-session'))('open what comes late: $id', async (conversation) => {
    const { alice, bob } = conversation.parties;
    const devices = { alice: await vectorDevice(alice), bob: await vectorDevice(bob) };
    let sessions = 0;
    for (const [index, step] of conversation.steps.entries()) {
      if (step.op === 'send') continue;
      await receive(conversation, devices[step.to], index);
      sessions = Math.max(sessions, devices[step.to].sessions.archived.length);
    }
    expect(sessions).toBe(1);
  });
});

describe('Q-10: key material', () => {
  test('without payload has 16 bytes, 32 of a key and a tag, or 32 zeros, and is all normal', async () => {
    const conversation = conversationOf('legacy-key-transport-forms');
    const bob = await vectorDevice(conversation.parties.bob);
    const lengths: number[] = [];
    for (const [index, step] of conversation.steps.entries()) {
      if (step.op !== 'recv') continue;
      const sent = sendOf(conversation, step.msg);
      expect(sent.payload).toBeNull();
      const opened = await decrypt(L, bob, base64(sent.key), step.newRatchetPriv);
      lengths.push(opened.keyMaterial.length);
      await receive(conversation, bob, index);
    }
    expect(lengths).toEqual([16, 32, 32]);
  });

  test('of ours without payload has 16 bytes in legacy and 32 zeros in OMEMO 2', () => {
    expect(sealEmpty(L, seeded('Q-10')).keyMaterial).toHaveLength(16);
    expect(sealEmpty(V2, seeded('Q-10')).keyMaterial).toEqual(new Uint8Array(32));
  });
});

test.each(VERSIONS)('Q-14: new prekeys leave our identity key as it is: %s', async (version) => {
  const romeo = await createDevice(version, 'Q-14 romeo');
  let juliet = await createDevice(version, 'Q-14 juliet');
  const identityOf = () => {
    const bundle = bundleOfDevice(juliet);
    return [bundle.identityKey, bundle.identityKeyEd];
  };
  const before = identityOf();
  const first = write(await start(juliet, bundleOfDevice(romeo)), new Uint8Array(32));
  const answer = write((await read(romeo, first.bytes)).device, new Uint8Array(32));
  juliet = (await read(first.device, answer.bytes)).device;
  for (let week = 1; week <= 5; week++) {
    const { identity, random } = juliet;
    const store = { ...juliet.prekeys, oneTimePrekeys: juliet.prekeys.oneTimePrekeys.slice(50) };
    const now = NOW + week * 7 * 86_400_000;
    const rotated = await rotateSignedPrekey({ version, store, identity, now, random });
    juliet = { ...juliet, prekeys: await refillOneTimePrekeys(rotated, random) };
    expect(bundleOfDevice(juliet).signedPrekey.id).toBe(1 + week);
    expect(identityOf()).toEqual(before);
  }
  // A correction must come with the key that sent the original: what a new session shows is that key as well.
  const correction = write(await start(juliet, bundleOfDevice(romeo)), new Uint8Array(32));
  const shown = protocolFor(version).decodeKeyExchange(correction.bytes);
  const original = protocolFor(version).decodeKeyExchange(first.bytes);
  expect(shown.identityKey).toEqual(original.identityKey);
});
