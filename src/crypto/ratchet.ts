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
export function initiateRatchet(input: {
  readonly sharedSecret: Uint8Array;
  readonly remoteSignedPrekey: Uint8Array;
  readonly ratchetKeyPair: Pair;
  readonly info: string;
}): RatchetState {
  const { sharedSecret, remoteSignedPrekey, ratchetKeyPair, info } = input;
  const step = stepRoot(sharedSecret, ratchetKeyPair.privateKey, remoteSignedPrekey, info);
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
  if (previousChainLength - receivingChain.n >= limits.ahead) return [];
  return skip(receivingChain, remoteRatchetKey, previousChainLength + 1).skipped;
}

function dhStep(
  state: RatchetState,
  header: RatchetHeader,
  newKeyPair: () => Pair,
  info: string,
  limits: RatchetLimits,
): RatchetState {
  const left = leftovers(state, header.previousChainLength, limits);
  const receiving = stepRoot(
    state.rootKey,
    state.ratchetKeyPair.privateKey,
    header.ratchetKey,
    info,
  );
  const ratchetKeyPair = newKeyPair();
  const sending = stepRoot(receiving.rootKey, ratchetKeyPair.privateKey, header.ratchetKey, info);
  return {
    rootKey: sending.rootKey,
    ratchetKeyPair,
    remoteRatchetKey: header.ratchetKey,
    sendingChain: { chainKey: sending.chainKey, n: 0 },
    receivingChain: { chainKey: receiving.chainKey, n: 0 },
    previousChainLength: state.sendingChain?.n ?? 0,
    skippedMessageKeys: [...state.skippedMessageKeys, ...left],
  };
}

/**
 * RatchetDecrypt (§3.4) without the decryption: the 32-byte message key of a received header and the state after it.
 * The caller keeps the state only if the message authenticates.
 * @param newKeyPair draws our next ratchet key pair; called once in a DH step, else not
 * @throws RatchetError, KeyError
 */
export function receive(
  state: RatchetState,
  header: RatchetHeader,
  newKeyPair: () => Pair,
  info: string,
  limits: RatchetLimits,
): { readonly state: RatchetState; readonly messageKey: Uint8Array; readonly isDhStep: boolean } {
  const index = state.skippedMessageKeys.findIndex(
    (key) => key.n === header.n && equalBytes(key.remoteRatchetKey, header.ratchetKey),
  );
  const found = state.skippedMessageKeys[index];
  if (found !== undefined) {
    const skippedMessageKeys = state.skippedMessageKeys.filter((_, i) => i !== index);
    return {
      state: { ...state, skippedMessageKeys },
      messageKey: found.messageKey,
      isDhStep: false,
    };
  }
  const isCurrent =
    state.receivingChain !== undefined &&
    state.remoteRatchetKey !== undefined &&
    equalBytes(state.remoteRatchetKey, header.ratchetKey);
  // The distance is checked before the step, so that a forged header costs two agreements at most.
  const from = isCurrent ? (state.receivingChain?.n ?? 0) : 0;
  if (header.n < from) throw new RatchetError('duplicate');
  if (header.n - from > limits.ahead) throw new RatchetError('too-far');
  const stepped = isCurrent ? state : dhStep(state, header, newKeyPair, info, limits);
  const chain = stepped.receivingChain;
  if (chain === undefined) throw new TypeError('state: want a receiving chain');
  const ahead = skip(chain, header.ratchetKey, header.n);
  const step = stepChain(ahead.chain.chainKey);
  return {
    state: {
      ...stepped,
      receivingChain: { chainKey: step.chainKey, n: header.n + 1 },
      skippedMessageKeys: bounded([...stepped.skippedMessageKeys, ...ahead.skipped], limits),
    },
    messageKey: step.messageKey,
    isDhStep: !isCurrent,
  };
}
