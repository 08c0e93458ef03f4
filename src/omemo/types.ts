// Types of the OMEMO core: plain values that go through structured clone unchanged, so that a stored record is the
// state itself. XEP-0384 0.9.1; legacy text 0.3.0; X3DH; Double Ratchet.

import type { RatchetState } from '../crypto/ratchet';

/** Namespace string of an OMEMO version: legacy (XEP-0384 0.3.0) and OMEMO 2 (XEP-0384 0.9.1). */
export type OmemoVersion = 'eu.siacs.conversations.axolotl' | 'urn:xmpp:omemo:2';

/** Source of randomness: returns `length` fresh bytes. */
export type Random = (length: number) => Uint8Array;

/** A Curve25519 key pair; both halves 32 bytes, the private half clamped. */
export interface KeyPair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** The identity key pair of a device in X (Curve25519) form; the public Ed25519 form has sign 0 (design D3). */
export type IdentityKeyPair = KeyPair;

/**
 * The identity key of another device. Trust and fingerprints belong to `identityKey`, the X form (32 bytes).
 * `identityKeyEd` is the Ed25519 form as received, sign 0 or 1 (32 bytes); only `urn:xmpp:omemo:2` has it.
 */
export interface RemoteIdentity {
  readonly identityKey: Uint8Array;
  readonly identityKeyEd?: Uint8Array;
}

/** One-time prekey: id 1…2^31−1, never 0. */
export interface OneTimePrekey {
  readonly id: number;
  readonly keyPair: KeyPair;
}

/**
 * Signed prekey with its signature (64 bytes) and its creation time in ms since 1970. The signature covers the form of
 * one version; it verifies under sign 0, so that its wire form is the same in both.
 */
export interface SignedPrekey {
  readonly id: number;
  readonly keyPair: KeyPair;
  readonly signature: Uint8Array;
  readonly createdAt: number;
}

/** A one-time prekey that a key exchange used; `usedAt` in ms since 1970. */
export interface SpentPrekey extends OneTimePrekey {
  readonly usedAt: number;
}

/** Private half of what the bundle of one version publishes. `previousSignedPrekey` is kept one more rotation period. */
export interface PrekeyStore {
  readonly signedPrekey: SignedPrekey;
  readonly previousSignedPrekey?: SignedPrekey;
  readonly oneTimePrekeys: readonly OneTimePrekey[];
  /** No longer published, oldest first; absent in a store from before there were any. */
  readonly spentPrekeys?: readonly SpentPrekey[];
  /** Id the next one-time prekey gets. */
  readonly nextOneTimePrekeyId: number;
}

/**
 * A public bundle; all keys 32 bytes, prekeys in X form without the 05 of the wire, signature 64 bytes as on the wire.
 * A bundle of `urn:xmpp:omemo:2` has `identityKeyEd`, one of legacy has not.
 */
export interface Bundle extends RemoteIdentity {
  readonly signedPrekey: {
    readonly id: number;
    readonly publicKey: Uint8Array;
    readonly signature: Uint8Array;
  };
  readonly oneTimePrekeys: readonly { readonly id: number; readonly publicKey: Uint8Array }[];
}

/**
 * A bundle as read from the wire, nothing checked: legacy carries `identityKey`, `urn:xmpp:omemo:2` carries
 * `identityKeyEd`. `verifyBundle` makes a `Bundle` of it.
 */
export type PublishedBundle = Omit<Bundle, 'identityKey'> & Partial<Pick<Bundle, 'identityKey'>>;

/** The key of one device inside a message: bytes as on the wire after base64. */
export interface EncryptedKey {
  readonly bytes: Uint8Array;
  readonly isKeyExchange: boolean;
}

/** The key exchange of an unanswered session, repeated on each message (wire §4.5). */
export interface PendingKeyExchange {
  readonly oneTimePrekeyId: number;
  readonly signedPrekeyId: number;
  readonly ephemeralKey: Uint8Array;
}

/** A session with one device. */
export interface RatchetSession {
  readonly version: OmemoVersion;
  /** Identity key of the other device, X form, 32 bytes. */
  readonly remoteIdentityKey: Uint8Array;
  /** The same key in Ed25519 form, as that device sent it (32 bytes); `urn:xmpp:omemo:2` only. */
  readonly remoteIdentityKeyEd?: Uint8Array;
  /** Did we start it; orders the associated data of `urn:xmpp:omemo:2`. */
  readonly isInitiator: boolean;
  readonly ratchet: RatchetState;
  /** Set while we started it and have no answer: every message carries it. */
  readonly pendingKeyExchange?: PendingKeyExchange;
  /** Ephemeral key of the key exchange that made this session, to know repeats by. */
  readonly ephemeralKey: Uint8Array;
  /** Ratchet key a heartbeat was already asked for (XEP-0384 §4.3: once per ratchet key). */
  readonly heartbeatFor?: Uint8Array;
}

/** All sessions with one device: the one used for sending and up to 40 older ones, newest first. */
export interface DeviceSessions {
  readonly current?: RatchetSession;
  readonly archived: readonly RatchetSession[];
}
