// The session with one device: started from its bundle or accepted from its key exchange, current and archived ones side
// by side (wire §4.5). Pure: a failure leaves the caller with what it had.
import { concat, equalBytes } from '../crypto/bytes';
import { expandMessageKey } from '../crypto/chain';
import { decryptCbc, encryptCbc } from '../crypto/cipher';
import { generateKeyPair } from '../crypto/engine';
import { hmacSha256 } from '../crypto/kdf';
import {
  acceptRatchet,
  initiateRatchet,
  knowsRatchetKey,
  nextSending,
  receive,
} from '../crypto/ratchet';
import { agreeActively, agreePassively } from '../crypto/x3dh';
import { awaitWithOmemoErrors, OmemoError } from './errors';
import { HEARTBEAT_AT, MAX_ARCHIVED_SESSIONS, RATCHET_LIMITS } from '../limits';
import { findOneTimePrekey, verifyBundle } from './prekeys';
import { protocolFor, type KeyExchange, type OmemoProtocol, type RatchetMessage } from './protocol';
import type {
  Bundle,
  DeviceSessions,
  EncryptedKey,
  IdentityKeyPair,
  OmemoVersion,
  PrekeyStore,
  PublishedBundle,
  Random,
  RatchetSession,
  RemoteIdentity,
} from './types';

function chooseOneTimePrekey(
  { oneTimePrekeys }: Bundle,
  random: Random,
): Bundle['oneTimePrekeys'][number] {
  const [a = 0, b = 0, c = 0] = random(3);
  const chosen = oneTimePrekeys[(a | (b << 8) | (c << 16)) % oneTimePrekeys.length];
  if (chosen === undefined) throw new OmemoError('no-prekeys');
  return chosen;
}

/**
 * A session with the device a bundle belongs to (X3DH §3.3). Draws 3 bytes for the choice of the one-time prekey, then
 * the ephemeral key, then the ratchet key.
 * @throws OmemoError `malformed`, `bad-key`, `bad-signature`, `no-prekeys`.
 */
export async function initiateSession(input: {
  readonly version: OmemoVersion;
  readonly identity: IdentityKeyPair;
  readonly bundle: PublishedBundle;
  readonly random: Random;
}): Promise<RatchetSession> {
  const { version, identity, random } = input;
  const bundle = await verifyBundle(version, input.bundle);
  const protocol = protocolFor(version);
  const oneTimePrekey = chooseOneTimePrekey(bundle, random);
  const [ephemeral, ratchetKeyPair] = await Promise.all([
    generateKeyPair(random),
    generateKeyPair(random),
  ]);
  return awaitWithOmemoErrors(async () => {
    const sharedSecret = await agreeActively({
      info: protocol.x3dhInfo,
      identity,
      ephemeral,
      remoteIdentityKey: bundle.identityKey,
      remoteSignedPrekey: bundle.signedPrekey.publicKey,
      remoteOneTimePrekey: oneTimePrekey.publicKey,
    });
    return {
      version,
      ...identityFields(bundle),
      isInitiator: true,
      ratchet: await initiateRatchet({
        sharedSecret,
        remoteSignedPrekey: bundle.signedPrekey.publicKey,
        ratchetKeyPair,
        info: protocol.rootInfo,
      }),
      pendingKeyExchange: {
        oneTimePrekeyId: oneTimePrekey.id,
        signedPrekeyId: bundle.signedPrekey.id,
        ephemeralKey: ephemeral.publicKey,
      },
      ephemeralKey: ephemeral.publicKey,
    };
  });
}

function identityFields({ identityKey, identityKeyEd }: RemoteIdentity) {
  return {
    remoteIdentityKey: identityKey,
    ...(identityKeyEd !== undefined && { remoteIdentityKeyEd: identityKeyEd }),
  };
}

function macOf(
  protocol: OmemoProtocol,
  macKey: Uint8Array,
  associatedData: Uint8Array,
  message: Uint8Array,
): Uint8Array {
  return hmacSha256(macKey, concat(associatedData, message)).slice(0, protocol.macLength);
}

/**
 * Encrypts key material for the device of a session: the session after it and the bytes for `<key>`, a key exchange
 * until the device has answered.
 * @param ownDeviceId sent as registration id of a legacy key exchange; left out if undefined
 */
export function encryptKeyMaterial(input: {
  readonly session: RatchetSession;
  readonly identity: IdentityKeyPair;
  readonly ownDeviceId?: number;
  readonly keyMaterial: Uint8Array;
}): { readonly session: RatchetSession; readonly encryptedKey: EncryptedKey } {
  const { session, identity, ownDeviceId, keyMaterial } = input;
  const protocol = protocolFor(session.version);
  const { state, header, messageKey } = nextSending(session.ratchet);
  const keys = expandMessageKey(messageKey, protocol.messageInfo);
  const ciphertext = encryptCbc(keys.encryptionKey, keys.iv, keyMaterial);
  const encoded = protocol.encodeMessage(header, ciphertext);
  const associatedData = protocol.associatedData(session, identity.publicKey, 'sending');
  const mac = macOf(protocol, keys.macKey, associatedData, encoded);
  const message = protocol.frameMessage(encoded, mac);
  const after: RatchetSession = { ...session, ratchet: state };
  const pending = session.pendingKeyExchange;
  if (pending === undefined) {
    return { session: after, encryptedKey: { bytes: message, isKeyExchange: false } };
  }
  const bytes = protocol.encodeKeyExchange(
    { ...pending, identityKey: identity.publicKey, message },
    ownDeviceId,
  );
  return { session: after, encryptedKey: { bytes, isKeyExchange: true } };
}

/** A session we started becomes the current one; the present one is archived (at most 40, the oldest go). */
export function startWith(sessions: DeviceSessions, session: RatchetSession): DeviceSessions {
  return { current: session, archived: archive(sessions).slice(0, MAX_ARCHIVED_SESSIONS) };
}

/**
 * The sessions with a device, none of which is sent with any more: what is late still opens, and a message that turns a ratchet makes a
 * chain nobody has used. For a state that may be older than what was sent from it.
 */
export function withoutSending(sessions: DeviceSessions): DeviceSessions {
  return {
    archived: archive(sessions).map((session) => {
      const { sendingChain: _used, ...ratchet } = session.ratchet;
      return { ...session, ratchet };
    }),
  };
}

function archive(sessions: DeviceSessions): readonly RatchetSession[] {
  return sessions.current === undefined
    ? sessions.archived
    : [sessions.current, ...sessions.archived];
}

interface Opened {
  readonly session: RatchetSession;
  readonly keyMaterial: Uint8Array;
  readonly needsHeartbeat: boolean;
}

/** @throws OmemoError `bad-mac`, `bad-key`, `duplicate`, `too-far`. */
function openWith(
  session: RatchetSession,
  identity: IdentityKeyPair,
  message: RatchetMessage,
  random: Random,
): Promise<Opened> {
  const protocol = protocolFor(session.version);
  return awaitWithOmemoErrors(async () => {
    const { header } = message;
    const received = await receive(session.ratchet, header, protocol.rootInfo, RATCHET_LIMITS);
    const keys = expandMessageKey(received.messageKey, protocol.messageInfo);
    const associatedData = protocol.associatedData(session, identity.publicKey, 'receiving');
    const mac = macOf(protocol, keys.macKey, associatedData, message.authenticated);
    if (!equalBytes(mac, message.mac)) throw new OmemoError('bad-mac');
    const keyMaterial = decryptCbc(keys.encryptionKey, keys.iv, message.ciphertext);
    const ratchet = await received.accept(() => generateKeyPair(random));
    const { pendingKeyExchange: _answered, heartbeatFor, ...kept } = session;
    const { ratchetKey, n } = header;
    // A late message of an older ratchet key needs no answer: the ratchet has turned already.
    const isNewest =
      ratchet.remoteRatchetKey !== undefined && equalBytes(ratchet.remoteRatchetKey, ratchetKey);
    const isAsked = heartbeatFor !== undefined && equalBytes(heartbeatFor, ratchetKey);
    const needsHeartbeat = n >= HEARTBEAT_AT && isNewest && !isAsked;
    const asked = needsHeartbeat ? ratchetKey : heartbeatFor;
    return {
      session: { ...kept, ratchet, ...(asked !== undefined && { heartbeatFor: asked }) },
      keyMaterial,
      needsHeartbeat,
    };
  });
}

/** Which failure says most about a message that no session opened. */
const TELLING = ['duplicate', 'too-far', 'bad-key', 'bad-mac'] as const;

/** A ratchet key belongs to one session: where it is known, the others are not tried, which would cost each an agreement. */
function candidates(
  all: readonly RatchetSession[],
  { header }: RatchetMessage,
): readonly RatchetSession[] {
  const knowing = all.filter(({ ratchet }) => knowsRatchetKey(ratchet, header.ratchetKey));
  return knowing.length > 0 ? knowing : all;
}

/**
 * The session that opened a message becomes current, unless we began the current one and it is unanswered: each message in
 * it carries its key exchange, so the device can always follow, and it may have given up every other session by then
 * (python-omemo keeps none, Q-9).
 */
function afterOpening(
  sessions: DeviceSessions,
  before: RatchetSession,
  after: RatchetSession,
): DeviceSessions {
  const { current } = sessions;
  const others = archive(sessions).filter((other) => other !== before);
  if (current === undefined || current === before || current.pendingKeyExchange === undefined) {
    return { current: after, archived: others };
  }
  return { current, archived: [after, ...others.filter((other) => other !== current)] };
}

/** Tries the current, then the archived sessions, newest first; only those `mayOpen` accepts. */
async function openWithAny(
  sessions: DeviceSessions,
  identity: IdentityKeyPair,
  message: RatchetMessage,
  random: Random,
  mayOpen: (session: RatchetSession) => boolean = () => true,
): Promise<Opened & { readonly sessions: DeviceSessions }> {
  const failures = new Set<string>();
  for (const candidate of candidates(archive(sessions).filter(mayOpen), message)) {
    try {
      const opened = await openWith(candidate, identity, message, random);
      return { ...opened, sessions: afterOpening(sessions, candidate, opened.session) };
    } catch (error) {
      if (!(error instanceof OmemoError)) throw error;
      failures.add(error.code);
    }
  }
  throw new OmemoError(TELLING.find((code) => failures.has(code)) ?? 'no-session');
}

/** X3DH §3.4: the session a key exchange asks for. @throws OmemoError `unknown-prekey`, `bad-key`. */
async function acceptSession(
  version: OmemoVersion,
  identity: IdentityKeyPair,
  prekeys: PrekeyStore,
  keyExchange: KeyExchange,
): Promise<RatchetSession> {
  const signedPrekey = [prekeys.signedPrekey, prekeys.previousSignedPrekey].find(
    (candidate) => candidate?.id === keyExchange.signedPrekeyId,
  );
  const { oneTimePrekeyId } = keyExchange;
  const oneTimePrekey =
    oneTimePrekeyId === undefined ? undefined : findOneTimePrekey(prekeys, oneTimePrekeyId);
  if (signedPrekey === undefined || oneTimePrekey === undefined) {
    throw new OmemoError('unknown-prekey');
  }
  const sharedSecret = await awaitWithOmemoErrors(() =>
    agreePassively({
      info: protocolFor(version).x3dhInfo,
      identity,
      signedPrekey: signedPrekey.keyPair,
      oneTimePrekey: oneTimePrekey.keyPair,
      remoteIdentityKey: keyExchange.identityKey,
      remoteEphemeralKey: keyExchange.ephemeralKey,
    }),
  );
  return {
    version,
    ...identityFields(keyExchange),
    isInitiator: false,
    ratchet: acceptRatchet(sharedSecret, signedPrekey.keyPair),
    ephemeralKey: keyExchange.ephemeralKey,
  };
}

function isSessionOf(session: RatchetSession, keyExchange: KeyExchange): boolean {
  const known = session.remoteIdentityKeyEd ?? session.remoteIdentityKey;
  const claimed = keyExchange.identityKeyEd ?? keyExchange.identityKey;
  return equalBytes(session.ephemeralKey, keyExchange.ephemeralKey) && equalBytes(known, claimed);
}

/**
 * The identity key (X form, 32 bytes) a key exchange claims, or undefined for an ordinary message. Nothing about it is
 * proven before the message opens.
 * @throws OmemoError `malformed`, `bad-key`.
 */
export function readIdentityKey(version: OmemoVersion, bytes: Uint8Array): Uint8Array | undefined {
  const protocol = protocolFor(version);
  return protocol.isKeyExchange(bytes) ? protocol.decodeKeyExchange(bytes).identityKey : undefined;
}

/**
 * Opens the bytes of a `<key>` for our device: the sessions after it and the key material. A key exchange we know by its
 * ephemeral key is a repeat and only its message is opened; any other makes a new session, which becomes current. So does
 * the one that opens a message, unless the current one is ours and unanswered.
 * @throws OmemoError `malformed`, `bad-key`, `no-session`, `unknown-prekey`, `bad-mac`, `duplicate`, `too-far`.
 */
export async function decryptKeyMaterial(input: {
  readonly version: OmemoVersion;
  readonly sessions: DeviceSessions;
  readonly identity: IdentityKeyPair;
  /** Of this version; undefined if there never were any. */
  readonly prekeys: PrekeyStore | undefined;
  readonly bytes: Uint8Array;
  readonly random: Random;
}): Promise<{
  readonly sessions: DeviceSessions;
  readonly keyMaterial: Uint8Array;
  readonly remoteIdentityKey: Uint8Array;
  readonly isKeyExchange: boolean;
  readonly isNewSession: boolean;
  readonly usedOneTimePrekeyId?: number;
  readonly needsHeartbeat: boolean;
}> {
  const { version, sessions, identity, prekeys, bytes, random } = input;
  const protocol = protocolFor(version);
  if (!protocol.isKeyExchange(bytes)) {
    const message = protocol.decodeMessage(bytes);
    return {
      ...summary(await openWithAny(sessions, identity, message, random)),
      isKeyExchange: false,
      isNewSession: false,
    };
  }
  const keyExchange = protocol.decodeKeyExchange(bytes);
  const message = protocol.decodeMessage(keyExchange.message);
  const isKnown = (session: RatchetSession) => isSessionOf(session, keyExchange);
  if (archive(sessions).some(isKnown)) {
    const opened = await openWithAny(sessions, identity, message, random, isKnown);
    return { ...summary(opened), isKeyExchange: true, isNewSession: false };
  }
  if (prekeys === undefined) throw new OmemoError('unknown-prekey');
  const accepted = await acceptSession(version, identity, prekeys, keyExchange);
  const opened = await openWith(accepted, identity, message, random);
  return {
    ...summary({ ...opened, sessions: startWith(sessions, opened.session) }),
    isKeyExchange: true,
    isNewSession: true,
    ...(keyExchange.oneTimePrekeyId !== undefined && {
      usedOneTimePrekeyId: keyExchange.oneTimePrekeyId,
    }),
  };
}

function summary(opened: Opened & { readonly sessions: DeviceSessions }) {
  return {
    sessions: opened.sessions,
    keyMaterial: opened.keyMaterial,
    remoteIdentityKey: opened.session.remoteIdentityKey,
    needsHeartbeat: opened.needsHeartbeat,
  };
}
