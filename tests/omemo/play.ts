// Plays the steps of a conversation of the vectors on devices built from its private keys.
import { expect } from 'vitest';
import { openPayload } from '../../src/omemo/payload';
import { verifyBundle } from '../../src/omemo/prekeys';
import {
  decryptKeyMaterial,
  encryptKeyMaterial,
  initiateSession,
  startWith,
} from '../../src/omemo/ratchet-session';
import type { OmemoVersion } from '../../src/omemo/types';
import { base64, hex, type Conversation, type SendStep } from '../vectors/vectors';
import { codeOf } from './codes';
import { repeated, scripted, vectorBundle, type VectorDevice } from './vector-device';

/** The message of that name. */
export function sendOf(conversation: Conversation, msg: string): SendStep {
  const step = conversation.steps.find((each) => each.op === 'send' && each.msg === msg);
  if (step?.op !== 'send') throw new Error(`no message ${msg}`);
  return step;
}

/** Opens the bytes of a key; `ratchetPrivate` is what the device draws for its next ratchet key, in hex. */
export async function decrypt(
  version: OmemoVersion,
  device: VectorDevice,
  bytes: Uint8Array,
  ratchetPrivate: string | undefined,
) {
  return await decryptKeyMaterial({
    version,
    sessions: device.sessions,
    identity: device.identity,
    prekeys: device.prekeys,
    bytes,
    random: repeated(ratchetPrivate === undefined ? undefined : hex(ratchetPrivate)),
  });
}

/** One `recv` step: the outcome is the expected one, and nothing that was given changes. */
export async function receive(
  conversation: Conversation,
  device: VectorDevice,
  index: number,
): Promise<void> {
  const { namespace: version } = conversation;
  const step = conversation.steps[index];
  if (step?.op !== 'recv') throw new Error('want a recv step');
  const sent = sendOf(conversation, step.msg);
  const before = structuredClone(device.sessions);
  if (step.expect !== 'ok') {
    expect(await codeOf(() => decrypt(version, device, base64(sent.key), undefined))).toBe(
      step.expect,
    );
    expect(device.sessions).toEqual(before);
    return;
  }
  const opened = await decrypt(version, device, base64(sent.key), step.newRatchetPriv);
  expect(device.sessions).toEqual(before); // the step mutates nothing
  device.sessions = opened.sessions;
  expect(Buffer.from(opened.keyMaterial).toString('hex')).toBe(sent.keyMaterial);
  expect(opened.isKeyExchange).toBe(sent.kex);
  if (sent.payload !== null) {
    const { keyMaterial } = opened;
    const iv = sent.iv === undefined ? {} : { iv: base64(sent.iv) };
    const text = openPayload(version, { keyMaterial, ...iv, payload: base64(sent.payload) });
    expect(text).toBe(sent.plaintext);
  }
}

/** One `send` step: the bytes are those of the vectors. */
export async function send(
  conversation: Conversation,
  device: VectorDevice,
  step: SendStep,
): Promise<void> {
  const { namespace: version, parties } = conversation;
  const start = step.newSession;
  if (start !== undefined) {
    const random = scripted(hex(start.baseKeyPriv), hex(start.ratchetPriv));
    const peer = step.from === 'alice' ? parties.bob : parties.alice;
    const bundle = vectorBundle(version, peer, start.preKeyId);
    expect((await verifyBundle(version, bundle)).identityKey).toEqual(
      hex(peer.identity.curve25519Pub),
    );
    const session = await initiateSession({ version, identity: device.identity, bundle, random });
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
  const isOffByOne = conversation.id.endsWith('-pn-libsignal') && step.msg === 'a2';
  const bytes = Buffer.from(encryptedKey.bytes).toString('base64');
  if (isOffByOne) expect(bytes).not.toBe(step.key);
  else expect(bytes).toBe(step.key);
  expect(encryptedKey.isKeyExchange).toBe(step.kex);
}
