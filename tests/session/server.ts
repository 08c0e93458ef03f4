// A server on the other end of a stream: binds, keeps PEP nodes and counts stanzas. Its answers to PEP requests are those
// Prosody 0.12.3 and ejabberd 23.01 gave when they were asked the same.
import { bareJid } from '../../src/jid';
import { childOf, childrenOf, parseFrame, serialise, textOf } from '../../src/xml/element';
import { NS } from '../../src/xml/ns';

const STANZAS = `xmlns='${NS.stanzas}'`;
const ERRORS = `xmlns='${NS.pubsubErrors}'`;

export type Make = 'prosody' | 'ejabberd';

interface Answers {
  readonly missing: string;
  readonly missingOfStranger: string;
  readonly closed: string;
  readonly differing: string;
}

const NO_NODE = `<error type='cancel'><item-not-found ${STANZAS}/></error>`;
const NO_NODE_TEXT = `<error type='cancel'><item-not-found ${STANZAS}/><text ${STANZAS} xml:lang='en'>Node not found</text></error>`;
const UNBOUND = `<error type='auth'><not-authorized ${STANZAS}/></error>`;
const FORBIDDEN = `<error type='auth'><forbidden ${STANZAS}/></error>`;

/** ejabberd 23.01 for every max_items in publish-options (wire §2.2). */
const UNKNOWN_FIELD = `<error type='wait'><resource-constraint ${STANZAS}/><text ${STANZAS}>Unknown field</text></error>`;

/** Error answers as measured. */
export const ANSWERS: Readonly<Record<Make, Answers>> = {
  prosody: {
    missing: NO_NODE,
    missingOfStranger: FORBIDDEN,
    closed: FORBIDDEN,
    differing: `<error type='cancel'><conflict ${STANZAS}/><text ${STANZAS}>Field does not match: access_model</text><precondition-not-met ${ERRORS}/></error>`,
  },
  ejabberd: {
    missing: NO_NODE_TEXT,
    missingOfStranger: NO_NODE_TEXT,
    closed: `<error type='auth'><presence-subscription-required ${ERRORS}/><not-authorized ${STANZAS}/></error>`,
    differing: `<error type='cancel'><precondition-not-met ${ERRORS}/><conflict ${STANZAS}/></error>`,
  },
};

/** A PEP node. */
export interface Node {
  access: 'open' | 'presence' | 'whitelist';
  /** How many items it keeps: one, unless it was made or configured otherwise. */
  maxItems: string;
  readonly items: Map<string, string>;
}

/** What a test wants instead of the server's own answer to an IQ. */
export type Script = (iq: Element) => string | 'silent' | undefined;

function isStanza(frame: Element): boolean {
  return ['message', 'presence', 'iq'].includes(frame.localName);
}

function read(text: string): Element | undefined {
  try {
    return parseFrame(text);
  } catch {
    return undefined; // as the page of a test may send it
  }
}

/** The node an IQ is about, if any. */
export function nodeIn(iq: Element): string {
  const pubsub = childrenOf(iq, 'pubsub')[0];
  return (pubsub && childrenOf(pubsub)[0]?.getAttribute('node')) ?? '';
}

/** What is asked about that node: items, publish, configure. */
export function verbIn(iq: Element): string {
  const pubsub = childrenOf(iq, 'pubsub')[0];
  return (pubsub && childrenOf(pubsub)[0]?.localName) ?? '';
}

/** One account's server. */
export class Server {
  readonly make: Make;
  readonly own: string;
  /** Every frame that arrived, over all connections. */
  readonly got: string[] = [];
  /** By `owner node`. */
  readonly nodes = new Map<string, Node>();
  /** Sets the answer of an IQ. */
  script: Script = () => undefined;
  /** Sends to the stream that is open. */
  push: (text: string) => void = () => undefined;
  /** Does it answer `<authenticate/>` with a bound resource. */
  hasBind2 = true;
  /** What a real server would end the stream for. */
  readonly complaints: string[] = [];
  #resource = 0;
  #isBound = false;
  /** How stanzas are addressed where no bind result has told the page who it is. */
  #addressed = '';
  #isCounting = false;
  /** Stanzas handled since `<enable/>`. */
  handled = 0;
  sent = 0;
  acked = 0;
  unacked: string[] = [];

  constructor(own: string, make: Make = 'prosody') {
    this.own = own;
    this.make = make;
  }

  /** Messages that arrived. */
  get messages(): string[] {
    return this.got.filter((text) => /^<(?:[\w-]+:)?message[\s/>]/.test(text));
  }

  /** IQs that arrived, as elements. */
  get iqs(): Element[] {
    return this.got.filter((text) => text.startsWith('<iq')).flatMap((text) => read(text) ?? []);
  }

  node(owner: string, name: string): Node | undefined {
    return this.nodes.get(`${owner} ${name}`);
  }

  put(owner: string, name: string, xml: string, access: Node['access'] = 'open', id = 'current') {
    const node = this.node(owner, name) ?? {
      access,
      maxItems: '1',
      items: new Map<string, string>(),
    };
    node.items.delete(id);
    node.items.set(id, xml);
    this.nodes.set(`${owner} ${name}`, node);
    this.#trim(node);
  }

  #trim({ maxItems, items }: Node): void {
    const kept = maxItems === 'max' ? items.size : Number(maxItems);
    for (const id of [...items.keys()].slice(0, Math.max(0, items.size - kept))) items.delete(id);
  }

  /** A stanza or other element to the page, counted. */
  send(text: string): void {
    if (this.#isCounting && isStanza(parseFrame(text))) {
      this.sent += 1;
      this.unacked.push(text);
    }
    this.push(text);
  }

  receive(text: string): void {
    this.got.push(text);
    const frame = read(text);
    if (frame === undefined) return void this.complaints.push('not well-formed');
    if (isStanza(frame)) this.handled += 1;
    if (frame.localName === 'authenticate') return this.#authenticate(frame);
    if (frame.namespaceURI === NS.sm) return this.#manage(frame);
    if (frame.localName === 'iq') this.#answer(frame);
  }

  #answer(iq: Element): void {
    const scripted = this.script(iq);
    if (scripted === 'silent') return;
    const auth = childOf(iq, 'query', NS.auth);
    const resource = auth && childOf(auth, 'resource', NS.auth);
    if (resource !== undefined) this.#addressed = ` to='${this.own}/${textOf(resource)}'`;
    if (auth !== undefined || childOf(iq, 'bind', NS.bind) !== undefined) this.#isBound = true;
    // RFC 6120 §7.1, as Prosody does it.
    if (!this.#isBound) return this.#reply(iq, UNBOUND);
    const payload = scripted ?? this.#payloadFor(iq);
    if (payload !== undefined) this.#reply(iq, payload);
  }

  #reply(iq: Element, payload: string): void {
    const type = payload.startsWith('<error') ? 'error' : 'result';
    const to = iq.getAttribute('to');
    const from = to === null ? '' : ` from='${to}'`;
    const own = this.#isBound ? ` to='${this.own}/r${this.#resource}'` : '';
    const addressed = this.#addressed === '' ? own : this.#addressed;
    this.send(
      `<iq xmlns='jabber:client' type='${type}' id='${iq.getAttribute('id')}'${from}${addressed}>${payload}</iq>`,
    );
  }

  #payloadFor(iq: Element): string | undefined {
    const [payload] = childrenOf(iq);
    if (payload?.localName === 'bind') {
      return `<bind xmlns='${NS.bind}'><jid>${this.own}/r${++this.#resource}</jid></bind>`;
    }
    if (payload?.namespaceURI === NS.auth) return '';
    if (payload?.namespaceURI === NS.roster) return `<query xmlns='${NS.roster}'/>`;
    if (payload?.localName !== 'pubsub') return undefined;
    return this.#pubsub(payload, bareJid(iq.getAttribute('to') ?? this.own) ?? this.own);
  }

  #pubsub(pubsub: Element, owner: string): string {
    const [verb] = childrenOf(pubsub);
    const name = verb?.getAttribute('node') ?? '';
    const node = this.node(owner, name);
    if (verb?.localName === 'items') return this.#items(node, owner, name, verb);
    if (verb?.localName === 'delete') this.nodes.delete(`${owner} ${name}`);
    if (verb?.localName === 'delete') return '';
    if (verb?.localName === 'retract') {
      node?.items.delete(childrenOf(verb)[0]?.getAttribute('id') ?? '');
      return '';
    }
    if (verb?.localName === 'configure') {
      if (node === undefined) return ANSWERS[this.make].missing;
      if (!pubsub.getElementsByTagName('field').length) return configurationOf(name, node);
      node.access = accessIn(pubsub) ?? node.access;
      node.maxItems = fieldIn(pubsub, 'pubsub#max_items') ?? node.maxItems;
      return '';
    }
    const options = childOf(pubsub, 'publish-options', NS.pubsub);
    const wanted = options && accessIn(options);
    const room = options && fieldIn(options, 'pubsub#max_items');
    if (room !== undefined && this.make === 'ejabberd') return UNKNOWN_FIELD;
    const isOther =
      (wanted !== undefined && wanted !== node?.access) ||
      (room !== undefined && room !== node?.maxItems);
    if (node !== undefined && isOther) return ANSWERS[this.make].differing;
    if (node === undefined && room !== undefined) {
      this.nodes.set(`${owner} ${name}`, { access: 'presence', maxItems: room, items: new Map() });
    }
    const item = verb && childrenOf(verb)[0];
    const xml = item && childrenOf(item)[0];
    if (item && xml) {
      const id = item.getAttribute('id') ?? 'random';
      this.put(owner, name, serialise(xml), wanted ?? 'presence', id);
      const made = this.node(owner, name);
      if (made !== undefined && wanted !== undefined) made.access = wanted;
    }
    return `<pubsub xmlns='${NS.pubsub}'><publish node='${name}'/></pubsub>`;
  }

  #items(node: Node | undefined, owner: string, name: string, verb: Element): string {
    const isOwn = owner === this.own;
    const answers = ANSWERS[this.make];
    if (node === undefined) return isOwn ? answers.missing : answers.missingOfStranger;
    if (!isOwn && node.access !== 'open') return answers.closed;
    const asked = childrenOf(verb, 'item').map((item) => item.getAttribute('id'));
    const all = [...node.items]
      .filter(([id]) => asked.length === 0 || asked.includes(id))
      .map(([id, xml]) => `<item id='${id}'>${xml}</item>`);
    const items = verb.hasAttribute('max_items') ? all.slice(-1) : all;
    return `<pubsub xmlns='${NS.pubsub}'><items node='${name}'>${items.join('')}</items></pubsub>`;
  }

  #authenticate(frame: Element): void {
    const resume = childOf(frame, 'resume', NS.sm);
    if (resume !== undefined) this.#confirm(Number(resume.getAttribute('h')));
    const bound = `<bound xmlns='${NS.bind2}'><enabled xmlns='${NS.sm}' id='sm-1' resume='true'/></bound>`;
    const resumed = `<resumed xmlns='${NS.sm}' previd='sm-1' h='${this.handled}'/>`;
    const isBound = resume === undefined && this.hasBind2;
    this.#isBound = isBound || resume !== undefined;
    if (isBound) this.#count();
    const jid = isBound ? `${this.own}/r${++this.#resource}` : this.own;
    this.push(
      `<success xmlns='${NS.sasl2}'><authorization-identifier>${jid}</authorization-identifier>` +
        `${resume === undefined ? (isBound ? bound : '') : resumed}</success>`,
    );
    if (resume !== undefined) this.unacked.forEach((text) => this.push(text));
  }

  #count(): void {
    this.#isCounting = true;
    this.handled = 0;
    this.sent = 0;
    this.acked = 0;
    this.unacked = [];
  }

  #manage(frame: Element): void {
    const h = Number(frame.getAttribute('h'));
    if (frame.localName === 'r') this.push(`<a xmlns='${NS.sm}' h='${this.handled}'/>`);
    if (frame.localName === 'a') this.#confirm(h);
    if (frame.localName === 'enable') {
      this.#count();
      this.push(`<enabled xmlns='${NS.sm}' id='sm-1' resume='true'/>`);
    }
    if (frame.localName === 'resume') {
      this.#confirm(h);
      this.push(`<resumed xmlns='${NS.sm}' previd='sm-1' h='${this.handled}'/>`);
      this.unacked.forEach((text) => this.push(text));
    }
  }

  /** As Prosody and ejabberd: more than was sent ends the stream, and Prosody wants no less than before. */
  #confirm(h: number): void {
    if (!(h >= this.acked && h <= this.sent)) this.complaints.push(`h=${h} of ${this.sent}`);
    this.unacked.splice(0, h - this.acked);
    this.acked = h;
  }
}

/** `<configure><x type='form'>` as the owner gets it. */
function configurationOf(name: string, { access, maxItems }: Node): string {
  return (
    `<pubsub xmlns='${NS.pubsubOwner}'><configure node='${name}'><x xmlns='${NS.dataForms}' type='form'>` +
    `<field var='pubsub#access_model'><value>${access}</value></field>` +
    `<field var='pubsub#max_items'><value>${maxItems}</value></field></x></configure></pubsub>`
  );
}

function fieldIn(parent: Element, name: string): string | undefined {
  const fields = childrenOf(parent).flatMap((child) => [
    ...childrenOf(child, 'field'),
    ...childrenOf(child).flatMap((inner) => childrenOf(inner, 'field')),
  ]);
  const field = fields.find((each) => each.getAttribute('var') === name);
  const value = field && childrenOf(field, 'value')[0];
  return value && textOf(value);
}

function accessIn(parent: Element): Node['access'] | undefined {
  const named = fieldIn(parent, 'pubsub#access_model');
  return named === 'open' || named === 'whitelist' ? named : undefined;
}
