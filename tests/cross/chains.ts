// The receiving half of a ratchet session in symbols: ratchet keys are numbered from 0, and no byte is computed.
import type { Facts, LateKeys } from './facts';

export interface Header {
  readonly ratchet: number;
  readonly n: number;
  readonly pn: number;
}

interface Chain {
  readonly ratchet: number;
  readonly next: number;
  /** Counters below `next` whose message did not arrive. */
  readonly missing: readonly number[];
  /** It ended with more messages missing than keys are made for. */
  readonly isGivenUp?: true;
}

/** The chains something is still known of, oldest first; the last one is the present one. */
export type Chains = readonly Chain[];

export interface Refusal {
  readonly kind: 'refused';
  /** What our core says. */
  readonly code: 'duplicate' | 'too-far' | 'bad-mac' | 'no-session' | 'unknown-prekey';
  /** Which limit it is, should the message be one that was never opened. */
  readonly limit: 'skipped key' | 'ended chain' | 'gap' | 'session' | 'prekey';
}

export type Received =
  { readonly kind: 'opened'; readonly chains: Chains; readonly isStep: boolean } | Refusal;

/** The session's starter: libsignal also keeps a chain for the signed prekey, which is never used but takes its place. */
export function chainsOfStarter(late: LateKeys): Chains {
  return late.kind === 'chains' ? [{ ratchet: -1, next: 0, missing: [] }] : [];
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}

function newest<T>(list: readonly T[], count: number): readonly T[] {
  return list.length > count ? list.slice(list.length - count) : list;
}

function used(chain: Chain, n: number): Chain {
  return n < chain.next
    ? { ...chain, missing: chain.missing.filter((missing) => missing !== n) }
    : { ...chain, next: n + 1, missing: [...chain.missing, ...range(chain.next, n)] };
}

/** A chain that ends keeps single keys up to pn, unless pn jumps too far; whole chains need nothing. */
function ended(chain: Chain, pn: number, { late, ahead }: Facts): Chain {
  if (late.kind === 'chains') return chain;
  const left = range(chain.next, late.isPnIncluded ? pn + 1 : pn);
  if (left.length > ahead) return { ...chain, isGivenUp: true };
  return { ...chain, next: chain.next + left.length, missing: [...chain.missing, ...left] };
}

function withinTotal(chains: Chains, total: number): Chains {
  let left = total;
  return chains
    .toReversed()
    .map((chain) => {
      const missing = newest(chain.missing, left);
      left -= missing.length;
      return { ...chain, missing };
    })
    .reverse();
}

/** Those whose counters that are not missing are known to be used, and the present one. */
function rememberedOf(chains: Chains, count: number): Chains {
  return newest(
    chains.filter(({ isGivenUp }) => !isGivenUp),
    count + 1,
  );
}

function bounded(chains: Chains, late: LateKeys): Chains {
  const shortened = chains.map((chain) => ({
    ...chain,
    missing: newest(chain.missing, late.perChain),
  }));
  if (late.kind === 'chains') return newest(shortened, late.chains);
  // Here only chains that miss something count; the present one and those remembered stay known without keys.
  const kept = newest(
    shortened.filter(({ missing }) => missing.length > 0),
    late.chains,
  );
  const remembered = rememberedOf(shortened, late.chainsRemembered);
  const known = shortened
    .filter((chain) => kept.includes(chain) || remembered.includes(chain))
    .map((chain) => (kept.includes(chain) ? chain : { ...chain, missing: [] }));
  return withinTotal(known, late.total);
}

const USED: Refusal = { kind: 'refused', code: 'duplicate', limit: 'skipped key' };

/** What a session does with a message of its own. */
export function receive(chains: Chains, header: Header, facts: Facts): Received {
  const { late, ahead } = facts;
  const index = chains.findIndex(({ ratchet }) => ratchet === header.ratchet);
  const chain = chains[index];
  if (chain?.missing.includes(header.n)) {
    const after = chains.map((other) => (other === chain ? used(chain, header.n) : other));
    return { kind: 'opened', chains: after, isStep: false };
  }
  // Only whole chains go on after their end.
  const present = late.kind === 'chains' || index === chains.length - 1 ? chain : undefined;
  const isUsed =
    late.kind === 'keys' &&
    present === undefined &&
    chain !== undefined &&
    rememberedOf(chains, late.chainsRemembered).includes(chain);
  if (isUsed) return USED;
  if (present !== undefined && header.n < present.next) return USED;
  if (header.n - (present?.next ?? 0) > ahead) {
    return { kind: 'refused', code: 'too-far', limit: 'gap' };
  }
  if (present !== undefined) {
    const after = chains.map((other) => (other === present ? used(present, header.n) : other));
    return { kind: 'opened', chains: bounded(after, late), isStep: false };
  }
  const last = chains.at(-1);
  // An ended chain that is forgotten: its root key is gone, so the step gives another key.
  if (header.ratchet <= (last?.ratchet ?? -1)) {
    return { kind: 'refused', code: 'bad-mac', limit: 'ended chain' };
  }
  const before = last === undefined ? [] : [...chains.slice(0, -1), ended(last, header.pn, facts)];
  const fresh = used({ ratchet: header.ratchet, next: 0, missing: [] }, header.n);
  return { kind: 'opened', chains: bounded([...before, fresh], late), isStep: true };
}
