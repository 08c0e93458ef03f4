// The post between both sides: what is on the way, what is held back, and what has arrived and may arrive again.
import type { Dice } from './dice';
import type { Message, Name } from './world';

export interface Post {
  /** On the way, oldest first, by the side that sent. */
  readonly onTheWay: Readonly<Record<Name, Message[]>>;
  /** Held back, from any time of the run. */
  readonly delayed: Message[];
  readonly delivered: Message[];
}

export function emptyPost(): Post {
  return { onTheWay: { ours: [], theirs: [] }, delayed: [], delivered: [] };
}

/** The side with the longer queue is read from more often, so that neither grows without end. */
export function queueOf({ onTheWay: { ours, theirs } }: Post, throws: Dice): Message[] {
  return throws.below(ours.length + theirs.length) < ours.length ? ours : theirs;
}

/** Takes any message out of a list; undefined: there is none. */
export function takeAny(list: Message[], throws: Dice): Message | undefined {
  return list.splice(throws.below(list.length), 1)[0];
}

/** How far back most duplicates go. */
const RECENT = 30;

/** A message that has arrived, mostly one of the last; undefined: none has. */
export function anyDelivered({ delivered }: Post, throws: Dice): Message | undefined {
  if (delivered.length === 0) return undefined;
  const from = throws.chance(0.8) ? Math.max(0, delivered.length - RECENT) : 0;
  return throws.pick(delivered.slice(from));
}

/** Everything that has not arrived yet. */
export function undelivered({ onTheWay, delayed }: Post): Message[] {
  return [...onTheWay.ours, ...onTheWay.theirs, ...delayed];
}
