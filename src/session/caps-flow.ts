// The way of capabilities in one stream (interception I-50, I-51): the page is asked once what it can do, its presence then
// announces the notifications of device lists beside it, and whoever asks what that means is answered. What was learnt is
// kept by the vault, so that the next stream of the same page announces it at once.
import { MAX_CAPS_ANSWER, MAX_CAPS_NAME } from '../limits';
import type { BareJid, FullJid } from '../jid';
import { log } from '../log';
import { childOf, childrenOf, parseFrame, serialise } from '../xml/element';
import { NS } from '../xml/ns';
import { atMost } from './at-most';
import {
  announce,
  announcedIn,
  answerTo,
  isBroadcast,
  nodeOf,
  NOTIFICATIONS,
  ourCaps,
  withNotifications,
  type Announced,
} from './caps';
import { IN_LIMIT_MS, type VaultClient } from './vault-client';

/** How long a presence of the page waits for the vault, in ms; one that left as it was is sent once more. */
export const PRESENCE_LIMIT_MS = 3000;

/** What can be said of a page that says nothing itself. */
const NO_CAPABILITIES = `<query xmlns='${NS.discoInfo}'><identity category='client' type='web'/></query>`;

/** What the flow is given. */
export interface CapsParts {
  readonly vault: VaultClient;
  /** Ids of ours begin with it. */
  prefix(): string;
  /** May we speak for this stream: its account is granted and the page does not do OMEMO itself. */
  isActive(): boolean;
  /** Ends when the vault has answered about the account. */
  attached(): Promise<void>;
  addresses(): { readonly bare: BareJid; readonly full: FullJid } | undefined;
  toPage(id: string, text: string): void;
  toServer(id: string, text: string): void;
}

/** What is announced in the place of what the page does. */
interface Learnt {
  readonly ours: Announced;
  readonly query: Element;
}

interface Asked {
  readonly key: string;
  readonly announced: Announced | undefined;
}

/** No key of a page: those have a `#`. */
const EARLIER = 'earlier';

const keyOf = (announced: Announced | undefined): string =>
  announced === undefined ? '' : nodeOf(announced);

/** The capabilities of one stream. */
export class Caps {
  readonly #parts: CapsParts;
  /** By what the page announces; '' for nothing. */
  readonly #learnt = new Map<string, Learnt>();
  #loading: Promise<void> | undefined;
  #asked: (Asked & { readonly id: string }) | undefined;
  #count = 0;
  /** The last presence of the page to all, until it is announced with ours. */
  #unannounced: Element | undefined;

  constructor(parts: CapsParts) {
    this.#parts = parts;
  }

  /** A presence of the page: the frame that leaves in its place, or undefined. */
  async presence(stanza: Element): Promise<string | undefined> {
    const announced = announcedIn(stanza);
    const isToAll = isBroadcast(stanza);
    if (!stanza.hasAttribute('to')) this.#unannounced = isToAll ? stanza : undefined;
    if (!this.#parts.isActive() || (announced === undefined && !isToAll)) return undefined;
    await atMost(PRESENCE_LIMIT_MS, this.#load());
    const learnt = this.#learnt.get(keyOf(announced));
    if (learnt === undefined) return undefined;
    if (isToAll) this.#unannounced = undefined;
    return announce(stanza, learnt.ours);
  }

  /** The account may be spoken for now: a presence that left without us is sent once more as soon as the page has answered. */
  async begin(): Promise<void> {
    const stanza = this.#unannounced;
    if (stanza === undefined || !this.#parts.isActive()) return;
    await this.#load();
    const announced = announcedIn(stanza);
    const learnt = this.#learnt.get(keyOf(announced));
    if (learnt === undefined) this.#ask({ key: keyOf(announced), announced });
    else this.#announceAgain(keyOf(announced), learnt);
  }

  /** Looks at an IQ of the page; true: it answers our question, and the server must not see it. */
  take(iq: Element): boolean {
    const id = iq.getAttribute('id') ?? '';
    if (!id.startsWith(this.#parts.prefix())) return false;
    if (id === this.#asked?.id) this.#heard(iq, this.#asked);
    return true;
  }

  /** An answer of the page to somebody else: the frame that leaves in its place, or undefined. */
  answered(iq: Element): string | undefined {
    const isResult = iq.getAttribute('type') === 'result';
    const query = isResult ? childOf(iq, 'query', NS.discoInfo) : undefined;
    if (query === undefined || !this.#parts.isActive()) return undefined;
    // Other nodes of the page are its own business.
    const node = query.getAttribute('node') ?? '';
    if (node !== '' && !this.#learnt.has(node)) return undefined;
    return this.#learnt.size === 0 ? undefined : answerInPlace(iq, query);
  }

  /** An IQ of the server; the answer to give in the place of the page, or undefined. */
  async incoming(iq: Element): Promise<string | undefined> {
    const isQuestion = iq.getAttribute('type') === 'get';
    const query = isQuestion ? childOf(iq, 'query', NS.discoInfo) : undefined;
    const node = query?.getAttribute('node') ?? '';
    if (!node.includes('#')) return undefined;
    await atMost(IN_LIMIT_MS, this.#parts.attached());
    // Announced before the page showed OMEMO of its own, it still has to be answered for.
    if (!this.#parts.isActive() && this.#learnt.size === 0) return undefined;
    await atMost(IN_LIMIT_MS, this.#load());
    const learnt = [...this.#learnt.values()].find(({ ours }) => nodeOf(ours) === node);
    return learnt === undefined ? undefined : answerTo(iq, learnt.query);
  }

  #load(): Promise<void> {
    this.#loading ??= this.#loadNow().catch(() => {
      this.#loading = undefined;
      log('caps', 'warn', 'load');
    });
    return this.#loading;
  }

  async #loadNow(): Promise<void> {
    const jid = this.#parts.addresses()?.bare;
    if (jid === undefined) throw new TypeError('caps: want an account');
    const records = await this.#parts.vault.request('capsKnown', { jid }, IN_LIMIT_MS);
    for (const { key, query } of records) {
      // What a page can do that announces nothing may have changed: it is asked again, but a resumed stream still stands for it.
      const announced = key === '' ? undefined : announcedOf(key);
      await this.#learn(key === '' ? EARLIER : key, announced, parseFrame(query));
    }
  }

  async #learn(key: string, announced: Announced | undefined, query: Element): Promise<boolean> {
    const ours = await ourCaps(announced, query);
    if (ours !== undefined) this.#learnt.set(key, { ours, query });
    return ours !== undefined;
  }

  #ask(asked: Asked): void {
    const addresses = this.#parts.addresses();
    if (addresses === undefined || this.#asked?.key === asked.key) return;
    const id = `${this.#parts.prefix()}caps${this.#count++}`;
    this.#asked = { ...asked, id };
    const iq = parseFrame(
      `<iq xmlns='${NS.client}' type='get' id='${id}'><query xmlns='${NS.discoInfo}'/></iq>`,
    );
    iq.setAttribute('from', addresses.bare);
    iq.setAttribute('to', addresses.full);
    this.#parts.toPage(id, serialise(iq));
  }

  #heard(iq: Element, asked: Asked): void {
    const isResult = iq.getAttribute('type') === 'result';
    const answer = isResult ? childOf(iq, 'query', NS.discoInfo) : undefined;
    // Who announces capabilities and does not tell them is left as it is; who announces none may have none (I-51).
    if (answer === undefined && asked.key !== '') return;
    const query = answer ?? parseFrame(NO_CAPABILITIES);
    const all = childrenOf(query, 'feature').map((feature) => feature.getAttribute('var') ?? '');
    // A page that asks for device lists itself, or tells more than anybody keeps, is left as it is.
    if (NOTIFICATIONS.every((each) => all.includes(each))) return;
    if (serialise(query).length > MAX_CAPS_ANSWER) return;
    this.#keep(query, asked).catch(() => log('caps', 'warn', 'keep'));
  }

  async #keep(query: Element, { key, announced }: Asked): Promise<void> {
    if (!(await this.#learn(key, announced, query))) return;
    const learnt = this.#learnt.get(key);
    if (learnt !== undefined) this.#announceAgain(key, learnt);
    const jid = this.#parts.addresses()?.bare;
    if (key.length > MAX_CAPS_NAME || jid === undefined) return;
    const record = { jid, key, query: serialise(query) };
    await this.#parts.vault.request('capsSeen', record, IN_LIMIT_MS);
  }

  #announceAgain(key: string, { ours }: Learnt): void {
    const stanza = this.#unannounced;
    if (stanza === undefined || !this.#parts.isActive()) return;
    // The page announces something else by now, and is asked for that.
    if (keyOf(announcedIn(stanza)) !== key) return;
    this.#unannounced = undefined;
    const copy = parseFrame(announce(stanza, ours));
    copy.removeAttribute('id');
    this.#parts.toServer(`caps-${this.#count++}`, serialise(copy));
  }
}

function announcedOf(key: string): Announced {
  const at = key.lastIndexOf('#');
  return { node: key.slice(0, at), ver: key.slice(at + 1) };
}

/** The page's answer with the notifications among its features. */
function answerInPlace(iq: Element, query: Element): string {
  query.parentNode?.replaceChild(withNotifications(query), query);
  return serialise(iq);
}
