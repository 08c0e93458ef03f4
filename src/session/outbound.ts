// Plans what of a message of the page must be protected and composes what leaves instead (I-96 to I-111, design D1, D9).
// Pure. Default is deny: the stanza that leaves is written anew and holds only what allow-list.ts names.
import { MAX_TEXT_BYTES } from '../limits';
import { bareJid, resourceOf, type BareJid } from '../jid';
import { explainRefusal, type RefusalCode } from '../rpc/reasons';
import type { EncryptedMessage, EncryptedMessages } from '../rpc/vault-api';
import { build, elementOf, frameOf } from '../xml/build';
import { append, appendText, childOf, childrenOf, copyOf, serialise, textOf } from '../xml/element';
import { NS, OMEMO_NAMESPACES } from '../xml/ns';
import {
  keepAttributes,
  keepElement,
  OUT_BESIDE,
  OUT_CLEAR,
  OUT_ERROR,
  OUT_INVITATION,
  ruleFor,
  type Rules,
} from './allow-list';
import { writeEncrypted } from './codec/codec';
import { contentOf, OUT_BESIDE_ENVELOPE } from './envelope-rules';

/** A message with text. */
export interface ProtectPlan {
  readonly kind: 'protect';
  readonly peer: BareJid;
  readonly id: string;
  /** What legacy encrypts. */
  readonly text: string;
  /** What an envelope holds: all bodies and everything else that no server has to read. */
  readonly content: readonly Element[];
  /** What stands beside a legacy ciphertext. */
  readonly stanza: Element;
}

export type OutboundPlan =
  /** Leaves byte for byte: not ours, or nothing in it to protect. */
  | { readonly kind: 'pass' }
  /** The page encrypts itself (design D15). */
  | { readonly kind: 'own-omemo' }
  /** No text; says something in clear that other clients say in clear too, or lost what may not leave. */
  | { readonly kind: 'control'; readonly frame: string; readonly peer: BareJid }
  | ProtectPlan
  | { readonly kind: 'refuse'; readonly code: RefusalCode; readonly peer?: BareJid };

/** What other clients show when they cannot read OMEMO. */
export const FALLBACK_BODY =
  'This message is encrypted with OMEMO, which your client does not support.';

/** Rooms are not ours yet; the others are no chat (I-101). */
const PASSING_TYPES: readonly (string | null)[] = ['groupchat', 'headline'];

/** The page already encrypted these with something else; a second layer would lose the first (I-111). */
const FOREIGN_ENCRYPTION: readonly (readonly [name: string, ns: string])[] = [
  ['openpgp', 'urn:xmpp:openpgp:0'],
  ['x', 'jabber:x:encrypted'],
];

/** Kept elements that say more than a state: they make a message a `control` (design D9). */
const SPEAKING: ReadonlySet<string> = new Set([
  NS.reactions,
  NS.retract,
  NS.retract0,
  NS.reply,
  NS.conference,
  NS.mucUser,
  'urn:xmpp:fasten:0',
  'urn:xmpp:jingle-message:0',
  'urn:xmpp:jingle-message:1',
]);

const PASS: OutboundPlan = { kind: 'pass' };

/** Says what to do with a stanza of the page. `newId` makes an id for a message that has none. */
export function planOutbound(stanza: Element, newId: () => string): OutboundPlan {
  if (stanza.localName !== 'message') return PASS;
  if (stanza.namespaceURI !== NS.client) return { kind: 'refuse', code: 'malformed' };
  if (isEncryptedByPage(stanza)) return { kind: 'own-omemo' };
  if (PASSING_TYPES.includes(stanza.getAttribute('type'))) return PASS;
  const to = stanza.getAttribute('to');
  const peer = to === null ? undefined : bareJid(to);
  if (to === null || peer === undefined) return planWithoutPeer(stanza);
  if (stanza.getAttribute('type') === 'error') return planClear(stanza, peer, OUT_ERROR);
  return planFor(stanza, to, peer, newId);
}

// In an error the page only quotes what someone else encrypted; anyone could make it do so.
function isEncryptedByPage(stanza: Element): boolean {
  if (stanza.getAttribute('type') === 'error') return false;
  return OMEMO_NAMESPACES.some((ns) => childOf(stanza, 'encrypted', ns) !== undefined);
}

function planWithoutPeer(stanza: Element): OutboundPlan {
  const rest = keepFrom(stanza, OUT_CLEAR);
  const isHarmless = textIn(stanza) === undefined && rest.isComplete;
  return isHarmless ? PASS : { kind: 'refuse', code: 'malformed' };
}

function planFor(stanza: Element, to: string, peer: BareJid, newId: () => string): OutboundPlan {
  const refuse = (code: RefusalCode): OutboundPlan => ({ kind: 'refuse', code, peer });
  const isForeign = FOREIGN_ENCRYPTION.some(([name, ns]) => childOf(stanza, name, ns));
  if (isForeign || childOf(stanza, 'addresses', NS.addresses)) return refuse('content-unsupported');
  // An invitation has no encrypted form; a text beside it is a fallback for old clients and stays behind.
  if (isInvitation(stanza)) return planClear(stanza, peer, OUT_INVITATION);
  const text = isFallbackOnly(stanza) ? undefined : textIn(stanza);
  const isRoomPrivate =
    childOf(stanza, 'x', NS.mucUser) !== undefined && resourceOf(to) !== undefined;
  if (text === undefined) {
    if (keepFrom(stanza, OUT_CLEAR).hasUnknown) {
      return refuse(isRoomPrivate ? 'room-private' : 'content-unsupported');
    }
    return planClear(stanza, peer, OUT_CLEAR);
  }
  if (isRoomPrivate) return refuse('room-private');
  if (new TextEncoder().encode(text).length > MAX_TEXT_BYTES) return refuse('too-large');
  return planProtect(stanza, peer, text, newId);
}

function planProtect(
  stanza: Element,
  peer: BareJid,
  text: string,
  newId: () => string,
): OutboundPlan {
  const { kept } = keepFrom(stanza, OUT_BESIDE);
  const pageId = kept.getAttribute('id');
  const id = pageId === null || pageId === '' ? newId() : pageId;
  kept.setAttribute('id', id);
  return { kind: 'protect', peer, id, text, content: contentOf(stanza), stanza: kept };
}

function planClear(stanza: Element, peer: BareJid, rules: Rules): OutboundPlan {
  const { kept, isComplete } = keepFrom(stanza, rules);
  const isSpeaking = childrenOf(kept).some((child) => SPEAKING.has(child.namespaceURI ?? ''));
  if (isComplete && !isSpeaking) return PASS;
  return { kind: 'control', frame: serialise(kept), peer };
}

interface Kept {
  readonly kept: Element;
  /** Nothing at all was left out. */
  readonly isComplete: boolean;
  /** A whole element or text that we do not know was left out; bodies do not count. */
  readonly hasUnknown: boolean;
}

function keepFrom(stanza: Element, rules: Rules): Kept {
  const kept = elementOf(build('message', { xmlns: NS.client }));
  let isComplete = keepAttributes(stanza, kept);
  let hasUnknown = false;
  for (const child of childrenOf(stanza)) {
    const rule = ruleFor(child, rules);
    if (rule === undefined || !keepElement(child, kept, rule)) isComplete = false;
    if (rule === undefined && !isBody(child)) hasUnknown = true;
  }
  const hasLooseText = Array.from(stanza.childNodes).some(
    (node) => node.nodeValue !== null && node.nodeValue.trim() !== '',
  );
  return { kept, isComplete: isComplete && !hasLooseText, hasUnknown: hasUnknown || hasLooseText };
}

function isBody(child: Element): boolean {
  return child.localName === 'body' && child.namespaceURI === NS.client;
}

/** The body without language, else the first (I-100); empty bodies are none. */
function textIn(stanza: Element): string | undefined {
  const bodies = childrenOf(stanza, 'body', NS.client).filter((body) => textOf(body) !== '');
  const body = bodies.find((candidate) => !candidate.hasAttribute('xml:lang')) ?? bodies[0];
  return body && textOf(body);
}

/** Is the whole body declared to be a stand-in for a reaction or retraction (XEP-0428 without ranges)? */
function isFallbackOnly(stanza: Element): boolean {
  const replaced: readonly string[] = [NS.reactions, NS.retract, NS.retract0];
  return childrenOf(stanza, 'fallback', NS.fallback).some((fallback) => {
    const subject = fallback.getAttribute('for') ?? '';
    const hasRange = childrenOf(fallback).some(
      (child) => child.hasAttribute('start') || child.hasAttribute('end'),
    );
    const isThere = childrenOf(stanza, undefined, subject).length > 0;
    return replaced.includes(subject) && isThere && !hasRange;
  });
}

function isInvitation(stanza: Element): boolean {
  const x = childOf(stanza, 'x', NS.mucUser);
  const isMediated =
    x !== undefined &&
    (childOf(x, 'invite', NS.mucUser) ?? childOf(x, 'decline', NS.mucUser)) !== undefined;
  return isMediated || childOf(stanza, 'x', NS.conference) !== undefined;
}

/**
 * The encrypted stanza: what may stay, an `<encrypted>` for each version, EME, store hint, fallback body (wire §2.3, I-108,
 * design D4). Without a legacy part more is inside the envelope, so less may stay. The body stands beside an envelope too,
 * against XEP-0420 0.5.0. COMPAT(Converse 14, slixmpp): without it Converse counts no unread message and slixmpp tells its
 * bot of none; Converse, slixmpp-omemo and QXmpp write one themselves.
 * @param messages legacy first: Psi, lurch and Movim read the first `<encrypted>`, whatever its namespace.
 */
export function composeOutbound(plan: ProtectPlan, messages: EncryptedMessages): string {
  const [{ version }, second] = messages;
  if (second?.version === version) throw new TypeError('messages: want one of each version');
  if (second?.version === NS.legacy) throw new TypeError('messages: want legacy first');
  const isLegacy = version === NS.legacy;
  const stanza = isLegacy ? copyOf(plan.stanza) : keepFrom(plan.stanza, OUT_BESIDE_ENVELOPE).kept;
  for (const message of messages) append(stanza, writeEncrypted(message));
  append(
    stanza,
    elementOf(build('encryption', { xmlns: NS.eme, namespace: version, name: 'OMEMO' })),
  );
  if (!hasStorageHint(stanza)) append(stanza, elementOf(build('store', { xmlns: NS.hints })));
  appendText(stanza, 'body', NS.client, FALLBACK_BODY);
  return serialise(stanza);
}

// A page that asked not to store must not be overruled, and two hints would contradict each other.
function hasStorageHint(stanza: Element): boolean {
  return ['store', 'no-store', 'no-permanent-store'].some((name) =>
    childOf(stanza, name, NS.hints),
  );
}

/** An empty message of ours (wire §5.3): no body and no EME, as other clients send it. */
export function composeEmpty(to: BareJid, id: string, message: EncryptedMessage): string {
  const stanza = elementOf(build('message', { xmlns: NS.client, type: 'chat', to, id }));
  append(stanza, writeEncrypted(message));
  append(stanza, elementOf(build('store', { xmlns: NS.hints })));
  return serialise(stanza);
}

/** The error the page gets for a message that was not sent (I-104): its own id, from the one it wrote to. */
export function errorFrame(stanza: Element, code: RefusalCode, ownJid?: string): string {
  const attribute = (name: string, value: string | null | undefined): Record<string, string> =>
    value === null || value === undefined || value === '' ? {} : { [name]: value };
  const builder = build('message', {
    xmlns: NS.client,
    type: 'error',
    ...attribute('id', stanza.getAttribute('id')),
    ...attribute('from', stanza.getAttribute('to')),
    ...attribute('to', ownJid),
  });
  builder.c('error', { type: 'cancel' });
  builder.c('not-acceptable', { xmlns: NS.stanzas }).up();
  builder.c('text', { xmlns: NS.stanzas }).t(explainRefusal(code));
  return frameOf(builder);
}
