// What of a message stands inside an envelope and what beside it (XEP-0420 0.5.0 §7 to §10; design D9, M43, I-96, I-97).
// Out: everything is sensitive and goes inside, except what servers have to read. In: what a page may get is named.
import { childrenOf } from '../xml/element';
import { MAM_NAMESPACES, NS, OMEMO_NAMESPACES } from '../xml/ns';
import { BARE, CALLS, FROM_SERVERS, HINTS, ID, rules, type Rules } from './allow-list';

/** Names of elements by namespace; `all`: any name. */
type Names = Readonly<Record<string, 'all' | readonly string[]>>;

/** Beside an envelope of ours: what is addressed to servers. */
export const OUT_BESIDE_ENVELOPE: Rules = {
  ...HINTS,
  ...rules(NS.stanzaIds, { 'origin-id': ID }),
  ...rules(NS.carbons, { private: BARE }),
  // QXmpp reads calls only outside; they are set up with the server's help anyway.
  ...CALLS,
};

/** Beside an opened envelope: what servers say, and nothing of what the envelope is there to say. */
export const IN_BESIDE_ENVELOPE: Rules = {
  ...FROM_SERVERS,
  ...HINTS,
  // COMPAT(Converse 14): asks for receipts outside; a request says nothing and answers go in clear. inbound-content.test.ts.
  ...rules(NS.receipts, { request: BARE }),
  ...rules(NS.markers, { markable: BARE }),
};

/**
 * Never inside, in either direction: made, read or filtered by servers (XEP-0420 §9), or a stanza of its own. From inside
 * an envelope nobody could have checked them.
 */
const FOR_SERVERS: Names = {
  [NS.hints]: 'all',
  [NS.stanzaIds]: 'all',
  [NS.addresses]: 'all',
  [NS.eme]: 'all',
  [NS.carbons]: 'all',
  [NS.forward]: 'all',
  [NS.delay]: 'all',
  [NS.legacyDelay]: 'all',
  [NS.mamTmp]: 'all',
  ...Object.fromEntries(MAM_NAMESPACES.map((ns) => [ns, 'all'])),
  [NS.pubsub]: 'all',
  [NS.pubsubOwner]: 'all',
  [NS.pubsubEvent]: 'all',
  [NS.mucUser]: 'all',
  [NS.sce]: 'all',
  ...Object.fromEntries(OMEMO_NAMESPACES.map((ns) => [ns, 'all'])),
  'urn:xmpp:jingle-message:0': 'all',
  'urn:xmpp:jingle-message:1': 'all',
  [NS.client]: ['error', 'message', 'presence', 'iq'],
};

/**
 * What a page gets of an opened envelope. XHTML-IM and other twins of the body are left out: pages show them instead of the
 * body, and they cannot carry a remark of ours.
 */
const FOR_PAGES: Names = {
  [NS.client]: ['body', 'subject', 'thread'],
  [NS.chatStates]: 'all',
  [NS.receipts]: 'all',
  [NS.markers]: 'all',
  [NS.replace]: ['replace'],
  [NS.reply]: ['reply'],
  [NS.fallback]: ['fallback'],
  [NS.reactions]: ['reactions'],
  [NS.retract]: ['retract'],
  [NS.retract0]: ['retract'],
  'urn:xmpp:fasten:0': ['apply-to'],
  [NS.attention]: ['attention'],
  [NS.unstyled]: ['unstyled'],
  [NS.oob]: ['x'],
  'urn:xmpp:reference:0': ['reference'],
  'urn:xmpp:spoiler:0': ['spoiler'],
  'urn:xmpp:sfs:0': ['file-sharing', 'sources'],
  'urn:xmpp:sims:1': ['media-sharing'],
  'urn:xmpp:message-attaching:1': ['attach-to'],
  'urn:xmpp:stickers:0': ['sticker'],
  'urn:xmpp:bob': ['data'],
  'urn:xmpp:markup:0': ['markup'],
  'http://jabber.org/protocol/geoloc': ['geoloc'],
  'http://jabber.org/protocol/nick': ['nick'],
};

function isNamed({ namespaceURI, localName }: Element, among: Names): boolean {
  const ns = namespaceURI ?? '';
  const names = Object.hasOwn(among, ns) ? among[ns] : undefined;
  return names === 'all' || names?.includes(localName) === true;
}

function isForServers(element: Element): boolean {
  // At any depth: some pages search the whole stanza for the wrappers of servers.
  return isNamed(element, FOR_SERVERS) || childrenOf(element).some(isForServers);
}

/** The children of a message of ours that go into an envelope. */
export function contentOf(message: Element): Element[] {
  return childrenOf(message).filter(
    // XEP-0420 §10: an element inside is known by its namespace; one without is refused by the reader.
    (child) => (child.namespaceURI ?? '') !== '' && !isForServers(child),
  );
}

/** The children of an opened content that a page may get. */
export function pageContentOf(content: Element): Element[] {
  return childrenOf(content).filter((child) => isNamed(child, FOR_PAGES) && !isForServers(child));
}
