// What each implementation promises to open, as data with its reason. The model knows nothing else about them.

/** How long the keys of messages that did not arrive are kept. */
export type LateKeys =
  /** Double Ratchet §3.4: single keys, made when a message skips them or a chain ends. */
  | {
      readonly kind: 'keys';
      /** Whether the key with index pn is kept too: the libsignal family sends the last index in pn. */
      readonly isPnIncluded: boolean;
      readonly chains: number;
      readonly perChain: number;
      /** In all chains together. */
      readonly total: number;
      /** Ended chains whose used counters are still known to be used. */
      readonly chainsRemembered: number;
    }
  /** libsignal: whole chains with their chain key, whatever pn says, and the keys skipped in each. */
  | { readonly kind: 'chains'; readonly chains: number; readonly perChain: number };

export interface Facts {
  /** Sessions kept beside the current one. */
  readonly archivedSessions: number;
  /** A session it began stays the current one until it is answered, also when a message opens in another. */
  readonly waitsForAnswer: boolean;
  /** A one-time prekey that opened a session opens others this long, for devices that chose the same one. */
  readonly usedPrekeysKeptMs: number;
  /** Messages that one message may skip in its chain. */
  readonly ahead: number;
  /** What it sends as pn. */
  readonly pn: 'count' | 'last-index';
  readonly late: LateKeys;
}

/** Ours: `src/limits.ts`, as wide as libsignal per chain (XEP-0384 §4.3 recommends about 1000 keys). */
export const OURS: Facts = {
  archivedSessions: 40,
  waitsForAnswer: true,
  usedPrekeysKeptMs: 3_600_000,
  ahead: 2000,
  pn: 'count',
  late: {
    kind: 'keys',
    isPnIncluded: true,
    chains: 5,
    perChain: 2000,
    total: Infinity,
    chainsRemembered: 4,
  },
};

/** libsignal in Java and its port to C, libomemo-c: the same numbers in both and for both versions. */
export const LIBSIGNAL: Facts = {
  archivedSessions: 40,
  waitsForAnswer: false,
  usedPrekeysKeptMs: 0,
  ahead: 2000,
  // The number of the last message of the chain before, 0 also when there was none.
  pn: 'last-index',
  late: { kind: 'chains', chains: 5, perChain: 2000 },
};

/** python-omemo: one session per device, so whatever replaces it loses its late messages; 1000 skipped keys in all. */
export const PYTHON_OMEMO: Facts = {
  archivedSessions: 0,
  waitsForAnswer: false,
  usedPrekeysKeptMs: 0,
  ahead: 1000,
  pn: 'count',
  late: {
    kind: 'keys',
    isPnIncluded: false,
    chains: Infinity,
    perChain: Infinity,
    total: 1000,
    // A counter used in an ended chain looks like a damaged message.
    chainsRemembered: 0,
  },
};
