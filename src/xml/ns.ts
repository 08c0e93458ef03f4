// Namespace constants. strophe.js has a table too, but without pubsub and everything newer.

export const NS = {
  client: 'jabber:client',
  streams: 'http://etherx.jabber.org/streams',
  framing: 'urn:ietf:params:xml:ns:xmpp-framing',
  bind: 'urn:ietf:params:xml:ns:xmpp-bind',
  sasl: 'urn:ietf:params:xml:ns:xmpp-sasl',
  sasl2: 'urn:xmpp:sasl:2',
  bind2: 'urn:xmpp:bind:0',
  sm: 'urn:xmpp:sm:3',
  stanzas: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  auth: 'jabber:iq:auth',
  roster: 'jabber:iq:roster',
  discoInfo: 'http://jabber.org/protocol/disco#info',
  caps: 'http://jabber.org/protocol/caps',
  /** XEP-0390. */
  caps2: 'urn:xmpp:caps',
  pubsub: 'http://jabber.org/protocol/pubsub',
  pubsubOwner: 'http://jabber.org/protocol/pubsub#owner',
  pubsubErrors: 'http://jabber.org/protocol/pubsub#errors',
  pubsubEvent: 'http://jabber.org/protocol/pubsub#event',
  publishOptions: 'http://jabber.org/protocol/pubsub#publish-options',
  nodeConfig: 'http://jabber.org/protocol/pubsub#node_config',
  dataForms: 'jabber:x:data',
  /** Legacy OMEMO: the element namespace and the prefix of its nodes. */
  legacy: 'eu.siacs.conversations.axolotl',
  omemo1: 'urn:xmpp:omemo:1',
  omemo2: 'urn:xmpp:omemo:2',
  sce: 'urn:xmpp:sce:1',
  eme: 'urn:xmpp:eme:0',
  hints: 'urn:xmpp:hints',
  carbons: 'urn:xmpp:carbons:2',
  forward: 'urn:xmpp:forward:0',
  delay: 'urn:xmpp:delay',
  legacyDelay: 'jabber:x:delay',
  mamTmp: 'urn:xmpp:mam:tmp',
  stanzaIds: 'urn:xmpp:sid:0',
  chatStates: 'http://jabber.org/protocol/chatstates',
  receipts: 'urn:xmpp:receipts',
  markers: 'urn:xmpp:chat-markers:0',
  replace: 'urn:xmpp:message-correct:0',
  retract0: 'urn:xmpp:message-retract:0',
  retract: 'urn:xmpp:message-retract:1',
  reactions: 'urn:xmpp:reactions:0',
  reply: 'urn:xmpp:reply:0',
  fallback: 'urn:xmpp:fallback:0',
  attention: 'urn:xmpp:attention:0',
  unstyled: 'urn:xmpp:styling:0',
  mucUser: 'http://jabber.org/protocol/muc#user',
  conference: 'jabber:x:conference',
  addresses: 'http://jabber.org/protocol/address',
  xhtml: 'http://www.w3.org/1999/xhtml',
  xhtmlIm: 'http://jabber.org/protocol/xhtml-im',
  oob: 'jabber:x:oob',
  xml: 'http://www.w3.org/XML/1998/namespace',
} as const;

/** XEP-0313 archive namespaces in use; the element shapes we read are the same in all of them. */
export const MAM_NAMESPACES: readonly string[] = [
  'urn:xmpp:mam:0',
  'urn:xmpp:mam:1',
  'urn:xmpp:mam:2',
];

/** Every namespace an `<encrypted>` of OMEMO has had. */
export const OMEMO_NAMESPACES: readonly string[] = [NS.legacy, NS.omemo1, NS.omemo2];
