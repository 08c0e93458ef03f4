import { describe, expect, test } from 'vitest';
import { OmemoError } from '../../src/omemo/errors';
import { fingerprint } from '../../src/omemo/identity';
import { openPayload, sealPayload } from '../../src/omemo/payload';
import { verifyBundle } from '../../src/omemo/prekeys';
import {
  decryptKeyMaterial,
  encryptKeyMaterial,
  initiateSession,
  startWith,
} from '../../src/omemo/ratchet-session';
import {
  base64,
  hex,
  legacyConversations,
  legacyMustFail,
  type Conversation,
  type SendStep,
} from '../vectors/vectors';
import { repeated, scripted, vectorBundle, vectorDevice, type VectorDevice } from './vector-device';

const version = 'eu.siacs.conversations.axolotl';

function sendOf(conversation: Conversation, msg: string): SendStep {
  const step = conversation.steps.find((each) => each.op === 'send' && each.msg === msg);
  if (step?.op !== 'send') throw new Error(`no message ${msg}`);
  return step;
}

function decrypt(device: VectorDevice, bytes: Uint8Array, ratchetPrivate: string | undefined) {
  return decryptKeyMaterial({
    version,
    sessions: device.sessions,
    identity: device.identity,
    prekeys: device.prekeys,
    bytes,
    random: repeated(ratchetPrivate === undefined ? undefined : hex(ratchetPrivate)),
  });
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof OmemoError) return error.code;
    throw error;
  }
  return 'ok';
}

function receive(conversation: Conversation, device: VectorDevice, index: number): void {
  const step = conversation.steps[index];
  if (step?.op !== 'recv') throw new Error('want a recv step');
  const sent = sendOf(conversation, step.msg);
  const before = structuredClone(device.sessions);
  if (step.expect !== 'ok') {
    expect(codeOf(() => decrypt(device, base64(sent.key), undefined))).toBe(step.expect);
    expect(device.sessions).toEqual(before);
    return;
  }
  const opened = decrypt(device, base64(sent.key), step.newRatchetPriv);
  expect(device.sessions).toEqual(before); // the step mutates nothing
  device.sessions = opened.sessions;
  expect(Buffer.from(opened.keyMaterial).toString('hex')).toBe(sent.keyMaterial);
  expect(opened.isKeyExchange).toBe(sent.kex);
  if (sent.payload !== null) {
    const { keyMaterial } = opened;
    const text = openPayload({ keyMaterial, iv: base64(sent.iv), payload: base64(sent.payload) });
    expect(text).toBe(sent.plaintext);
  }
}

function send(conversation: Conversation, device: VectorDevice, step: SendStep): void {
  const { alice, bob } = conversation.parties;
  const start = step.newSession;
  if (start !== undefined) {
    const random = scripted(hex(start.baseKeyPriv), hex(start.ratchetPriv));
    const bundle = vectorBundle(step.from === 'alice' ? bob : alice, start.preKeyId);
    verifyBundle(version, bundle);
    const session = initiateSession({ version, identity: device.identity, bundle, random });
    device.sessions = startWith(device.sessions, session);
  }
  const session = device.sessions.current;
  if (session === undefined) throw new Error('no session');
  const { encryptedKey, session: after } = encryptKeyMaterial({
    session,
    identity: device.identity,
    keyMaterial: hex(step.keyMaterial),
    ...(start?.registrationId !== undefined && { ownDeviceId: start.registrationId }),
  });
  device.sessions = { ...device.sessions, current: after };
  // The sender of this one stands for libsignal, which writes pn one lower (wire §4.3).
  const isOffByOne = conversation.id === 'legacy-pn-libsignal' && step.msg === 'a2';
  const bytes = Buffer.from(encryptedKey.bytes).toString('base64');
  if (isOffByOne) expect(bytes).not.toBe(step.key);
  else expect(bytes).toBe(step.key);
  expect(encryptedKey.isKeyExchange).toBe(step.kex);
}

describe.each(legacyConversations)('$id', (conversation) => {
  test('opens every message as the receiver', () => {
    const devices = {
      alice: vectorDevice(conversation.parties.alice),
      bob: vectorDevice(conversation.parties.bob),
    };
    const { alice, bob } = conversation.parties;
    expect(fingerprint(devices.alice.identity.publicKey).replaceAll(' ', '')).toBe(
      alice.identity.fingerprint,
    );
    let received = 0;
    conversation.steps.forEach((step, index) => {
      if (step.op === 'send' && conversation.receiverOnly !== true) {
        send(conversation, devices[step.from], step);
      }
      if (step.op === 'recv') {
        receive(conversation, devices[step.to], index);
        received += 1;
      }
    });
    expect(received).toBeGreaterThan(0);
    expect(hex(bob.identity.curve25519Pub)).toEqual(devices.bob.identity.publicKey);
  });

  test('seals every payload byte for byte as the sender', () => {
    const sealed = conversation.steps.filter(
      (step) =>
        step.op === 'send' &&
        step.payload !== null &&
        step.plaintext !== null &&
        step.oldStyleTag !== true &&
        base64(step.iv).length === 12,
    );
    for (const step of sealed) {
      if (step.op !== 'send' || step.payload === null || step.plaintext === null) continue;
      const random = scripted(hex(step.random.payloadKey ?? ''), base64(step.iv));
      const { payload, keyMaterial } = sealPayload(step.plaintext, random);
      expect(Buffer.from(payload).toString('base64')).toBe(step.payload);
      expect(Buffer.from(keyMaterial).toString('hex')).toBe(step.keyMaterial);
    }
    const odd = ['legacy-iv16', 'legacy-key-transport-forms', 'legacy-tag-in-payload'];
    expect(sealed.length > 0).toBe(!odd.includes(conversation.id));
  });
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

describe('must fail', () => {
  const conversation = legacyConversations.find(({ id }) => id === 'legacy-basic');
  if (conversation === undefined) throw new Error('no legacy-basic');
  const genuine = conversation.steps.findIndex((step) => step.op === 'recv');

  test.each(legacyMustFail.filter(({ key }) => key !== undefined))('$name', (bad) => {
    const bob = vectorDevice(conversation.parties.bob);
    const before = structuredClone(bob);
    const ratchetPrivate = '11'.repeat(32);
    expect(codeOf(() => decrypt(bob, base64(bad.key ?? ''), ratchetPrivate))).toBe(
      CODES[bad.referenceReason],
    );
    expect(bob).toEqual(before);
    receive(conversation, bob, genuine);
  });

  test.each(legacyMustFail.filter(({ payload }) => payload !== undefined))('$name', (bad) => {
    const open = () =>
      openPayload({
        keyMaterial: hex(bad.keyMaterial ?? ''),
        iv: base64(bad.iv ?? ''),
        payload: base64(bad.payload ?? ''),
      });
    expect(codeOf(open)).toBe(bad.name === 'payload-short-tag' ? 'malformed' : 'bad-mac');
  });

  test('every case of the file is run', () => {
    expect(legacyMustFail).toHaveLength(15);
    expect(legacyConversations).toHaveLength(13);
  });
});
