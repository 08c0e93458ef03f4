// Messages of the page that were waiting, to be encrypted for instance, when their socket closed: they never left, and the
// page takes them for sent. A page that resumes sends them again by itself; one that begins anew is told of each.
import { MAX_UNSENT } from '../limits';
import { bareJid, type BareJid } from '../jid';
import { childOf, childrenOf, XmlError } from '../xml/element';
import { NS, OMEMO_NAMESPACES } from '../xml/ns';
import { readFrame } from './unread';

/** One of them. */
export interface Unsent {
  /** The account that wrote it. */
  readonly own: BareJid;
  readonly stanza: Element;
  /** Whom it was for. */
  readonly peer?: BareJid;
}

/** Does the user miss it: it has text, or what a page with its own OMEMO made of one. */
function hasText(stanza: Element): boolean {
  if (stanza.localName !== 'message' || stanza.getAttribute('type') === 'error') return false;
  return (
    childrenOf(stanza, 'body').length > 0 ||
    OMEMO_NAMESPACES.some((ns) => childOf(stanza, 'encrypted', ns) !== undefined)
  );
}

/** The messages of one document that never left. */
export class UnsentMessages {
  #kept: readonly Unsent[] = [];

  /** A frame of the page that its socket closed over; only messages that someone would miss are kept. */
  add(own: BareJid, text: string): void {
    const stanza = readFrame(text);
    if (stanza instanceof XmlError || stanza.namespaceURI !== NS.client || !hasText(stanza)) return;
    const peer = bareJid(stanza.getAttribute('to') ?? '');
    const unsent = { own, stanza, ...(peer !== undefined && { peer }) };
    this.#kept = [...this.#kept, unsent].slice(-MAX_UNSENT);
  }

  /** The page sends a message: if it is one of these, it has not forgotten it. */
  sentAgain(own: BareJid | undefined, stanza: Element): void {
    const id = stanza.getAttribute('id');
    if (id === null || this.#kept.length === 0) return;
    this.#kept = this.#kept.filter(
      (unsent) => unsent.own !== own || unsent.stanza.getAttribute('id') !== id,
    );
  }

  /** The page goes on with its session: what no server acknowledged it sends by itself. */
  resumed(own: BareJid): void {
    this.#kept = this.#kept.filter((unsent) => unsent.own !== own);
  }

  /** All of an account, which are forgotten with it. @returns oldest first */
  take(own: BareJid): readonly Unsent[] {
    const taken = this.#kept.filter((unsent) => unsent.own === own);
    this.resumed(own);
    return taken;
  }
}
