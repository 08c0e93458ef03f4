// The path of one direction through (page, wire): see ack.ts. Before its first event and behind its last it runs diagonally,
// so a log whose oldest events were acknowledged and forgotten still converts what follows.
import type { Position } from '../rpc/page-api';
import type { SmEvent } from '../rpc/vault-api';

export type Side = keyof Position;

/** Adds or subtracts. */
export function move(position: Position, by: Position, sign: 1 | -1): Position {
  return { page: position.page + sign * by.page, wire: position.wire + sign * by.wire };
}

/** The side an event counts on. */
function sideOf(kind: SmEvent['kind']): Side {
  return kind === 'o' || kind === 's' ? 'wire' : 'page';
}

/** The position behind an event that begins at `position`. */
export function advance(position: Position, kind: SmEvent['kind']): Position {
  const side = sideOf(kind);
  return { page: position.page, wire: position.wire, [side]: position[side] + 1 };
}

/** The farthest point of the path at which `side` has the given count. */
export function follow(events: readonly SmEvent[], side: Side, count: number): Position {
  // Behind the last event that is passed, or before the first, the path is a diagonal through `from`.
  let from: Position = events[0] ?? { page: 0, wire: 0 };
  for (const event of events) {
    // An event of this side is passed when it is counted; one of the other side as soon as it is reached.
    const isPassed = sideOf(event.kind) === side ? event[side] < count : event[side] <= count;
    if (!isPassed) break;
    from = advance(event, event.kind);
  }
  const ahead = count - from[side];
  return { page: from.page + ahead, wire: from.wire + ahead };
}

/** The events up to a point of the path. */
export function pathUpTo(events: readonly SmEvent[], point: Position): readonly SmEvent[] {
  return events.filter((event) => {
    const end = advance(event, event.kind);
    return end.page <= point.page && end.wire <= point.wire;
  });
}
