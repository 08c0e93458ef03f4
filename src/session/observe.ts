// What the session remembers of the page's own traffic: who is in the roster, which archive queries are open. Bounded.
import { MAX_CONTACTS, MAX_QUERIES, MAX_REMEMBERED } from '../limits';
import { bareJid, resourceOf, type BareJid, type FullJid } from '../jid';
import { childOf, childrenOf } from '../xml/element';
import { MAM_NAMESPACES, NS } from '../xml/ns';

interface Query {
  readonly id: string;
  readonly queryId: string;
  /** Archive asked: null is our own. */
  readonly to: string | null;
}

function mamQueryIn(iq: Element): Element | undefined {
  return childrenOf(iq, 'query').find((child) => MAM_NAMESPACES.includes(child.namespaceURI ?? ''));
}

/** An archive in prepared form: pages ask as the user typed it. An occupant of a room is not the room. */
function archiveOf(address: string | null, own: BareJid): string | undefined {
  if (address === null) return own;
  const resource = resourceOf(address);
  const bare = bareJid(address);
  return resource === undefined || bare === undefined ? bare : `${bare}/${resource}`;
}

/** Observations by full JID: a stream that is resumed in the same document goes on with those of the one before. */
export type StreamMemory = Map<FullJid, Observations>;

/** Keeps the observations of a stream for the one that resumes it. */
export function remember(memory: StreamMemory, full: FullJid, observations: Observations): void {
  memory.delete(full);
  memory.set(full, observations);
  const [oldest] = memory.keys();
  if (memory.size > MAX_REMEMBERED && oldest !== undefined) memory.delete(oldest);
}

/** Memory of one stream. */
export class Observations {
  readonly #contacts = new Set<BareJid>();
  #queries: readonly Query[] = [];
  #isRosterAsked = false;
  #isRosterSeen = false;

  isContact(jid: BareJid): boolean {
    return this.#contacts.has(jid);
  }

  /** An IQ of the page. */
  noteOutgoing(iq: Element): void {
    if (childOf(iq, 'query', NS.roster) !== undefined) this.#isRosterAsked = true;
    const query = mamQueryIn(iq);
    const id = iq.getAttribute('id');
    if (query === undefined || id === null || iq.getAttribute('type') !== 'set') return;
    const queryId = query.getAttribute('queryid') ?? '';
    const opened = { id, queryId, to: iq.getAttribute('to') };
    this.#queries = [...this.#queries, opened].slice(-MAX_QUERIES);
  }

  /** An IQ of the server: the end of an archive query, or the roster of `own`. */
  noteIncoming(iq: Element, own: BareJid): void {
    const id = iq.getAttribute('id');
    const type = iq.getAttribute('type');
    if (type === 'result' || type === 'error') {
      this.#queries = this.#queries.filter((query) => query.id !== id);
    }
    const from = iq.getAttribute('from');
    const roster = childOf(iq, 'query', NS.roster);
    if (roster === undefined || (from !== null && bareJid(from) !== own)) return;
    if (type === 'result') this.#isRosterSeen = true;
    for (const item of childrenOf(roster, 'item', NS.roster)) this.#noteItem(item);
  }

  /**
   * Does the page have a roster that we do not know? A server answers a page that has the newest version with nothing (RFC
   * 6121 §2.6.3), and a resumed page does not ask at all.
   */
  isRosterMissing(isResumed: boolean): boolean {
    return !this.#isRosterSeen && (this.#isRosterAsked || isResumed);
  }

  #noteItem(item: Element): void {
    const jid = bareJid(item.getAttribute('jid') ?? '');
    if (jid === undefined) return;
    if (item.getAttribute('subscription') === 'remove') this.#contacts.delete(jid);
    else if (this.#contacts.size < MAX_CONTACTS) this.#contacts.add(jid);
  }

  /** Did the page ask this archive under this id and still waits (M47). */
  isOpenQuery(queryId: string, from: string | null, own: BareJid): boolean {
    const archive = archiveOf(from, own);
    if (archive === undefined) return false;
    return this.#queries.some(
      (query) => query.queryId === queryId && archiveOf(query.to, own) === archive,
    );
  }
}
