// What differs between the OMEMO versions in bytes: info strings, key forms, framing, MAC. The machinery that uses it is
// written once (ratchet-session, prekeys).
import type { RatchetHeader } from '../crypto/ratchet';
import { legacy } from './legacy';
import type { OmemoVersion } from './types';

/** A ratchet message taken apart. `authenticated` is what the MAC covers beside the associated data, as received. */
export interface RatchetMessage {
  readonly header: RatchetHeader;
  readonly ciphertext: Uint8Array;
  readonly authenticated: Uint8Array;
  readonly mac: Uint8Array;
}

/** A key exchange taken apart; keys in X form, 32 bytes. */
export interface KeyExchange {
  readonly oneTimePrekeyId?: number;
  readonly signedPrekeyId: number;
  readonly identityKey: Uint8Array;
  readonly ephemeralKey: Uint8Array;
  /** The framed ratchet message inside. */
  readonly message: Uint8Array;
}

/** The bytes of one OMEMO version. Decoders throw OmemoError `malformed` or `bad-key`. */
export interface OmemoProtocol {
  readonly version: OmemoVersion;
  readonly x3dhInfo: string;
  readonly rootInfo: string;
  readonly messageInfo: string;
  /** Bytes of the MAC that are sent. */
  readonly macLength: number;
  /** An identity key (X form, 32 bytes) as it stands in the associated data. */
  associatedIdentity(identityKey: Uint8Array): Uint8Array;
  /** The bytes the signature of a signed prekey covers. */
  signedBytes(signedPrekey: Uint8Array): Uint8Array;
  /** Header and ciphertext in the form the MAC covers. */
  encodeMessage(header: RatchetHeader, ciphertext: Uint8Array): Uint8Array;
  frameMessage(encoded: Uint8Array, mac: Uint8Array): Uint8Array;
  /** @param registrationId sent if given (legacy field 5). */
  encodeKeyExchange(keyExchange: Required<KeyExchange>, registrationId?: number): Uint8Array;
  /** Tells a key exchange by its bytes, never by the attribute (wire §4.4). */
  isKeyExchange(bytes: Uint8Array): boolean;
  decodeMessage(bytes: Uint8Array): RatchetMessage;
  decodeKeyExchange(bytes: Uint8Array): KeyExchange;
}

const PROTOCOLS: Readonly<Record<OmemoVersion, OmemoProtocol>> = { [legacy.version]: legacy };

/** The protocol of a version. */
export function protocolFor(version: OmemoVersion): OmemoProtocol {
  return PROTOCOLS[version];
}
