// Opens the envelope of urn:xmpp:omemo:2 (XEP-0420 0.5.0, profile of XEP-0384 0.9.1 §5.5.1; wire §5.4). Pure. What was
// decrypted is authentic; whether it was written for this chat, and what of it a page may get, is checked here.
import { bareJid, type BareJid } from '../jid';
import { childOf, childrenOf, parseFrame, textOf, XmlError } from '../xml/element';
import { NS, OMEMO_NAMESPACES } from '../xml/ns';
import { pageContentOf } from './envelope-rules';
import { StanzaError } from './errors';

/** M57: how far sender and servers may differ about when a message was sent, in ms. */
const TIME_MARGIN = 10 * 60 * 1000;
/** What the stanza of an envelope says, to compare with. */
export interface EnvelopeContext {
  /** Real bare JID of the writer. */
  readonly sender: BareJid;
  /** In a room: the room. Else whom the writer wrote to: us, or for a copy of an own message the contact. */
  readonly recipient: BareJid;
  readonly isGroup: boolean;
  /** When it was sent, as servers say, or when it came; in ms since 1970. */
  readonly at: number;
}

/** What the writer says about the time. `implausible`: servers say otherwise (a marked message, never a lost one). */
export type EnvelopeTime =
  | { readonly kind: 'absent' | 'unreadable' }
  | { readonly kind: 'plausible' | 'implausible'; readonly at: number };

export type OpenedEnvelope =
  | {
      readonly kind: 'content';
      /** What a page may get; empty for an envelope that only moves the ratchet on. */
      readonly children: readonly Element[];
      readonly time: EnvelopeTime;
    }
  /** The account of the writer wants plain text from now on (XEP-0384 §5.7). */
  | {
      readonly kind: 'opt-out';
      readonly reason: string;
      readonly children: readonly Element[];
      readonly time: EnvelopeTime;
    }
  | { readonly kind: 'refused'; readonly error: StanzaError };

function one(envelope: Element, name: string): Element | undefined {
  const found = childrenOf(envelope, name, NS.sce);
  if (found.length > 1) throw new StanzaError('malformed');
  return found[0];
}

function jidIn(envelope: Element, name: 'from' | 'to'): BareJid | undefined {
  const affix = one(envelope, name);
  if (affix === undefined) return undefined;
  const jid = bareJid(affix.getAttribute('jid') ?? '');
  if (jid === undefined) throw new StanzaError('malformed');
  return jid;
}

function checkAddresses(envelope: Element, context: EnvelopeContext): void {
  const from = jidIn(envelope, 'from');
  if (from !== undefined && from !== context.sender) throw new StanzaError('wrong-sender');
  const to = jidIn(envelope, 'to');
  const isMissing = to === undefined && context.isGroup;
  if (isMissing || (to !== undefined && to !== context.recipient)) {
    throw new StanzaError('wrong-recipient');
  }
}

/** XEP-0082 DateTime. */
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

function timeIn(envelope: Element, context: EnvelopeContext): EnvelopeTime {
  const affix = one(envelope, 'time');
  if (affix === undefined) return { kind: 'absent' };
  const stamp = affix.getAttribute('stamp') ?? '';
  const at = DATE_TIME.test(stamp) ? Date.parse(stamp) : NaN;
  if (Number.isNaN(at)) return { kind: 'unreadable' };
  const isPlausible = Math.abs(at - context.at) <= TIME_MARGIN;
  return { kind: isPlausible ? 'plausible' : 'implausible', at };
}

function isCiphertext({ namespaceURI, localName }: Element): boolean {
  return localName === 'encrypted' && OMEMO_NAMESPACES.includes(namespaceURI ?? '');
}

/** A ciphertext or another envelope, at any depth: they could have been taken from elsewhere. */
function isNested(element: Element): boolean {
  const { namespaceURI, localName } = element;
  const isEnvelope = localName === 'envelope' && namespaceURI === NS.sce;
  return isCiphertext(element) || isEnvelope || childrenOf(element).some(isNested);
}

/** XEP-0420 §10: an element is known by its namespace; one without could be taken for another. */
function hasNamespace(element: Element): boolean {
  return (element.namespaceURI ?? '') !== '';
}

/**
 * A message without payload says nothing, and is left out unread.
 * COMPAT(Libervia 0.9): where it writes OMEMO 2, its answer to a key exchange of either version comes in an envelope.
 * envelope.test.ts.
 */
function isEmptyMessage(element: Element): boolean {
  return (
    isCiphertext(element) && childrenOf(element).every(({ localName }) => localName === 'header')
  );
}

function contentIn(envelope: Element): Element {
  const content = one(envelope, 'content');
  if (content === undefined) throw new StanzaError('malformed');
  const affixes = childrenOf(envelope).filter((child) => child !== content);
  const children = [...affixes, ...childrenOf(content).filter((child) => !isEmptyMessage(child))];
  if (!children.every(hasNamespace) || children.some(isNested)) throw new StanzaError('malformed');
  return content;
}

function read(xml: string, context: EnvelopeContext): OpenedEnvelope {
  const envelope = parseFrame(xml);
  if (envelope.localName !== 'envelope' || envelope.namespaceURI !== NS.sce) {
    throw new StanzaError('malformed');
  }
  const content = contentIn(envelope);
  checkAddresses(envelope, context);
  const time = timeIn(envelope, context);
  const children = pageContentOf(content);
  const optOut = childOf(content, 'opt-out', NS.omemo2);
  if (optOut === undefined) return { kind: 'content', children, time };
  const reason = childOf(optOut, 'reason', NS.omemo2);
  return { kind: 'opt-out', reason: reason ? textOf(reason).trim() : '', children, time };
}

/**
 * Opens a decrypted envelope.
 * @param xml the plaintext of the payload.
 */
export function openEnvelope(xml: string, context: EnvelopeContext): OpenedEnvelope {
  try {
    return read(xml, context);
  } catch (error) {
    if (error instanceof XmlError) return { kind: 'refused', error: new StanzaError('malformed') };
    if (error instanceof StanzaError) return { kind: 'refused', error };
    throw error;
  }
}
