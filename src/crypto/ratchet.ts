// The Double Ratchet (Signal, revision 1, §3) as pure steps: a state and an input give a new state. Nothing is mutated,
// so a caller that authenticates the message afterwards simply drops the new state when the MAC does not hold.
import { equalBytes } from './bytes';
import { stepChain, stepRoot } from './chain';

interface Pair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** A message chain (CKs, Ns or CKr, Nr): 32-byte chain key and the number of the next message. */
export interface Chain {
  readonly chainKey: Uint8Array;
  readonly n: number;
}

/** MKSKIPPED: the key of a message that has not arrived yet. */
export interface SkippedMessageKey {
  readonly remoteRatchetKey: Uint8Array;
  readonly n: number;
  readonly messageKey: Uint8Array;
}

/** State of one Double Ratchet session; all keys 32 bytes. */
export interface RatchetState {
  readonly rootKey: Uint8Array;
  readonly ratchetKeyPair: Pair;
  readonly remoteRatchetKey?: Uint8Array;
  readonly sendingChain?: Chain;
  readonly receivingChain?: Chain;
  /** PN: messages sent in the previous sending chain. */
  readonly previousChainLength: number;
  /** Oldest first. */
  readonly skippedMessageKeys: readonly SkippedMessageKey[];
  /**
   * Remote ratchet keys of the chains before the current one, oldest first: what is not skipped there was used, and is told
   * from a damaged message by it. As many as keep their skipped keys.
   */
  readonly endedRatchetKeys?: readonly Uint8Array[];
}

/** dh, pn and n of a message (§3.4). */
export interface RatchetHeader {
  readonly ratchetKey: Uint8Array;
  readonly previousChainLength: number;
  readonly n: number;
}

/** Bounds of the store of skipped keys. */
export interface RatchetLimits {
  /** Messages that one message may skip in its chain. */
  readonly ahead: number;
  /** Skipped keys kept per chain. */
  readonly perChain: number;
  /** Chains skipped keys are kept of. */
  readonly chains: number;
}

/** `duplicate`: the key of this message was already used. `too-far`: more messages are missing than may be skipped. */
export class RatchetError extends Error {
  readonly code: 'duplicate' | 'too-far';
  constructor(code: 'duplicate' | 'too-far') {
    super(code);
    this.name = 'RatchetError';
    this.code = code;
  }
}

/** RatchetInitAlice (§3.3): sending at once. `ratchetKeyPair` must be fresh. @throws KeyError */
export async function initiateRatchet(input: {
  readonly sharedSecret: Uint8Array;
  readonly remoteSignedPrekey: Uint8Array;
  readonly ratchetKeyPair: Pair;
  readonly info: string;
}): Promise<RatchetState> {
  const { sharedSecret, remoteSignedPrekey, ratchetKeyPair, info } = input;
  const step = await stepRoot(sharedSecret, ratchetKeyPair.privateKey, remoteSignedPrekey, info);
  return {
    rootKey: step.rootKey,
    ratchetKeyPair,
    remoteRatchetKey: remoteSignedPrekey,
    sendingChain: { chainKey: step.chainKey, n: 0 },
    previousChainLength: 0,
    skippedMessageKeys: [],
  };
}

/** RatchetInitBob (§3.3): waits for the first message. */
export function acceptRatchet(sharedSecret: Uint8Array, signedPrekey: Pair): RatchetState {
  return {
    rootKey: sharedSecret,
    ratchetKeyPair: signedPrekey,
    previousChainLength: 0,
    skippedMessageKeys: [],
  };
}

/**
 * RatchetEncrypt (§3.4) without the encryption: the header and the 32-byte message key of the next message.
 * @throws TypeError in a state that has not received anything yet (RatchetInitBob).
 */
export function nextSending(state: RatchetState): {
  readonly state: RatchetState;
  readonly header: RatchetHeader;
  readonly messageKey: Uint8Array;
} {
  const chain = state.sendingChain;
  if (chain === undefined) throw new TypeError('state: want a sending chain');
  const { messageKey, chainKey } = stepChain(chain.chainKey);
  return {
    state: { ...state, sendingChain: { chainKey, n: chain.n + 1 } },
    header: {
      ratchetKey: state.ratchetKeyPair.publicKey,
      previousChainLength: state.previousChainLength,
      n: chain.n,
    },
    messageKey,
  };
}

/** Keeps the newest `perChain` keys of each of the newest `chains` chains; keys of one chain stand together. */
function bounded(
  keys: readonly SkippedMessageKey[],
  limits: RatchetLimits,
): readonly SkippedMessageKey[] {
  const kept: SkippedMessageKey[] = [];
  let chains = 0;
  let inChain = 0;
  for (let i = keys.length - 1; i >= 0; i--) {
    const key = keys[i];
    if (key === undefined) continue;
    const newer = keys[i + 1];
    const isSameChain =
      newer !== undefined && equalBytes(newer.remoteRatchetKey, key.remoteRatchetKey);
    inChain = isSameChain ? inChain + 1 : 1;
    if (!isSameChain) chains += 1;
    if (chains > limits.chains) break;
    if (inChain <= limits.perChain) kept.push(key);
  }
  return kept.reverse();
}

/** Keys of `chain` from its next number up to, not including, `until`; and the chain after them. */
function skip(
  chain: Chain,
  remoteRatchetKey: Uint8Array,
  until: number,
): { readonly chain: Chain; readonly skipped: readonly SkippedMessageKey[] } {
  const skipped: SkippedMessageKey[] = [];
  let chainKey = chain.chainKey;
  for (let n = chain.n; n < until; n++) {
    const step = stepChain(chainKey);
    skipped.push({ remoteRatchetKey, n, messageKey: step.messageKey });
    chainKey = step.chainKey;
  }
  return { chain: { chainKey, n: Math.max(chain.n, until) }, skipped };
}

function isTooFar(chain: Chain, previousChainLength: number, limits: RatchetLimits): boolean {
  return previousChainLength - chain.n >= limits.ahead;
}

/**
 * What the chain that ends leaves behind: its keys up to and including index pn. The specification counts messages in
 * pn, the libsignal family sends the last index; one key more covers both (XEP-0384 readers, wire §4.3). A pn beyond
 * the limit keeps nothing and still lets the ratchet step.
 */
function leftovers(
  state: RatchetState,
  previousChainLength: number,
  limits: RatchetLimits,
): readonly SkippedMessageKey[] {
  const { receivingChain, remoteRatchetKey } = state;
  if (receivingChain === undefined || remoteRatchetKey === undefined) return [];
  if (isTooFar(receivingChain, previousChainLength, limits)) return [];
  return skip(receivingChain, remoteRatchetKey, previousChainLength + 1).skipped;
}

/** What `receive` learns before anything is proven. */
export interface Received {
  /** 32 bytes. */
  readonly messageKey: Uint8Array;
  /**
   * The state after the message; for a message that authenticated only. In a DH step it draws our next ratchet key pair,
   * else `newKeyPair` is not called.
   */
  accept(newKeyPair: () => Promise<Pair>): Promise<RatchetState>;
}

function isCurrent({ remoteRatchetKey }: RatchetState, ratchetKey: Uint8Array): boolean {
  return remoteRatchetKey !== undefined && equalBytes(remoteRatchetKey, ratchetKey);
}

function hasEnded(state: RatchetState, ratchetKey: Uint8Array): boolean {
  return state.endedRatchetKeys?.some((ended) => equalBytes(ended, ratchetKey)) ?? false;
}

/** Whether a ratchet key was received in this state before. Then no other session opens a message with it. */
export function knowsRatchetKey(state: RatchetState, ratchetKey: Uint8Array): boolean {
  return (
    (state.receivingChain !== undefined && isCurrent(state, ratchetKey)) ||
    hasEnded(state, ratchetKey) ||
    state.skippedMessageKeys.some((key) => equalBytes(key.remoteRatchetKey, ratchetKey))
  );
}

/** Goes on in a chain as far as the message, and one further. */
function advance(
  chain: Chain,
  header: RatchetHeader,
): {
  readonly chain: Chain;
  readonly skipped: readonly SkippedMessageKey[];
  readonly messageKey: Uint8Array;
} {
  const ahead = skip(chain, header.ratchetKey, header.n);
  const { messageKey, chainKey } = stepChain(ahead.chain.chainKey);
  return { chain: { chainKey, n: header.n + 1 }, skipped: ahead.skipped, messageKey };
}

/** A message of the chain that is current. */
function receiveInChain(
  state: RatchetState,
  chain: Chain,
  header: RatchetHeader,
  limits: RatchetLimits,
): Received {
  const step = advance(chain, header);
  return {
    messageKey: step.messageKey,
    accept: async () => ({
      ...state,
      receivingChain: step.chain,
      skippedMessageKeys: bounded([...state.skippedMessageKeys, ...step.skipped], limits),
    }),
  };
}

/** The chain that ends joins those whose messages are known to be used, unless it gave up keys. */
function endedKeys(
  state: RatchetState,
  header: RatchetHeader,
  limits: RatchetLimits,
): readonly Uint8Array[] {
  const { receivingChain, remoteRatchetKey, endedRatchetKeys = [] } = state;
  const isWhole =
    receivingChain !== undefined && !isTooFar(receivingChain, header.previousChainLength, limits);
  if (!isWhole || remoteRatchetKey === undefined) return endedRatchetKeys;
  const all = [...endedRatchetKeys, remoteRatchetKey];
  // With the current chain as many as there are chains with skipped keys: of older ones keys may be gone.
  return all.slice(Math.max(0, all.length + 1 - limits.chains));
}

/** The first message of a new chain. Only its half of the DH step is done before it authenticates. */
async function receiveInNewChain(
  state: RatchetState,
  header: RatchetHeader,
  info: string,
  limits: RatchetLimits,
): Promise<Received> {
  const { ratchetKeyPair } = state;
  const root = await stepRoot(state.rootKey, ratchetKeyPair.privateKey, header.ratchetKey, info);
  const step = advance({ chainKey: root.chainKey, n: 0 }, header);
  return {
    messageKey: step.messageKey,
    accept: async (newKeyPair) => {
      const left = leftovers(state, header.previousChainLength, limits);
      const own = await newKeyPair();
      const sending = await stepRoot(root.rootKey, own.privateKey, header.ratchetKey, info);
      const keys = [...state.skippedMessageKeys, ...left, ...step.skipped];
      return {
        rootKey: sending.rootKey,
        ratchetKeyPair: own,
        remoteRatchetKey: header.ratchetKey,
        sendingChain: { chainKey: sending.chainKey, n: 0 },
        receivingChain: step.chain,
        previousChainLength: state.sendingChain?.n ?? 0,
        skippedMessageKeys: bounded(keys, limits),
        endedRatchetKeys: endedKeys(state, header, limits),
      };
    },
  };
}

/**
 * RatchetDecrypt (§3.4) without the decryption: the message key of a received header, and the state after it for the case
 * that the message authenticates. Of a DH step only what the key needs is done before, so that a message of another
 * session or a forged one costs one agreement.
 * @throws RatchetError, KeyError
 */
export async function receive(
  state: RatchetState,
  header: RatchetHeader,
  info: string,
  limits: RatchetLimits,
): Promise<Received> {
  const index = state.skippedMessageKeys.findIndex(
    (key) => key.n === header.n && equalBytes(key.remoteRatchetKey, header.ratchetKey),
  );
  const found = state.skippedMessageKeys[index];
  if (found !== undefined) {
    const skippedMessageKeys = state.skippedMessageKeys.filter((_, i) => i !== index);
    return { messageKey: found.messageKey, accept: async () => ({ ...state, skippedMessageKeys }) };
  }
  const chain = isCurrent(state, header.ratchetKey) ? state.receivingChain : undefined;
  const from = chain?.n ?? 0;
  if (header.n < from || hasEnded(state, header.ratchetKey)) throw new RatchetError('duplicate');
  if (header.n - from > limits.ahead) throw new RatchetError('too-far');
  return chain === undefined
    ? receiveInNewChain(state, header, info, limits)
    : receiveInChain(state, chain, header, limits);
}
