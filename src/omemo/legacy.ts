// eu.siacs.conversations.axolotl in bytes: Signal protocol version 3 (XEP-0384 0.3.0; wire §1, §4.2). Every field is
// written, zeros too, in ascending order; the MAC covers the received bytes, never a re-encoding.
import { concat } from '../crypto/bytes';
import { assertPublicKey, withType } from '../crypto/curve';
import { verifyCurve25519 } from '../crypto/xeddsa';
import { OmemoError, withOmemoErrors } from './errors';
import { MAX_ENCRYPTED_KEY_LENGTH } from '../limits';
import { bytesField, numberField, present, readFields } from './protobuf';
import type { OmemoProtocol } from './protocol';

/** High nibble: version of the message; low nibble: newest the sender knows. */
const VERSION_BYTE = 0x33;
const MAC_LENGTH = 8;
const KEY_TYPE = 5;
/** First byte of the protobuf: field 1, length-delimited, which is the ratchet key of a ratchet message. */
const RATCHET_KEY_TAG = 0x0a;

function body(bytes: Uint8Array): Uint8Array {
  const version = bytes[0];
  if (version === undefined || bytes.length > MAX_ENCRYPTED_KEY_LENGTH) {
    throw new OmemoError('malformed');
  }
  if (version >> 4 !== 3 || (version & 0x0f) < 3) throw new OmemoError('malformed');
  return bytes.subarray(1);
}

function publicKey(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new OmemoError('malformed');
  if (bytes.length !== 33 || bytes[0] !== KEY_TYPE) throw new OmemoError('bad-key');
  return bytes.slice(1);
}

/** The legacy version. */
export const legacy: OmemoProtocol = {
  version: 'eu.siacs.conversations.axolotl',
  x3dhInfo: 'WhisperText',
  rootInfo: 'WhisperRatchet',
  messageInfo: 'WhisperMessageKeys',
  macLength: MAC_LENGTH,
  ownIdentity: withType,
  signedBytes: withType,

  readIdentity({ identityKey }) {
    withOmemoErrors(() => assertPublicKey(present(identityKey)));
    return { identityKey: present(identityKey) };
  },

  /** Sender, then receiver, 33 bytes each: turns with the direction. */
  associatedData({ remoteIdentityKey }, identityKey, direction) {
    const [own, remote] = [withType(identityKey), withType(remoteIdentityKey)];
    return direction === 'sending' ? concat(own, remote) : concat(remote, own);
  },

  isSignedBy: ({ identityKey }, signedPrekey, signature) =>
    verifyCurve25519(signature, withType(signedPrekey), identityKey),

  encodeMessage: (header, ciphertext) =>
    concat(
      Uint8Array.of(VERSION_BYTE),
      bytesField(1, withType(header.ratchetKey)),
      numberField(2, header.n),
      numberField(3, header.previousChainLength),
      bytesField(4, ciphertext),
    ),

  frameMessage: (encoded, mac) => concat(encoded, mac),

  encodeKeyExchange: (keyExchange, registrationId) =>
    concat(
      Uint8Array.of(VERSION_BYTE),
      numberField(1, keyExchange.oneTimePrekeyId),
      bytesField(2, withType(keyExchange.ephemeralKey)),
      bytesField(3, withType(keyExchange.identityKey)),
      bytesField(4, keyExchange.message),
      registrationId === undefined ? new Uint8Array(0) : numberField(5, registrationId),
      numberField(6, keyExchange.signedPrekeyId),
    ),

  isKeyExchange: (bytes) => bytes.length > 1 && bytes[1] !== RATCHET_KEY_TAG,

  decodeMessage(bytes) {
    body(bytes);
    const end = bytes.length - MAC_LENGTH;
    if (end <= 1) throw new OmemoError('malformed');
    const fields = readFields(bytes.subarray(1, end), {
      1: 'bytes',
      2: 'number',
      3: 'number',
      4: 'bytes',
    });
    return {
      header: {
        ratchetKey: publicKey(fields.bytes.get(1)),
        n: present(fields.numbers.get(2)),
        // Old senders leave a zero out.
        previousChainLength: fields.numbers.get(3) ?? 0,
      },
      ciphertext: present(fields.bytes.get(4)),
      authenticated: bytes.slice(0, end),
      mac: bytes.slice(end),
    };
  },

  decodeKeyExchange(bytes) {
    const fields = readFields(body(bytes), {
      1: 'number',
      2: 'bytes',
      3: 'bytes',
      4: 'bytes',
      5: 'number',
      6: 'number',
    });
    const oneTimePrekeyId = fields.numbers.get(1);
    return {
      ...(oneTimePrekeyId !== undefined && { oneTimePrekeyId }),
      signedPrekeyId: present(fields.numbers.get(6)),
      ephemeralKey: publicKey(fields.bytes.get(2)),
      identityKey: publicKey(fields.bytes.get(3)),
      message: present(fields.bytes.get(4)),
    };
  },
};
