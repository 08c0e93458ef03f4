// How long ago something was, by a clock that people set (I-127).

/**
 * Has it been so long? All in ms, `since` and `now` since 1970. What seems to lie ahead was written by a clock that was
 * wrong: nobody knows when that was, so it counts as long ago.
 */
export function isOver(since: number, now: number, ms: number): boolean {
  return now < since || now - since >= ms;
}
