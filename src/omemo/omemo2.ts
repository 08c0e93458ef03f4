// urn:xmpp:omemo:2 in bytes (XEP-0384 0.9.1 §4.1, §4.3; wire §1, §4.2). Every field is written, zeros too, in ascending
// order; the MAC covers the received bytes, never a re-encoding.
import { concat, equalBytes } from '../crypto/bytes';
import { KEY_LENGTH } from '../crypto/curve';
import { verifyEd25519 } from '../crypto/engine';
import { OmemoError } from './errors';
import { edwardsOf, montgomeryOf } from './identity';
import { MAX_ENCRYPTED_KEY_LENGTH } from '../limits';
import { bytesField, numberField, present, readFields } from './protobuf';
import type { OmemoProtocol } from './protocol';

const MAC_LENGTH = 16;
/** First bytes only an OMEMOAuthenticatedMessage can have: its fields 1 and 2, length-delimited. */
const MESSAGE_TAGS = [0x0a, 0x12];

function assertSize(bytes: Uint8Array): void {
  if (bytes.length > MAX_ENCRYPTED_KEY_LENGTH) throw new OmemoError('malformed');
}

function publicKey(bytes: Uint8Array | undefined): Uint8Array {
  const key = present(bytes);
  if (key.length !== KEY_LENGTH) throw new OmemoError('bad-key');
  return key;
}

/** OMEMO 2. */
export const omemo2: OmemoProtocol = {
  version: 'urn:xmpp:omemo:2',
  x3dhInfo: 'OMEMO X3DH',
  rootInfo: 'OMEMO Root Chain',
  messageInfo: 'OMEMO Message Key Material',
  macLength: MAC_LENGTH,
  ownIdentity: edwardsOf,
  signedBytes: (signedPrekey) => signedPrekey,

  readIdentity({ identityKey, identityKeyEd }) {
    const received = present(identityKeyEd);
    const converted = montgomeryOf(received);
    if (identityKey !== undefined && !equalBytes(identityKey, converted)) {
      throw new OmemoError('bad-key');
    }
    return { identityKey: converted, identityKeyEd: received };
  },

  /** Initiator, then responder, 32 bytes each in Ed25519 form as exchanged: the same in both directions. */
  associatedData({ remoteIdentityKeyEd, isInitiator }, identityKey) {
    if (remoteIdentityKeyEd === undefined) throw new TypeError('session: want an Ed25519 key');
    const own = omemo2.ownIdentity(identityKey);
    return isInitiator ? concat(own, remoteIdentityKeyEd) : concat(remoteIdentityKeyEd, own);
  },

  isSignedBy: ({ identityKeyEd }, signedPrekey, signature) =>
    verifyEd25519(signature, signedPrekey, present(identityKeyEd)),

  encodeMessage: (header, ciphertext) =>
    concat(
      numberField(1, header.n),
      numberField(2, header.previousChainLength),
      bytesField(3, header.ratchetKey),
      bytesField(4, ciphertext),
    ),

  frameMessage: (encoded, mac) => concat(bytesField(1, mac), bytesField(2, encoded)),

  encodeKeyExchange: (keyExchange) =>
    concat(
      numberField(1, keyExchange.oneTimePrekeyId),
      numberField(2, keyExchange.signedPrekeyId),
      bytesField(3, omemo2.ownIdentity(keyExchange.identityKey)),
      bytesField(4, keyExchange.ephemeralKey),
      bytesField(5, keyExchange.message),
    ),

  isKeyExchange([first]) {
    return first !== undefined && !MESSAGE_TAGS.includes(first);
  },

  decodeMessage(bytes) {
    assertSize(bytes);
    const outer = readFields(bytes, { 1: 'bytes', 2: 'bytes' }).bytes;
    const mac = present(outer.get(1));
    const authenticated = present(outer.get(2));
    if (mac.length !== MAC_LENGTH) throw new OmemoError('malformed');
    const fields = readFields(authenticated, { 1: 'number', 2: 'number', 3: 'bytes', 4: 'bytes' });
    return {
      header: {
        ratchetKey: publicKey(fields.bytes.get(3)),
        n: present(fields.numbers.get(1)),
        previousChainLength: present(fields.numbers.get(2)),
      },
      ciphertext: present(fields.bytes.get(4)),
      authenticated,
      mac,
    };
  },

  decodeKeyExchange(bytes) {
    assertSize(bytes);
    const fields = readFields(bytes, {
      1: 'number',
      2: 'number',
      3: 'bytes',
      4: 'bytes',
      5: 'bytes',
    });
    const oneTimePrekeyId = fields.numbers.get(1);
    const identityKeyEd = present(fields.bytes.get(3));
    return {
      ...(oneTimePrekeyId !== undefined && { oneTimePrekeyId }),
      signedPrekeyId: present(fields.numbers.get(2)),
      identityKey: montgomeryOf(identityKeyEd),
      identityKeyEd,
      ephemeralKey: publicKey(fields.bytes.get(4)),
      message: present(fields.bytes.get(5)),
    };
  },
};
