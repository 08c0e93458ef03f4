// What may stand beside a ciphertext, in both directions (M42, M44, I-69, I-96): a list of elements with the attributes
// and children we know. Kept elements are written anew from this list, so nothing unknown travels inside them.
import { MAX_JID, MAX_KEPT_TEXT } from '../limits';
import { cleanText } from '../xml/element';
import { NS } from '../xml/ns';

/** What of an element is kept; anything not named is not. */
export interface Rule {
  readonly attributes?: readonly string[];
  /** By `namespace name`. */
  readonly children?: Rules;
  readonly hasText?: true;
}

export type Rules = Readonly<Record<string, Rule>>;

const ELEMENT = 1;

function key(ns: string | null, name: string): string {
  return `${ns ?? ''} ${name}`;
}

/** Rules by element name, for the elements of one namespace. */
export function rules(ns: string, byName: Readonly<Record<string, Rule>>): Rules {
  return Object.fromEntries(Object.entries(byName).map(([name, rule]) => [key(ns, name), rule]));
}

export const BARE: Rule = {};
export const ID: Rule = { attributes: ['id'] };
const RANGE: Rule = { attributes: ['start', 'end'] };

/** XEP-0334. */
export const HINTS: Rules = rules(NS.hints, {
  store: BARE,
  'no-store': BARE,
  'no-permanent-store': BARE,
  'no-copy': BARE,
});

const SIGNALS: Rules = {
  ...rules(NS.chatStates, {
    active: BARE,
    composing: BARE,
    paused: BARE,
    inactive: BARE,
    gone: BARE,
  }),
  ...rules(NS.receipts, { request: BARE, received: ID }),
  ...rules(NS.markers, { markable: BARE, received: ID, displayed: ID, acknowledged: ID }),
  ...HINTS,
  ...rules(NS.stanzaIds, { 'origin-id': ID }),
  ...rules(NS.replace, { replace: ID }),
  ...rules(NS.reply, { reply: { attributes: ['to', 'id'] } }),
  ...rules(NS.client, { thread: { attributes: ['parent'], hasText: true } }),
  ...rules(NS.unstyled, { unstyled: BARE }),
};

const FALLBACK: Rules = rules(NS.fallback, {
  fallback: { attributes: ['for'], children: rules(NS.fallback, { body: RANGE, subject: RANGE }) },
});

const RETRACTIONS: Rules = {
  ...rules(NS.retract, { retract: ID }),
  ...rules(NS.retract0, { retract: ID }),
  ...rules('urn:xmpp:fasten:0', {
    'apply-to': { attributes: ['id'], children: rules(NS.retract0, { retract: ID }) },
  }),
};

// XEP-0353: what a call is set up with before the session itself.
const CALL: Rule = {
  attributes: ['id'],
  children: {
    ...rules('urn:xmpp:jingle:apps:rtp:1', { description: { attributes: ['media'] } }),
    ...rules('urn:xmpp:jingle:1', {
      reason: {
        children: rules('urn:xmpp:jingle:1', {
          busy: BARE,
          cancel: BARE,
          decline: BARE,
          expired: BARE,
          gone: BARE,
          success: BARE,
        }),
      },
    }),
    ...rules('urn:xmpp:jingle-message:0', {
      'tie-break': BARE,
      device: ID,
      migrated: { attributes: ['to'] },
    }),
  },
};

/** XEP-0353 elements, both versions. */
export const CALLS: Rules = Object.assign(
  {},
  ...['urn:xmpp:jingle-message:0', 'urn:xmpp:jingle-message:1'].map((ns) =>
    rules(ns, {
      propose: CALL,
      ringing: CALL,
      proceed: CALL,
      accept: CALL,
      reject: CALL,
      retract: CALL,
      finish: CALL,
    }),
  ),
);

/** Beside the ciphertext of a message of ours. */
export const OUT_BESIDE: Rules = {
  ...SIGNALS,
  ...FALLBACK,
  ...RETRACTIONS,
  ...CALLS,
  ...rules(NS.carbons, { private: BARE }),
  ...rules(NS.attention, { attention: BARE }),
};

/** In a message of ours without text: leaves in clear as from every other client (design D9). */
export const OUT_CLEAR: Rules = {
  ...OUT_BESIDE,
  ...rules(NS.reactions, {
    reactions: {
      attributes: ['id'],
      children: rules(NS.reactions, { reaction: { hasText: true } }),
    },
  }),
  ...rules(NS.mucUser, { x: BARE }),
};

const TEXT_RULE: Rule = { hasText: true };
const INVITE: Rule = {
  attributes: ['to', 'from'],
  children: rules(NS.mucUser, { reason: TEXT_RULE, continue: { attributes: ['thread'] } }),
};

/** In an invitation to a room (I-92): readable by the servers, as from every other client. */
export const OUT_INVITATION: Rules = {
  ...OUT_BESIDE,
  ...rules(NS.mucUser, {
    x: {
      children: rules(NS.mucUser, { invite: INVITE, decline: INVITE, password: TEXT_RULE }),
    },
  }),
  ...rules(NS.conference, {
    x: { attributes: ['jid', 'reason', 'password', 'continue', 'thread'] },
  }),
};

/** RFC 6120 §8.3.3. */
const CONDITIONS: readonly string[] = [
  'bad-request',
  'conflict',
  'feature-not-implemented',
  'forbidden',
  'gone',
  'internal-server-error',
  'item-not-found',
  'jid-malformed',
  'not-acceptable',
  'not-allowed',
  'not-authorized',
  'policy-violation',
  'recipient-unavailable',
  'redirect',
  'registration-required',
  'remote-server-not-found',
  'remote-server-timeout',
  'resource-constraint',
  'service-unavailable',
  'subscription-required',
  'undefined-condition',
  'unexpected-request',
];

/** In an error of the page: it may quote the message it answers, which we had decrypted. */
export const OUT_ERROR: Rules = {
  ...OUT_CLEAR,
  ...rules(NS.client, {
    error: {
      attributes: ['type', 'by', 'code'],
      children: {
        ...rules(NS.stanzas, Object.fromEntries(CONDITIONS.map((name) => [name, BARE]))),
        ...rules(NS.stanzas, { text: TEXT_RULE }),
      },
    },
  }),
};

/** What servers put into a message, or need in it. */
export const FROM_SERVERS: Rules = {
  ...rules(NS.stanzaIds, {
    'origin-id': ID,
    'stanza-id': { attributes: ['id', 'by'] },
  }),
  ...rules(NS.delay, { delay: { attributes: ['from', 'stamp'] } }),
  ...rules(NS.mamTmp, { archived: { attributes: ['by', 'id'] } }),
  ...rules(NS.carbons, { private: BARE }),
  ...rules(NS.mucUser, {
    x: {
      children: rules(NS.mucUser, {
        item: { attributes: ['affiliation', 'role', 'jid', 'nick'] },
        status: { attributes: ['code'] },
      }),
    },
  }),
};

/** Beside a decrypted text. Retractions and reactions came in clear and say something of their own (I-77): not here. */
export const IN_BESIDE: Rules = { ...SIGNALS, ...FALLBACK, ...FROM_SERVERS };

/** Attributes of a message that are kept, besides xml:lang. */
const MESSAGE_ATTRIBUTES: readonly string[] = ['type', 'id', 'to', 'from'];

/** Copies the attributes in `names` and answers whether there were no others. */
export function keepAttributes(
  source: Element,
  target: Element,
  names: readonly string[] = MESSAGE_ATTRIBUTES,
): boolean {
  let isComplete = true;
  for (const { namespaceURI, localName, name, value } of Array.from(source.attributes)) {
    if (name === 'xmlns') continue;
    if (value.length > MAX_JID) isComplete = false;
    else if (name === 'xml:lang') target.setAttributeNS(NS.xml, 'xml:lang', value);
    else if (isPlain(namespaceURI) && names.includes(localName))
      target.setAttribute(localName, value);
    else isComplete = false;
  }
  return isComplete;
}

function isPlain(ns: string | null): boolean {
  return ns === null || ns === '';
}

/** The rule for an element, if it may stay. */
export function ruleFor(element: Element, among: Rules): Rule | undefined {
  const name = key(element.namespaceURI, element.localName);
  return Object.hasOwn(among, name) ? among[name] : undefined;
}

/** Writes an element anew at the end of `target`, as far as its rule goes; answers whether nothing was left out. */
export function keepElement(source: Element, target: Element, rule: Rule): boolean {
  const element = target.ownerDocument.createElementNS(source.namespaceURI, source.localName);
  let isComplete = keepAttributes(source, element, rule.attributes ?? []);
  for (const node of Array.from(source.childNodes)) {
    if (!keepNode(node, element, rule)) isComplete = false;
  }
  target.appendChild(element);
  return isComplete;
}

function isElement(node: Node): node is Element {
  return node.nodeType === ELEMENT;
}

function keepNode(node: Node, target: Element, rule: Rule): boolean {
  if (isElement(node)) {
    const childRule = ruleFor(node, rule.children ?? {});
    return childRule !== undefined && keepElement(node, target, childRule);
  }
  const text = node.nodeValue ?? '';
  if (rule.hasText && text.length <= MAX_KEPT_TEXT) {
    target.appendChild(target.ownerDocument.createTextNode(cleanText(text)));
    return true;
  }
  return text.trim() === '';
}
