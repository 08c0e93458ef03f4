// Rebuilds what the page sees (I-66 to I-73, M42): the decrypted text or a readable explanation in place of the
// ciphertext, and beside it only what allow-list.ts names. Pure; the stanza given is never changed.
import { explainFailure } from '../rpc/reasons';
import type { DecryptOutcome } from '../rpc/vault-api';
import type { BareJid } from '../jid';
import { build, elementOf } from '../xml/build';
import {
  append,
  appendText,
  childOf,
  childrenOf,
  copyOf,
  removeElement,
  serialise,
  textOf,
} from '../xml/element';
import { NS } from '../xml/ns';
import { IN_BESIDE, keepAttributes, keepElement, ruleFor, type Rules } from './allow-list';
import type { UnwrappedMessage } from './unwrap';

export const DISTRUSTED = '[from a distrusted device] ';
const PLAIN = '[not encrypted] ';
const QUOTED = '[from the sender] ';
/** How the remark begins that a message was written at another time than it came. */
const DATED = '[written ';
/** How our own remarks begin; see guard(). */
const OUR_PREFIXES: readonly string[] = [
  '[OMEMO]',
  DISTRUSTED.trim(),
  PLAIN.trim(),
  QUOTED.trim(),
  DATED,
];

/** The remark on a message that its writer dates otherwise than servers do (M57). @param at ms since 1970 */
export function datedRemark(at: number): string {
  return `${DATED}${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC] `;
}

/** Characters that do not show and could hide a copied prefix from the comparison. */
const INVISIBLE =
  /[\s\p{Cf}\p{Cc}\u034f\u115f\u1160\u17b4\u17b5\u180e\u2800\u3164\ufe00-\ufe0f\uffa0]+/gu;

function squeeze(text: string): string {
  return text.replace(INVISIBLE, '').normalize('NFKC').toLowerCase();
}

/** Does a text of someone else begin like a remark of ours? Then it is quoted visibly, so that remarks stay ours (I-70). */
export function guard(text: string): string {
  const start = squeeze(text.slice(0, 400));
  const isCopied = OUR_PREFIXES.some((prefix) => start.startsWith(squeeze(prefix)));
  return isCopied ? `${QUOTED}${text}` : text;
}

/**
 * What the page gets for an encrypted message.
 * @returns the frame, or undefined to swallow the stanza (an empty message that no archive page counts, I-71).
 */
export function restore(
  stanza: Element,
  unwrapped: UnwrappedMessage,
  outcome: DecryptOutcome,
  own: BareJid,
): string | undefined {
  if (outcome.kind === 'empty') {
    if (unwrapped.wrapper !== 'archive') return undefined;
    return rewrap(stanza, unwrapped, visiblePart(unwrapped.message, own));
  }
  const message = visiblePart(unwrapped.message, own);
  const { text, isAuthentic } = shownText(outcome);
  if (!isAuthentic) removeReferences(message);
  appendText(message, 'body', NS.client, text);
  return rewrap(stanza, unwrapped, message);
}

/** Authentic: exactly what a device wrote that is not distrusted. */
function shownText(outcome: Exclude<DecryptOutcome, { kind: 'empty' }>): {
  readonly text: string;
  readonly isAuthentic: boolean;
} {
  if (outcome.kind === 'failed') return { text: explainFailure(outcome.code), isAuthentic: false };
  const text = guard(outcome.text);
  if (outcome.trust === 'distrusted') return { text: DISTRUSTED + text, isAuthentic: false };
  return { text, isAuthentic: text === outcome.text };
}

/** The message without anything that shows, written anew. */
export function visiblePart(message: Element, own: BareJid, rules: Rules = IN_BESIDE): Element {
  const kept = elementOf(build('message', { xmlns: NS.client }));
  keepAttributes(message, kept);
  for (const child of childrenOf(message)) {
    const rule = ruleFor(child, rules);
    if (rule !== undefined && isBelievable(child, own)) keepElement(child, kept, rule);
  }
  return kept;
}

function isBelievable(child: Element, own: BareJid): boolean {
  // XEP-0359: an id of the account's archive comes from the account itself; others could be set by the sender.
  if (child.localName === 'stanza-id') return child.getAttribute('by') === own;
  // Other fallbacks speak of the body we removed, or would let a server hide the text we put in.
  if (child.localName === 'fallback') return child.getAttribute('for') === NS.reply;
  return true;
}

/**
 * A remark of ours must not replace an earlier text (I-77), and a fallback range would cut the remark off again: pages
 * remove that many characters from the start of the body.
 */
export function removeReferences(message: Element): void {
  const references = [
    ...childrenOf(message, 'replace', NS.replace),
    ...childrenOf(message, 'reply', NS.reply),
    ...childrenOf(message, 'fallback', NS.fallback),
  ];
  references.forEach(removeElement);
}

/** Puts a rewritten message into the wrapper it came in; of the wrapper, too, only what we know is kept. */
export function rewrap(stanza: Element, unwrapped: UnwrappedMessage, message: Element): string {
  const forwarded = parentOf(unwrapped.message);
  const wrapper = forwarded && parentOf(forwarded);
  if (unwrapped.wrapper === 'live' || forwarded === undefined || wrapper === undefined) {
    return serialise(message);
  }
  const outer = elementOf(build('message', { xmlns: NS.client }));
  keepAttributes(stanza, outer);
  const newWrapper = appendText(outer, wrapper.localName, wrapper.namespaceURI ?? '', '');
  keepAttributes(wrapper, newWrapper, ['id', 'queryid']);
  const newForwarded = appendText(newWrapper, 'forwarded', NS.forward, '');
  const delay = childOf(forwarded, 'delay', NS.delay);
  if (delay !== undefined) keepElement(delay, newForwarded, { attributes: ['from', 'stamp'] });
  append(newForwarded, message);
  return serialise(outer);
}

function parentOf(element: Element): Element | undefined {
  const parent = element.parentNode;
  return parent !== null && isElement(parent) ? parent : undefined;
}

function isElement(node: Node): node is Element {
  return node.nodeType === 1;
}

/**
 * What the page gets for a plain message. Without `mark` only a copied remark of ours is quoted. With `mark` (the chat is
 * encrypted, I-72) each body carries a remark, and what could hide it or change earlier text is gone.
 */
export function restorePlain(stanza: Element, unwrapped: UnwrappedMessage, mark: boolean): string {
  const texts = childrenOf(unwrapped.message).filter(isShownText);
  const isHarmless = [...texts, ...twinsOf(unwrapped.message)].every(
    (element) => guard(textOf(element)) === textOf(element),
  );
  if (!mark && isHarmless) return serialise(stanza);
  const message = copyOf(unwrapped.message);
  twinsOf(message).forEach(removeElement);
  removeReferences(message);
  for (const element of childrenOf(message).filter(isShownText)) {
    const text = guard(textOf(element));
    element.textContent = mark ? PLAIN + text : text;
  }
  return rewrap(stanza, unwrapped, message);
}

export function isShownText(child: Element): boolean {
  const isText = child.localName === 'body' || child.localName === 'subject';
  return isText && child.namespaceURI === NS.client;
}

/** Second forms of the text, which pages show instead of the body; they cannot carry a remark. */
function twinsOf(message: Element): Element[] {
  return [
    ...childrenOf(message, 'html', NS.xhtmlIm),
    ...childrenOf(message, undefined, NS.xhtml),
    ...childrenOf(message, undefined, 'urn:xmpp:content'),
  ];
}

/**
 * A bounced message of ours (I-73): id and `<error/>` stay, the ciphertext goes, and the text the page wrote comes back.
 * @param text what the page had written; undefined when it is not known.
 */
export function restoreError(stanza: Element, text: string | undefined): string {
  const message = elementOf(build('message', { xmlns: NS.client }));
  keepAttributes(stanza, message);
  for (const child of childrenOf(stanza)) {
    const isError = child.localName === 'error' && child.namespaceURI === NS.client;
    const rule = ruleFor(child, IN_BESIDE);
    if (isError) append(message, child);
    else if (rule !== undefined && child.namespaceURI !== NS.hints) {
      keepElement(child, message, rule);
    }
  }
  if (text !== undefined) appendText(message, 'body', NS.client, text);
  return serialise(message);
}
