// What one side must do, in symbols: which sessions it holds, in which it sends, and what becomes of each message.
import { chainsOfStarter, receive, type Chains, type Header, type Refusal } from './chains';
import type { Facts } from './facts';

/** A message in symbols. `session` is the number of its start in the run. */
export interface Sent extends Header {
  readonly session: number;
  readonly keyExchange?: { readonly prekeyId: number; readonly signedPrekeyId: number };
}

interface Session {
  readonly id: number;
  /** Until the other side has answered, every message carries it. */
  readonly keyExchange?: Sent['keyExchange'];
  readonly sending?: { readonly ratchet: number; readonly n: number };
  readonly pn: number;
  readonly chains: Chains;
}

/** A side's sessions, the current one first, and the prekeys it can still use. */
export interface Model {
  readonly facts: Facts;
  readonly sessions: readonly Session[];
  /** When each was used, in ms. */
  readonly usedPrekeys: ReadonlyMap<number, number>;
  /** The present signed prekey and the one before. */
  readonly signedPrekeys: readonly number[];
}

export function newModel(facts: Facts, signedPrekeyId: number): Model {
  return { facts, sessions: [], usedPrekeys: new Map(), signedPrekeys: [signedPrekeyId] };
}

export function rotated(model: Model, signedPrekeyId: number): Model {
  return { ...model, signedPrekeys: [signedPrekeyId, ...model.signedPrekeys].slice(0, 2) };
}

function withCurrent(model: Model, session: Session): readonly Session[] {
  const others = model.sessions.filter(({ id }) => id !== session.id);
  return [session, ...others].slice(0, 1 + model.facts.archivedSessions);
}

/** The sessions after one of them has opened a message. */
function withOpened(model: Model, session: Session): readonly Session[] {
  const [current] = model.sessions;
  const isKnown = model.sessions.some(({ id }) => id === session.id);
  const waits = model.facts.waitsForAnswer && isKnown && current?.keyExchange !== undefined;
  if (!waits || current.id === session.id) return withCurrent(model, session);
  return withCurrent({ ...model, sessions: withCurrent(model, session) }, current);
}

export function started(
  model: Model,
  id: number,
  keyExchange: NonNullable<Sent['keyExchange']>,
): Model {
  const session: Session = {
    id,
    keyExchange,
    sending: { ratchet: 0, n: 0 },
    pn: 0,
    chains: chainsOfStarter(model.facts.late),
  };
  return { ...model, sessions: withCurrent(model, session) };
}

/** The next message in the current session. */
export function send(model: Model): { readonly model: Model; readonly sent: Sent } {
  const [session, ...archived] = model.sessions;
  if (session?.sending === undefined) throw new TypeError('model: want a session to send in');
  const { id, sending, pn, keyExchange } = session;
  const next: Session = { ...session, sending: { ...sending, n: sending.n + 1 } };
  return {
    model: { ...model, sessions: [next, ...archived] },
    sent: { session: id, ...sending, pn, ...(keyExchange !== undefined && { keyExchange }) },
  };
}

export type Opened = { readonly kind: 'opened'; readonly model: Model } | Refusal;

function openIn(model: Model, session: Session, sent: Sent): Opened {
  const received = receive(session.chains, sent, model.facts);
  if (received.kind === 'refused') return received;
  const { sending, keyExchange: _answered, ...rest } = session;
  const count = sending?.n ?? 0;
  const stepped = received.isStep && {
    sending: { ratchet: (sending?.ratchet ?? -1) + 1, n: 0 },
    pn: model.facts.pn === 'count' ? count : Math.max(count - 1, 0),
  };
  const after: Session = {
    ...rest,
    ...(sending !== undefined && { sending }),
    chains: received.chains,
    ...stepped,
  };
  return { kind: 'opened', model: { ...model, sessions: withOpened(model, after) } };
}

/** No session of this message is left: what the others make of it. */
function strange(model: Model, sent: Sent): Opened {
  const refused = { kind: 'refused', limit: 'session' } as const;
  if (model.sessions.length === 0) return { ...refused, code: 'no-session' };
  return { ...refused, code: sent.n > model.facts.ahead ? 'too-far' : 'bad-mac' };
}

function accept(model: Model, sent: Sent, now: number): Opened {
  const { keyExchange } = sent;
  if (keyExchange === undefined) return strange(model, sent);
  const { prekeyId, signedPrekeyId } = keyExchange;
  const usedAt = model.usedPrekeys.get(prekeyId);
  const isGone = usedAt !== undefined && now - usedAt >= model.facts.usedPrekeysKeptMs;
  if (isGone || !model.signedPrekeys.includes(signedPrekeyId)) {
    return { kind: 'refused', code: 'unknown-prekey', limit: 'prekey' };
  }
  const opened = openIn(model, { id: sent.session, pn: 0, chains: [] }, sent);
  if (opened.kind === 'refused') return opened;
  const usedPrekeys = new Map([[prekeyId, now], ...model.usedPrekeys]);
  return { kind: 'opened', model: { ...opened.model, usedPrekeys } };
}

/** What a genuine message does; `now` in ms. */
export function open(model: Model, sent: Sent, now: number): Opened {
  const session = model.sessions.find(({ id }) => id === sent.session);
  return session === undefined ? accept(model, sent, now) : openIn(model, session, sent);
}
