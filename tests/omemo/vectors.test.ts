// Every conversation and every must-fail case of vectors.json, as receiver and byte for byte as sender.
import { afterEach, describe, expect, test, vi } from 'vitest';
import { fingerprint } from '../../src/omemo/identity';
import { omemo2 } from '../../src/omemo/omemo2';
import { openPayload, sealEmpty, sealPayload } from '../../src/omemo/payload';
import { verifyBundle } from '../../src/omemo/prekeys';
import { base64, conversationOf, hex, vectors, type Conversation } from '../vectors/vectors';
import { codeOf } from './codes';
import { decrypt, receive, send, sendOf } from './play';
import { scripted, vectorBundle, vectorDevice } from './vector-device';

/** Our own identity key has sign 0 in Ed25519 form (design D3); devices of the vectors may have sign 1. */
function playSigns({ parties }: Conversation): void {
  vi.spyOn(omemo2, 'ownIdentity').mockImplementation((identityKey) => {
    const own = Buffer.from(identityKey).toString('hex');
    const party = [parties.alice, parties.bob].find((each) => each.identity.curve25519Pub === own);
    return hex(party?.identity.ed25519Pub ?? '');
  });
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(vectors.conversations)('$id', (conversation) => {
  const { alice, bob } = conversation.parties;

  test('opens every message as the receiver, and sends the same bytes as the sender', async () => {
    if (conversation.id.startsWith('v2-sign-bit')) playSigns(conversation);
    const devices = { alice: await vectorDevice(alice), bob: await vectorDevice(bob) };
    let received = 0;
    for (const [index, step] of conversation.steps.entries()) {
      if (step.op === 'send' && conversation.receiverOnly !== true) {
        await send(conversation, devices[step.from], step);
      }
      if (step.op === 'recv') {
        await receive(conversation, devices[step.to], index);
        received += 1;
      }
    }
    expect(received).toBeGreaterThan(0);
    expect(hex(bob.identity.curve25519Pub)).toEqual(devices.bob.identity.publicKey);
    expect(fingerprint(devices.alice.identity.publicKey).replaceAll(' ', '')).toBe(
      alice.identity.fingerprint,
    );
  });

  test('seals every payload byte for byte as the sender', () => {
    const { namespace: version } = conversation;
    const sealed = conversation.steps.filter(
      (step) =>
        step.op === 'send' &&
        step.payload !== null &&
        step.plaintext !== null &&
        step.oldStyleTag !== true &&
        (step.iv === undefined || base64(step.iv).length === 12),
    );
    for (const step of sealed) {
      if (step.op !== 'send' || step.payload === null || step.plaintext === null) continue;
      const iv = step.iv === undefined ? [] : [base64(step.iv)];
      const random = scripted(hex(step.random.payloadKey ?? ''), ...iv);
      const { payload, keyMaterial } = sealPayload(version, step.plaintext, random);
      expect(Buffer.from(payload).toString('base64')).toBe(step.payload);
      expect(Buffer.from(keyMaterial).toString('hex')).toBe(step.keyMaterial);
    }
    const odd = ['legacy-iv16', 'legacy-key-transport-forms', 'legacy-tag-in-payload'];
    expect(sealed.length > 0).toBe(!odd.includes(conversation.id));
  });
});

test.each([
  { id: 'v2-sign-bit-initiator', own: 'bob' as const, count: 4 },
  { id: 'v2-sign-bit-responder', own: 'alice' as const, count: 4 },
])('$id: our sign is 0 and theirs 1, as $own', async ({ id, own, count }) => {
  const conversation = conversationOf(id);
  const device = await vectorDevice(conversation.parties[own]);
  let played = 0;
  for (const [index, step] of conversation.steps.entries()) {
    if (step.op === 'send' && step.from === own) await send(conversation, device, step);
    else if (step.op === 'recv' && step.to === own) await receive(conversation, device, index);
    else continue;
    played += 1;
  }
  expect(played).toBe(count);
  const peer = conversation.parties[own === 'alice' ? 'bob' : 'alice'];
  expect(device.sessions.current?.remoteIdentityKeyEd).toEqual(hex(peer.identity.ed25519Pub));
  expect(device.sessions.current?.remoteIdentityKey).toEqual(hex(peer.identity.curve25519Pub));
});

test('a key exchange for another sign of our identity key is refused', async () => {
  const conversation = conversationOf('v2-sign-bit');
  const bob = await vectorDevice(conversation.parties.bob);
  const { key } = sendOf(conversation, 'a0');
  const open = () => decrypt('urn:xmpp:omemo:2', bob, base64(key), '11'.repeat(32));
  expect(await codeOf(open)).toBe('bad-mac');
});

test('an empty message of OMEMO 2 carries the same key material as that of python-twomemo', () => {
  const empty = sendOf(conversationOf('v2-empty'), 'b0');
  expect(empty.payload).toBeNull();
  const { keyMaterial, ...rest } = sealEmpty('urn:xmpp:omemo:2', scripted());
  expect(Buffer.from(keyMaterial).toString('hex')).toBe(empty.keyMaterial);
  expect(rest).toEqual({});
});

test('both versions show the same fingerprint for one identity key', async () => {
  for (const id of ['v2-basic', 'v2-sign-bit']) {
    const { parties, namespace } = conversationOf(id);
    for (const party of [parties.alice, parties.bob]) {
      const { identityKey } = await verifyBundle(namespace, vectorBundle(namespace, party, 1));
      expect(fingerprint(identityKey).replaceAll(' ', '')).toBe(party.identity.fingerprint);
    }
  }
});

const CODES: Readonly<Record<string, string>> = {
  mac: 'bad-mac',
  'no-prekey': 'unknown-prekey',
  'no-signed-prekey': 'unknown-prekey',
  'too-many-skipped': 'too-far',
  protobuf: 'malformed',
  empty: 'malformed',
  'no-session': 'no-session',
  version: 'malformed',
  'key-encoding': 'bad-key',
};

describe.each(['legacy-basic', 'v2-basic'])('must fail in %s', (id) => {
  const conversation = conversationOf(id);
  const { namespace: version } = conversation;
  const genuine = conversation.steps.findIndex((step) => step.op === 'recv');
  const cases = vectors.mustFail.filter((bad) => bad.conversation === id);

  test.each(cases.filter(({ key }) => key !== undefined))('$name', async (bad) => {
    const bob = await vectorDevice(conversation.parties.bob);
    const before = structuredClone(bob);
    const open = () => decrypt(version, bob, base64(bad.key ?? ''), '11'.repeat(32));
    expect(await codeOf(open)).toBe(CODES[bad.referenceReason]);
    expect(bob).toEqual(before);
    await receive(conversation, bob, genuine);
  });

  test.each(cases.filter(({ payload }) => payload !== undefined))('$name', async (bad) => {
    const open = () =>
      openPayload(version, {
        keyMaterial: hex(bad.keyMaterial ?? ''),
        ...(typeof bad.iv === 'string' && { iv: base64(bad.iv) }),
        payload: base64(bad.payload ?? ''),
      });
    expect(await codeOf(open)).toBe(bad.name === 'payload-short-tag' ? 'malformed' : 'bad-mac');
  });
});

test('every case of the file is run', () => {
  const { conversations, mustFail } = vectors;
  expect(conversations.filter(({ namespace }) => namespace === 'urn:xmpp:omemo:2')).toHaveLength(
    11,
  );
  expect(conversations).toHaveLength(24);
  expect(mustFail.filter(({ conversation }) => conversation === 'v2-basic')).toHaveLength(14);
  expect(mustFail.filter(({ conversation }) => conversation === 'legacy-basic')).toHaveLength(15);
  expect(mustFail).toHaveLength(29);
});
