// Every number of the core with its source.
import type { RatchetLimits } from '../crypto/ratchet';

/** XEP-0384 §4.3 (0.9.1) recommends about 1000; libsignal keeps 2000 per chain, of 5 chains. Theirs is the wider. */
export const RATCHET_LIMITS: RatchetLimits = { ahead: 2000, perChain: 2000, chains: 5 };

/** libsignal: archived sessions kept per device. */
export const MAX_ARCHIVED_SESSIONS = 40;

/** XEP-0384 §4.1 (0.9.1): a bundle should hold about 100 prekeys. */
export const ONE_TIME_PREKEYS = 100;

/**
 * How long the private half of a used one-time prekey is kept. Another device may have fetched the same bundle before the
 * prekey left it, or while we were offline; its first message would be lost. XEP-0384 §4.3 (0.9.1) keeps them until a
 * catch-up ends for this reason; an hour outlasts one. The price is that the first message under a prekey has forward
 * secrecy an hour later.
 */
export const SPENT_PREKEY_KEPT_MS = 3600 * 1000;

/** Used one-time prekeys kept at most; the oldest go first, so that a flood of key exchanges costs a bounded record. */
export const MAX_SPENT_PREKEYS = 200;

/** XEP-0384 §4.1: ids go up to 2^31 − 1; 0 is never chosen, because libomemo.js takes it for "none". */
export const MAX_ID = 2 ** 31 - 1;

/** Prekey ids of others: the wire type is uint32 in both versions (wire §4.2), and some count beyond 2^31 − 1. */
export const MAX_FOREIGN_ID = 2 ** 32 - 1;

/** XEP-0384 §4.1 (0.9.1): rotate the signed prekey every week to every month; python-omemo does so every 7 days. */
export const SIGNED_PREKEY_AGE_MS = 7 * 24 * 3600 * 1000;

/** XEP-0384 §4.3 (0.9.1): answer when the first message of a ratchet key has this number or a higher one. */
export const HEARTBEAT_AT = 53;

/** A key of one device on the wire is below 300 bytes; anything near this is an attack. */
export const MAX_ENCRYPTED_KEY_LENGTH = 4096;
