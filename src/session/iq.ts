// Our own IQs in the page's stream (I-46 to I-49): ids nobody can guess, replies matched by id and sender and swallowed,
// late ones too. At most a few are under way, so that the page's own traffic is not held up.
import { MAX_IN_FLIGHT } from '../limits';
import { bareJid, type BareJid } from '../jid';
import { childrenOf, parseFrame, serialise } from '../xml/element';
import { NS } from '../xml/ns';

/** What came back. `timeout`: no answer, or the stream ended. */
export type Reply =
  | { readonly kind: 'result'; readonly stanza: Element }
  | { readonly kind: 'error'; readonly condition: string; readonly stanza: Element }
  | { readonly kind: 'timeout' };

export interface IqRequest {
  readonly type: 'get' | 'set';
  /** Whom to ask; absent: our own account. */
  readonly to?: BareJid;
  /** The payload, one element as text. */
  readonly payload: string;
}

const TIMEOUT_MS = 15_000;

interface Waiting {
  readonly request: IqRequest;
  readonly settle: (reply: Reply) => void;
}

/** A prefix for the ids of one stream: 128 random bits. */
export function newIdPrefix(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The first error condition in an IQ of type error. */
export function conditionOf(stanza: Element): string {
  const errors = childrenOf(stanza, 'error').flatMap((error) =>
    childrenOf(error).filter(({ namespaceURI }) => namespaceURI === NS.stanzas),
  );
  return errors.find(({ localName }) => localName !== 'text')?.localName ?? 'undefined-condition';
}

/** The IQs of one stream. */
export class OwnIqs {
  readonly #send: (id: string, text: string) => void;
  readonly #own: () => BareJid | undefined;
  readonly #pending = new Map<string, Waiting>();
  readonly #queue: Waiting[] = [];
  #prefix: string;
  #count = 0;
  #isClosed = false;

  constructor(
    prefix: string,
    send: (id: string, text: string) => void,
    own: () => BareJid | undefined,
  ) {
    this.#prefix = prefix;
    this.#send = send;
    this.#own = own;
  }

  get prefix(): string {
    return this.#prefix;
  }

  /** Has the stream ended: what was under way got no answer. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Goes on with the prefix of a resumed stream: answers to what was asked before the reload are still ours. */
  adopt(prefix: string): void {
    this.#prefix = prefix;
  }

  request(request: IqRequest): Promise<Reply> {
    return new Promise((settle) => {
      if (this.#isClosed) return settle({ kind: 'timeout' });
      this.#queue.push({ request, settle });
      this.#next();
    });
  }

  #next(): void {
    while (!this.#isClosed && this.#pending.size < MAX_IN_FLIGHT) {
      const waiting = this.#queue.shift();
      if (waiting === undefined) return;
      // Random, because a reloaded page goes on with the same prefix.
      const id = `${this.#prefix}${(this.#count++).toString(36)}${newIdPrefix().slice(0, 8)}`;
      this.#pending.set(id, waiting);
      setTimeout(() => this.#settle(id, { kind: 'timeout' }), TIMEOUT_MS);
      const { type, to, payload } = waiting.request;
      const iq = parseFrame(`<iq xmlns='${NS.client}' type='${type}' id='${id}'>${payload}</iq>`);
      if (to !== undefined) iq.setAttribute('to', to);
      this.#send(id, serialise(iq));
    }
  }

  #settle(id: string, reply: Reply): void {
    const waiting = this.#pending.get(id);
    if (waiting === undefined) return;
    this.#pending.delete(id);
    waiting.settle(reply);
    this.#next();
  }

  /** Looks at an IQ of the server; true: it answers one of ours, now or too late, and the page must not see it. */
  take(stanza: Element): boolean {
    const id = stanza.getAttribute('id') ?? '';
    const type = stanza.getAttribute('type');
    if (!id.startsWith(this.#prefix) || (type !== 'result' && type !== 'error')) return false;
    const waiting = this.#pending.get(id);
    // From someone else it is forged: nobody sees it, and the true answer may still come.
    if (waiting === undefined || !this.#isFromAsked(stanza, waiting.request)) return true;
    if (type === 'result') this.#settle(id, { kind: 'result', stanza });
    else this.#settle(id, { kind: 'error', condition: conditionOf(stanza), stanza });
    return true;
  }

  #isFromAsked(stanza: Element, { to }: IqRequest): boolean {
    const from = stanza.getAttribute('from');
    // Before we know whose stream it is, it is whose the server says.
    const own = this.#own() ?? bareJid(stanza.getAttribute('to') ?? '');
    if (to !== undefined && to !== own) return from !== null && from === to;
    return from === null || (own !== undefined && bareJid(from) === own);
  }

  close(): void {
    this.#isClosed = true;
    for (const id of [...this.#pending.keys()]) this.#settle(id, { kind: 'timeout' });
    for (const waiting of this.#queue.splice(0)) waiting.settle({ kind: 'timeout' });
  }
}
