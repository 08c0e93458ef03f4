// Rebuild what came over a port from unknown input, field by field; anything unexpected is refused and nothing that was
// not asked for is passed on (M4).
import { bareJid, type BareJid } from '../jid';
import { VaultError } from './errors';

/** Returns the rebuilt value. @throws VaultError `bad-request`. */
export type Guard<T> = (input: unknown) => T;

function refuse(): never {
  throw new VaultError('bad-request');
}

/** Text of at most `max` UTF-16 units. */
export function text(max: number): Guard<string> {
  return (input) => (typeof input === 'string' && input.length <= max ? input : refuse());
}

/** An integer between `min` and `max`. */
export function integer(min: number, max: number): Guard<number> {
  return (input) =>
    typeof input === 'number' && Number.isInteger(input) && input >= min && input <= max
      ? input
      : refuse();
}

export const bool: Guard<boolean> = (input) => (typeof input === 'boolean' ? input : refuse());

/** A prepared bare JID: given as it would be prepared, without resource. */
export const jid: Guard<BareJid> = (input) => {
  const prepared = typeof input === 'string' ? bareJid(input) : undefined;
  return prepared !== undefined && prepared === input ? prepared : refuse();
};

/** Bytes, copied; a length range. */
export function bytes(min: number, max: number): Guard<Uint8Array> {
  return (input) =>
    input instanceof Uint8Array && input.length >= min && input.length <= max
      ? Uint8Array.from(input)
      : refuse();
}

/** One of the given strings. */
export function oneOf<const T extends string>(...values: readonly T[]): Guard<T> {
  return (input) => values.find((value) => value === input) ?? refuse();
}

/** What one of two guards takes. */
export function either<A, B>(one: Guard<A>, other: Guard<B>): Guard<A | B> {
  return (input) => {
    try {
      return one(input);
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      return other(input);
    }
  };
}

/** At most `max` items; a hole is an item that is missing. */
export function list<T>(item: Guard<T>, max: number): Guard<readonly T[]> {
  return (input) =>
    Array.isArray(input) && input.length <= max
      ? Array.from(input, (each: unknown) => item(each)) // `map` would pass holes by the guard
      : refuse();
}

type Shape = Readonly<Record<string, Guard<unknown>>>;
type Rebuilt<S extends Shape> = {
  readonly [K in keyof S]: S[K] extends Guard<infer T> ? T : never;
};
type Optional<S extends Shape> = { readonly [K in keyof S]?: Rebuilt<S>[K] };

/** An object whose fields do not matter. */
export const nothing: Guard<Record<string, never>> = (input) =>
  typeof input === 'object' && input !== null ? {} : refuse();

/** An object with exactly these fields; `optional` ones may be missing. Others are dropped. */
export function record<S extends Shape, O extends Shape = Record<never, never>>(
  shape: S,
  optional?: O,
): Guard<Rebuilt<S> & Optional<O>> {
  return (input) => {
    if (typeof input !== 'object' || input === null) return refuse();
    const source: Partial<Record<string, unknown>> = { ...input };
    const out: Record<string, unknown> = {};
    for (const [name, guard] of Object.entries(shape)) out[name] = guard(source[name]);
    for (const [name, guard] of Object.entries(optional ?? {})) {
      if (source[name] !== undefined) out[name] = guard(source[name]);
    }
    return out as Rebuilt<S> & Optional<O>; // every field was rebuilt just above
  };
}
