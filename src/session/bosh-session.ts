// Whose BOSH session it is, also for a page that goes on with one without log-in or bind: after a reload, or because its own
// server began it (interception I-23).
import { log } from '../log';
import type { SmRecord } from '../rpc/vault-api';
import { accountOf, type StreamAccount } from './account';
import { atMost } from './at-most';
import type { OwnIqs } from './iq';
import { IN_LIMIT_MS, type VaultClient } from './vault-client';

/**
 * COMPAT(JSXC 3.4.4): its first request after a reload can have the number of one the server has already: that is answered
 * once more, and what is in it is lost. All questions are asked before the first of them times out.
 */
const ASK_AGAIN_MS = 3000;
const ASK_TIMES = 4;

/** Kept beside the resumable streams, whose ids a server gives, too. */
function idOf(sid: string): string {
  return `bosh ${sid}`;
}

export interface BoshParts {
  readonly vault: VaultClient;
  readonly iqs: OwnIqs;
  /** Of a session that is older than the document. */
  readonly sid: string | undefined;
  /** The session is this account's, and was before this document was there. */
  resume(record: Pick<SmRecord, 'jid' | 'ids'>): void;
}

/** The BOSH session under a stream; does nothing where there is none. */
export class BoshSession {
  readonly #parts: BoshParts;
  #sid: string | undefined;
  #isTold = false;
  /** Ends when what is known about an older session is there: before that no frame goes on. */
  readonly loaded: Promise<void> | undefined;
  /** Ends when the server was asked about one nothing is known about. */
  asked: Promise<void> = Promise.resolve();

  constructor(parts: BoshParts) {
    this.#parts = parts;
    this.#sid = parts.sid;
    if (parts.sid !== undefined) this.loaded = this.#load(parts.sid);
  }

  /** The server gave the session this id. */
  named(sid: string): void {
    this.#sid = sid;
  }

  /** The server said whose session it is: kept for the next document, with the prefix of our ids. */
  async bound({ full }: StreamAccount): Promise<void> {
    if (this.#sid === undefined || full === undefined) return;
    const record = { jid: full, ids: this.#parts.iqs.prefix, out: [], in: [] };
    try {
      await this.#parts.vault.request('smSave', { id: idOf(this.#sid), record }, IN_LIMIT_MS);
    } catch {
      log('stream', 'warn', 'bosh-save'); // after a reload the server is asked
    }
  }

  async #load(sid: string): Promise<void> {
    const { vault, resume } = this.#parts;
    const record = await vault.request('smLoad', { id: idOf(sid) }, IN_LIMIT_MS).catch(() => null);
    if (record === null) this.asked = this.#ask();
    else resume(record);
  }

  /** Ends with the first answer, also a late one to an earlier question. */
  async #ask(): Promise<void> {
    const questions: Promise<void>[] = [];
    while (!this.#isTold && questions.length < ASK_TIMES) {
      questions.push(this.#askOnce());
      await atMost(ASK_AGAIN_MS, Promise.race(questions));
    }
    await Promise.race(questions);
  }

  /** To whom the server addresses its answer is whose session it is; nobody else can give it, since nobody knows its id. */
  async #askOnce(): Promise<void> {
    const reply = await this.#parts.iqs.request({
      type: 'get',
      payload: "<ping xmlns='urn:xmpp:ping'/>",
    });
    const account =
      reply.kind === 'timeout' ? undefined : accountOf(reply.stanza.getAttribute('to') ?? '');
    if (account?.full === undefined || this.#isTold) return;
    this.#isTold = true;
    this.#parts.resume({ jid: account.full });
    await this.bound(account);
  }
}
