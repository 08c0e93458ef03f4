// What differs between the OMEMO versions in bytes: info strings, key forms, framing, MAC. The machinery that uses it is
// written once (ratchet-session, prekeys).
import type { RatchetHeader } from '../crypto/ratchet';
import { legacy } from './legacy';
import { omemo2 } from './omemo2';
import type { OmemoVersion, PublishedBundle, RatchetSession, RemoteIdentity } from './types';

/** A ratchet message taken apart. `authenticated` is what the MAC covers beside the associated data, as received. */
export interface RatchetMessage {
  readonly header: RatchetHeader;
  readonly ciphertext: Uint8Array;
  readonly authenticated: Uint8Array;
  readonly mac: Uint8Array;
}

/** A key exchange taken apart; its ephemeral key in X form, 32 bytes. */
export interface KeyExchange extends RemoteIdentity {
  readonly oneTimePrekeyId?: number;
  readonly signedPrekeyId: number;
  readonly ephemeralKey: Uint8Array;
  /** The framed ratchet message inside. */
  readonly message: Uint8Array;
}

/** What we put into a key exchange; `identityKey` is ours in X form, 32 bytes. */
export type OwnKeyExchange = Required<Omit<KeyExchange, 'identityKeyEd'>>;

/** The bytes of one OMEMO version. Decoders throw OmemoError `malformed` or `bad-key`. */
export interface OmemoProtocol {
  readonly version: OmemoVersion;
  readonly x3dhInfo: string;
  readonly rootInfo: string;
  readonly messageInfo: string;
  /** Bytes of the MAC that are sent. */
  readonly macLength: number;
  /** Our identity key (X form, 32 bytes) as the others see it: in bundle, key exchange and associated data. */
  ownIdentity(identityKey: Uint8Array): Uint8Array;
  /** The identity key of a bundle as read, in every form the version needs. @throws OmemoError `malformed`, `bad-key`. */
  readIdentity(bundle: PublishedBundle): RemoteIdentity;
  /**
   * Both identity keys, as the MAC covers them before the message.
   * @param identityKey ours, X form, 32 bytes
   */
  associatedData(
    session: Pick<RatchetSession, 'remoteIdentityKey' | 'remoteIdentityKeyEd' | 'isInitiator'>,
    identityKey: Uint8Array,
    direction: 'sending' | 'receiving',
  ): Uint8Array;
  /** The bytes the signature of a signed prekey covers. */
  signedBytes(signedPrekey: Uint8Array): Uint8Array;
  /** Does the signature (64 bytes, wire form) of a signed prekey (32 bytes) hold? @throws KeyError */
  isSignedBy(
    identity: RemoteIdentity,
    signedPrekey: Uint8Array,
    signature: Uint8Array,
  ): Promise<boolean>;
  /** Header and ciphertext in the form the MAC covers. */
  encodeMessage(header: RatchetHeader, ciphertext: Uint8Array): Uint8Array;
  frameMessage(encoded: Uint8Array, mac: Uint8Array): Uint8Array;
  /** @param registrationId sent if given (legacy field 5). */
  encodeKeyExchange(keyExchange: OwnKeyExchange, registrationId?: number): Uint8Array;
  /** Tells a key exchange by its bytes, never by the attribute (wire §4.4). */
  isKeyExchange(bytes: Uint8Array): boolean;
  decodeMessage(bytes: Uint8Array): RatchetMessage;
  decodeKeyExchange(bytes: Uint8Array): KeyExchange;
}

const PROTOCOLS: Readonly<Record<OmemoVersion, OmemoProtocol>> = {
  'eu.siacs.conversations.axolotl': legacy,
  'urn:xmpp:omemo:2': omemo2,
};

/** The protocol of a version. */
export function protocolFor(version: OmemoVersion): OmemoProtocol {
  return PROTOCOLS[version];
}
