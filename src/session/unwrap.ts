// Finds the message inside carbons and archive results, and refuses wrappers that could not have come from our own server
// (I-58 to I-62, M46, M47, M49). Pure.
import { bareJid, type BareJid } from '../jid';
import { childOf, childrenOf } from '../xml/element';
import { MAM_NAMESPACES, NS, OMEMO_NAMESPACES } from '../xml/ns';

export interface UnwrapContext {
  /** Bare JID of the account of this stream. */
  readonly own: BareJid;
  /** Did the page ask archive `from` (as in the stanza; null: own) under this id ('' when it named none) and still waits? */
  isOpenQuery(queryId: string, from: string | null): boolean;
}

/** A message to look at; `message` stands in the tree of the stanza. */
export interface UnwrappedMessage {
  readonly kind: 'message';
  readonly wrapper: 'live' | 'carbon' | 'archive';
  readonly message: Element;
  /** Who wrote it, as the servers say. */
  readonly sender: BareJid;
  /** The other side of the chat. */
  readonly peer: BareJid;
  /** When a server says it was sent, in ms since 1970. */
  readonly at?: number;
}

export type Unwrapped =
  | UnwrappedMessage
  /** A wrapper from someone who may not wrap: never decrypt, do not hand on. */
  | { readonly kind: 'forged' }
  /** Not ours to touch. */
  | { readonly kind: 'other' };

const FORGED: Unwrapped = { kind: 'forged' };
const OTHER: Unwrapped = { kind: 'other' };

/** Rooms and broadcasts: nothing in them is ours yet, and in a user archive they could be forged (I-82). */
const OTHER_TYPES: readonly (string | null)[] = ['groupchat', 'headline'];

/** Says what a stanza from the server is to us. */
export function unwrap(stanza: Element, context: UnwrapContext): Unwrapped {
  if (stanza.localName !== 'message' || stanza.namespaceURI !== NS.client) return OTHER;
  const carbons = carbonsOf(stanza);
  const results = resultsOf(stanza);
  if (carbons.length + results.length > 1) return FORGED;
  const [carbon] = carbons;
  if (carbon !== undefined) return unwrapCarbon(stanza, carbon, context.own);
  const [result] = results;
  if (result !== undefined) return unwrapResult(stanza, result, context);
  return unwrapLive(stanza, context.own);
}

function carbonsOf(message: Element): Element[] {
  return childrenOf(message, undefined, NS.carbons).filter(
    (child) => child.localName === 'sent' || child.localName === 'received',
  );
}

function resultsOf(message: Element): Element[] {
  return childrenOf(message, 'result').filter((child) =>
    MAM_NAMESPACES.includes(child.namespaceURI ?? ''),
  );
}

function isFromOwnAccount(stanza: Element, own: BareJid): boolean {
  const from = stanza.getAttribute('from');
  return from === null || (bareJid(from) === own && !from.includes('/'));
}

/** The one forwarded message, or undefined if the wrapper holds anything else. */
function forwardedMessage(
  wrapper: Element,
): { readonly forwarded: Element; readonly message: Element } | undefined {
  const [forwarded, secondForwarded] = childrenOf(wrapper, 'forwarded', NS.forward);
  if (forwarded === undefined || secondForwarded !== undefined) return undefined;
  const [message, secondMessage] = childrenOf(forwarded, 'message', NS.client);
  if (message === undefined || secondMessage !== undefined) return undefined;
  return { forwarded, message };
}

/** A wrapper inside a wrapper was put there by whoever wrote the inner message (M49). */
function isNested(message: Element): boolean {
  return carbonsOf(message).length > 0 || resultsOf(message).length > 0;
}

/** `<message from='own'><sent|received xmlns='urn:xmpp:carbons:2'><forwarded><message/>…` */
function unwrapCarbon(stanza: Element, carbon: Element, own: BareJid): Unwrapped {
  const inner = forwardedMessage(carbon);
  if (!isFromOwnAccount(stanza, own) || inner === undefined) return FORGED;
  if (isNested(inner.message)) return FORGED;
  if (isOtherType(inner.message)) return OTHER;
  const from = jidAttribute(inner.message, 'from');
  const isSent = carbon.localName === 'sent';
  // The server reflects under `sent` only what our own account wrote.
  if (isSent && from !== own) return FORGED;
  if (from === undefined) return OTHER;
  const peer = isSent ? jidAttribute(inner.message, 'to') : from;
  if (peer === undefined) return OTHER;
  return {
    kind: 'message',
    wrapper: 'carbon',
    message: inner.message,
    sender: from,
    peer,
    ...at(inner),
  };
}

/** `<message from='archive'><result xmlns='urn:xmpp:mam:2' queryid id><forwarded><delay/><message/>…` */
function unwrapResult(stanza: Element, result: Element, context: UnwrapContext): Unwrapped {
  const from = stanza.getAttribute('from');
  if (!context.isOpenQuery(result.getAttribute('queryid') ?? '', from)) return FORGED;
  if (!isFromOwnAccount(stanza, context.own)) return OTHER; // the archive of a room
  const inner = forwardedMessage(result);
  if (inner === undefined || isOtherType(inner.message) || isNested(inner.message)) return OTHER;
  const sender = jidAttribute(inner.message, 'from');
  if (sender === undefined) return OTHER;
  const to = jidAttribute(inner.message, 'to') ?? context.own;
  const peer = sender === context.own ? to : sender;
  return {
    kind: 'message',
    wrapper: 'archive',
    message: inner.message,
    sender,
    peer,
    ...at(inner),
  };
}

function unwrapLive(stanza: Element, own: BareJid): Unwrapped {
  if (isOtherType(stanza)) return OTHER;
  // I-62: a forwarded message is a quotation. It is never looked into; what stands beside it is a message as any other.
  const isOnlyQuotation =
    childOf(stanza, 'forwarded', NS.forward) !== undefined &&
    childOf(stanza, 'body', NS.client) === undefined &&
    OMEMO_NAMESPACES.every((ns) => childOf(stanza, 'encrypted', ns) === undefined);
  if (isOnlyQuotation) return OTHER;
  const sender = stanza.hasAttribute('from') ? jidAttribute(stanza, 'from') : own;
  if (sender === undefined) return OTHER;
  return {
    kind: 'message',
    wrapper: 'live',
    message: stanza,
    sender,
    peer: sender,
    ...at({ message: stanza }),
  };
}

function isOtherType(message: Element): boolean {
  return OTHER_TYPES.includes(message.getAttribute('type'));
}

function jidAttribute(message: Element, name: 'from' | 'to'): BareJid | undefined {
  const value = message.getAttribute(name);
  return value === null ? undefined : bareJid(value);
}

/** `<delay xmlns='urn:xmpp:delay' stamp/>` of the wrapper, else of the message. */
function at(inner: { readonly forwarded?: Element; readonly message: Element }): { at?: number } {
  const outer = inner.forwarded && childOf(inner.forwarded, 'delay', NS.delay);
  const delay = outer ?? childOf(inner.message, 'delay', NS.delay);
  const time = Date.parse(delay?.getAttribute('stamp') ?? '');
  return Number.isNaN(time) ? {} : { at: time };
}
