// Rebuilds what the page sees of an opened envelope (I-68, I-78, M42, M43): the children of its content in place of the
// ciphertext, and beside them only what servers say. Pure; neither stanza nor content is changed.
import type { BareJid } from '../jid';
import { explainOptOut, type FailureCode } from '../rpc/reasons';
import type { Trust } from '../rpc/vault-api';
import { append, appendText, childrenOf, removeElement, textOf } from '../xml/element';
import { NS } from '../xml/ns';
import {
  openEnvelope,
  type EnvelopeContext,
  type EnvelopeTime,
  type OpenedEnvelope,
} from './envelope';
import { IN_BESIDE_ENVELOPE } from './envelope-rules';
import type { StanzaErrorCode } from './errors';
import {
  datedRemark,
  DISTRUSTED,
  guard,
  isShownText,
  removeReferences,
  restore,
  rewrap,
  visiblePart,
} from './inbound';
import type { UnwrappedMessage } from './unwrap';

const FAILURE_OF: Readonly<Record<StanzaErrorCode, FailureCode>> = {
  malformed: 'malformed',
  'wrong-sender': 'wrong-sender',
  'wrong-recipient': 'wrong-chat',
};

/** What the envelope of a one-to-one message must agree with. `now` in ms since 1970, for a message without a date. */
export function contextOf(
  { sender, peer, at }: UnwrappedMessage,
  own: BareJid,
  now: number,
): EnvelopeContext {
  return { sender, recipient: sender === own ? peer : own, isGroup: false, at: at ?? now };
}

/** In a stanza of both versions a request may stand beside the envelope and in it: the one inside counts. */
function removeDoubles(message: Element, children: readonly Element[]): void {
  for (const { localName, namespaceURI } of children) {
    childrenOf(message, localName, namespaceURI ?? '').forEach(removeElement);
  }
}

/** Writes a body or subject anew: plain text with its language, after a remark if it needs one. */
function appendShownText(message: Element, source: Element, shown: string): void {
  const target = appendText(message, source.localName, NS.client, shown);
  const language = source.getAttributeNS(NS.xml, 'lang');
  if (language !== null && language !== '') target.setAttributeNS(NS.xml, 'xml:lang', language);
}

/** @returns whether everything went in as its writer wrote it. */
function insert(
  message: Element,
  children: readonly Element[],
  trust: Trust,
  remark: string,
): boolean {
  let isAuthentic = trust !== 'distrusted';
  for (const child of children) {
    if (isShownText(child)) {
      const text = textOf(child);
      const shown = remark + guard(text);
      if (shown !== text) isAuthentic = false;
      appendShownText(message, child, shown);
    } else if (trust !== 'distrusted') {
      // Only text can carry the remark that its device is distrusted.
      append(message, child);
    }
  }
  return isAuthentic;
}

/** What the user must know before they read. */
function remarkOn(time: EnvelopeTime, trust: Trust): string {
  const dated = time.kind === 'implausible' ? datedRemark(time.at) : '';
  return (trust === 'distrusted' ? DISTRUSTED : '') + dated;
}

/** An opt-out is a remark of ours in front of whatever else was written. */
function insertOptOut(message: Element, children: readonly Element[], remark: string): void {
  const texts = children.filter(isShownText).map(textOf);
  appendText(message, 'body', NS.client, [remark, ...texts].join('\n'));
}

/**
 * What the page gets for a message with an envelope.
 * @param trust in the device that encrypted it.
 * @returns the frame, or undefined to swallow the stanza: nothing in it is for a page, and no archive page counts it (I-71).
 */
export function restoreContent(
  stanza: Element,
  unwrapped: UnwrappedMessage,
  opened: OpenedEnvelope,
  trust: Trust,
  own: BareJid,
): string | undefined {
  if (opened.kind === 'refused') {
    const code = FAILURE_OF[opened.error.code];
    return restore(stanza, unwrapped, { kind: 'failed', code, chores: [] }, own);
  }
  const message = visiblePart(unwrapped.message, own, IN_BESIDE_ENVELOPE);
  const remark = remarkOn(opened.time, trust);
  removeDoubles(message, opened.children);
  const besides = childrenOf(message).length;
  if (opened.kind === 'opt-out') {
    insertOptOut(message, opened.children, remark + explainOptOut(opened.reason));
  } else if (!insert(message, opened.children, trust, remark)) {
    removeReferences(message);
  }
  const isEmpty = childrenOf(message).length === besides;
  return isEmpty && unwrapped.wrapper !== 'archive'
    ? undefined
    : rewrap(stanza, unwrapped, message);
}

/** The body in an envelope of ours that came back, or undefined if there is none. */
export function bodyIn(xml: string, context: EnvelopeContext): string | undefined {
  const opened = openEnvelope(xml, context);
  if (opened.kind === 'refused') return undefined;
  const body = opened.children.find(
    ({ localName, namespaceURI }) => localName === 'body' && namespaceURI === NS.client,
  );
  return body && textOf(body);
}
