// XEP-0198 (1.6) counters between page and server (interception I-24 to I-30). Page and server count different stanzas:
// ours were never sent by the page, dropped ones never reached the server, swallowed ones never reached the page, and our
// notices never came from the server. Pure; positions come from the hook, `h` is a number below 2^32.
//
// Both directions are one path: an ordinary stanza moves it forward on both sides, an event on one side only. A number of
// one side is converted by following the path to it, and past events that move only the other side: nobody waits for them.
//
// What the caller must do, or the numbers go wrong:
// - note every event in the order the hook reports it, whether or not the page uses stream management;
// - let every injection be reported before `<enable/>`, `<enabled/>`, `<resume/>` or `<resumed/>` is released;
// - store recordOf() before a swallowed or dropped frame is released, after every injection, and before `<enabled/>` and
//   `<resumed/>` are released. Where recordOf() answers undefined, a stored record stays as it is.
import { MAX_EVENTS } from '../limits';
import type { Position } from '../rpc/page-api';
import type { SmEvent, SmRecord } from '../rpc/vault-api';
import { advance, follow, move, pathUpTo, type Side } from './ack-path';

/** Numbers of one direction since `<enable/>` or `<enabled/>`. */
interface Lane {
  /** Position in the socket at which this numbering has its zero; absent before it begins. */
  readonly base?: Position;
  /** Position in the socket behind the last event: the position of a held frame is older than what was injected since. */
  readonly end: Position;
  /** The last acknowledged point. */
  readonly acked: Position;
  readonly events: readonly SmEvent[];
  /** The oldest unacknowledged events are forgotten. */
  readonly isCut: boolean;
}

interface Resuming {
  readonly record: SmRecord;
  readonly in: Position;
  /** SASL2: the same frame asks for a new session, for the case that this one is gone. */
  readonly isEnabling: boolean;
}

export interface SmState {
  readonly out: Lane;
  readonly in: Lane;
  /** The session that can be resumed. */
  readonly id?: string;
  /** Full JID as bound. */
  readonly jid?: string;
  /** Between `<resume/>` and its answer: where both directions stood. */
  readonly resuming?: Resuming;
}

/** A new state and the `h` to write into the frame. */
export interface Converted {
  readonly state: SmState;
  readonly h: number;
}

const ZERO: Position = { page: 0, wire: 0 };
const NEW_LANE: Lane = { end: ZERO, acked: ZERO, events: [], isCut: false };

/** A stream just opened. */
export function smStart(): SmState {
  return { out: NEW_LANE, in: NEW_LANE };
}

function latest(lane: Lane, at: Position): Position {
  return { page: Math.max(lane.end.page, at.page), wire: Math.max(lane.end.wire, at.wire) };
}

/** A lane whose next frame, at `at` in the socket, stands at `start` in the numbering. */
function begin(lane: Lane, at: Position, start: Position, events: readonly SmEvent[]): Lane {
  const end = latest(lane, at);
  return { base: move(end, start, -1), end, acked: start, events, isCut: false };
}

/** The page's `<enable/>` is about to leave; `at` is its position. */
export function smEnable(state: SmState, at: Position): SmState {
  if (state.resuming !== undefined) {
    return { ...state, resuming: { ...state.resuming, isEnabling: true } };
  }
  const { base: _, ...lane } = state.in;
  return { out: begin(state.out, at, ZERO, []), in: { ...lane, events: [], isCut: false } };
}

/** The server's `<enabled/>` is about to reach the page. `id` undefined: it cannot be resumed. */
export function smEnabled(
  state: SmState,
  at: Position,
  id: string | undefined,
  jid: string | undefined,
): SmState {
  return {
    out: state.out,
    in: begin(state.in, at, ZERO, []),
    ...(id !== undefined && jid !== undefined && { id, jid }),
  };
}

/** An event; `at` is the position of the frame, or of the injection, before it counted. */
export function smNote(state: SmState, kind: SmEvent['kind'], at: Position): SmState {
  const name = kind === 'o' || kind === 'd' ? 'out' : 'in';
  return { ...state, [name]: note(state[name], kind, at) };
}

function note(lane: Lane, kind: SmEvent['kind'], at: Position): Lane {
  const place = latest(lane, at);
  const moved = { ...lane, end: advance(place, kind) };
  if (lane.base === undefined) return moved;
  const added = [...lane.events, { kind, ...move(place, lane.base, -1) }];
  const isCut = lane.isCut || added.length > MAX_EVENTS;
  return { ...moved, events: added.slice(-MAX_EVENTS), isCut };
}

/**
 * Takes back the last stanza noted as dropped: the stream ended before the page heard of it. Nothing of the page can have
 * left since. An acknowledgement that passed it stays, for the page no longer has the stanza.
 */
export function smTakeBack(state: SmState): SmState {
  const { out } = state;
  const index = out.events.findLastIndex(({ kind }) => kind === 'd');
  const dropped = out.events[index];
  if (dropped === undefined || dropped.page < out.acked.page) return state;
  const before = ({ page, wire }: Position): Position => ({ page: page - 1, wire });
  const later = out.events.slice(index + 1).map((event) => ({ ...event, ...before(event) }));
  const events = [...out.events.slice(0, index), ...later];
  return { ...state, out: { ...out, end: before(out.end), events } };
}

/** `<a h>` or `<failed h>` of the server, about stanzas of the page. */
export function ackFromServer(state: SmState, h: number): Converted {
  if (state.resuming !== undefined) {
    return { state, h: wrap(pointOf(state.resuming.record.out, 'wire', h).page) };
  }
  const { lane, point } = acknowledge(state.out, 'wire', h);
  return { state: { ...state, out: lane }, h: wrap(point.page) };
}

/** `<a h>` of the page, about stanzas of the server. */
export function ackFromPage(state: SmState, h: number): Converted {
  const { lane, point } = acknowledge(state.in, 'page', h);
  return { state: { ...state, in: lane }, h: wrap(point.wire) };
}

function acknowledge(lane: Lane, side: Side, h: number): { lane: Lane; point: Position } {
  if (lane.base === undefined) return { lane, point: { page: h, wire: h } };
  const value = unwrap(h, lane.acked[side]);
  const [first] = lane.events;
  if (lane.isCut && first !== undefined && value < first[side]) return { lane, point: lane.acked };
  const point = follow(lane.events, side, value);
  // The last event passed stays: it says how far both sides are apart from there on.
  const passed = pathUpTo(lane.events, point).length;
  const events = lane.events.slice(Math.max(0, passed - 1));
  return { lane: { ...lane, acked: point, events }, point };
}

/** The point of a stored log, where the last acknowledgement is not known: its last event is near enough. */
function pointOf(events: readonly SmEvent[], side: Side, h: number): Position {
  return follow(events, side, unwrap(h, events.at(-1)?.[side] ?? 0));
}

/**
 * The page's `<resume previd h>` is about to leave at `at`; `record` is what was stored under `previd`.
 * @returns the `h` for the server: what the page has, and what we had handled ourselves by then.
 */
export function smResume(
  state: SmState,
  record: SmRecord,
  id: string,
  h: number,
  at: Position,
): Converted {
  const point = pointOf(record.in, 'page', h);
  const { base, ...lane } = state.in;
  const isEnabling = base === undefined && state.out.base !== undefined;
  const next: SmState = {
    // Counted from zero until the server has told where it stands.
    out: begin(state.out, at, ZERO, []),
    in: { ...lane, events: [], isCut: false },
    id,
    jid: record.jid,
    resuming: { record, in: point, isEnabling },
  };
  return { state: next, h: wrap(point.wire) };
}

/**
 * The server's `<resumed h>` is about to reach the page at `at`. What lies beyond either `h` is forgotten: ours and
 * notices are lost, the page sends its dropped stanzas again and the server the swallowed ones, so they are noted anew.
 * @returns the `h` for the page.
 */
export function smResumed(state: SmState, h: number, at: Position): Converted {
  if (state.resuming === undefined) return { state, h };
  const { record, in: inPoint } = state.resuming;
  const outPoint = pointOf(record.out, 'wire', h);
  const late = state.out.events.map((event) => ({ ...event, ...move(event, outPoint, 1) }));
  const { resuming: _, ...rest } = state;
  const next: SmState = {
    ...rest,
    out: {
      ...state.out,
      base: move(state.out.base ?? ZERO, outPoint, -1),
      acked: outPoint,
      events: [...pathUpTo(record.out, outPoint).slice(-1), ...late],
    },
    in: begin(state.in, at, inPoint, pathUpTo(record.in, inPoint).slice(-1)),
  };
  return { state: next, h: wrap(outPoint.page) };
}

/** The server refused `<enable/>` or `<resume/>`: nothing is counted until the next `<enable/>`, unless one was sent along. */
export function smFailed(state: SmState): SmState {
  if (state.resuming?.isEnabling === true) return { out: state.out, in: state.in };
  const { base: _out, ...out } = state.out;
  const { base: _in, ...into } = state.in;
  return { out: { ...out, events: [] }, in: { ...into, events: [] } };
}

/** What to store under the id of this session; undefined while, or because, it cannot be resumed. */
export function recordOf(state: SmState): SmRecord | undefined {
  const { id, jid, resuming, out, in: into } = state;
  if (id === undefined || jid === undefined || resuming !== undefined) return undefined;
  if (out.isCut || into.isCut) return undefined;
  return { jid, out: out.events, in: into.events };
}

const MODULUS = 2 ** 32;

/** XEP-0198 §4: after 2^32 − 1 comes 0. */
function wrap(value: number): number {
  return ((value % MODULUS) + MODULUS) % MODULUS;
}

/** The count meant by `h`: the one nearest to `near`, never below zero. */
function unwrap(h: number, near: number): number {
  const forward = near + wrap(h - near);
  const backward = forward - MODULUS;
  return forward - near >= MODULUS / 2 && backward >= 0 ? backward : forward;
}
