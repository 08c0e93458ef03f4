// Tells a page that began a new session which of its messages never left with the one before (I-104): what it takes for
// sent and nobody has must not stay so.
import type { StreamAccount } from './account';
import { errorFrame } from './outbound';
import type { UnsentMessages } from './unsent';
import type { VaultClient } from './vault-client';

/** A page that kept its messages sends them again soon after it began anew; only what it does not is told. */
export const AGAIN_MS = 5000;

/** What the flow of one stream is given. */
export interface UnsentParts {
  readonly vault: VaultClient;
  /** Of the document. */
  readonly messages: UnsentMessages;
  account(): StreamAccount | undefined;
  /** Is the account the user's business with us: the popup then shows it, too. */
  isOurs(): boolean;
  /** Gives the page a stanza the server never sent. */
  toPage(id: string, text: string): void;
}

/** One stream's view of them. */
export class UnsentFlow {
  readonly #parts: UnsentParts;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #told = 0;

  constructor(parts: UnsentParts) {
    this.#parts = parts;
  }

  /** The socket closed over this frame of the page. */
  lost(text: string): void {
    const own = this.#parts.account()?.bare;
    if (own !== undefined) this.#parts.messages.add(own, text);
  }

  /** The page sends a message. */
  sends(stanza: Element): void {
    this.#parts.messages.sentAgain(this.#parts.account()?.bare, stanza);
  }

  /** The page goes on with the session it had. */
  resumed(): void {
    const own = this.#parts.account()?.bare;
    if (own !== undefined) this.#parts.messages.resumed(own);
  }

  /** The page is bound anew. */
  begun(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(), AGAIN_MS);
  }

  /** The stream ended; what was not told by then, the next one tells. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #tell(): void {
    const account = this.#parts.account();
    if (account === undefined) return;
    const { bare: jid, full } = account;
    for (const { stanza, peer } of this.#parts.messages.take(jid)) {
      const code = 'connection-lost';
      this.#parts.toPage(`unsent-${++this.#told}`, errorFrame(stanza, code, full ?? jid));
      if (peer === undefined || !this.#parts.isOurs()) continue;
      this.#parts.vault.request('refused', { code, jid, peer }).catch(() => undefined);
    }
  }
}
