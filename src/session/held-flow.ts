// What comes for us while the vault is locked (M70, I-75): the page gets nothing of it at first, the vault keeps it, and once it is unlocked
// the page gets it with the time it came at. Ciphertext must not reach the page in the meantime, nor a remark in its place: pages store what
// they get, and would not take the same message again.
import type { BareJid } from '../jid';
import { log } from '../log';
import { MAX_HELD_FRAME } from '../limits';
import { VaultError } from '../rpc/errors';
import type { HeldFrame } from '../rpc/vault-api';
import { childrenOf, parseFrame, serialise } from '../xml/element';
import { NS } from '../xml/ns';
import type { AccountLink } from './account-link';
import type { Chores } from './chores';
import type { InboundResult } from './inbound-flow';
import { openMessage } from './incoming-message';
import { IN_LIMIT_MS, type VaultClient } from './vault-client';

/** What the flow of one stream is given. */
export interface HeldParts {
  readonly vault: VaultClient;
  readonly link: AccountLink;
  readonly chores: Chores;
  isClosed(): boolean;
  /** Gives the page a stanza the server did not send now. */
  toPage(id: string, text: string): void;
  /** Ends when the page has got all of it, or will not. */
  settled(): Promise<void>;
}

/** What a page tells messages apart by: the same one may have come by itself and from the archive. */
function namesOf(stanza: Element, own: BareJid): readonly string[] {
  const [carbon] = childrenOf(stanza, undefined, NS.carbons);
  const [forwarded] = carbon === undefined ? [] : childrenOf(carbon, 'forwarded', NS.forward);
  const [inner] = forwarded === undefined ? [] : childrenOf(forwarded, 'message', NS.client);
  return childrenOf(inner ?? stanza, 'stanza-id', NS.stanzaIds)
    .filter((child) => child.getAttribute('by') === own)
    .map((child) => child.getAttribute('id') ?? '');
}

/** Messages of one stream, as they come and as they were kept. */
export class HeldFlow {
  readonly #parts: HeldParts;
  /** Those of this stream, should another one of the account have taken them from the vault first. */
  readonly #own = new Map<string, HeldFrame>();
  /** Those this page got already, by all their names. */
  readonly #shown = new Set<string>();
  /** Given to the hook, which has not said yet that the page got them. */
  readonly #onTheirWay = new Set<string>();
  #delivering: Promise<void> | undefined;
  #count = 0;

  constructor(parts: HeldParts) {
    this.#parts = parts;
  }

  /** What becomes of a message that comes now. */
  async receive(stanza: Element): Promise<InboundResult> {
    const result = await openMessage(this.#parts, stanza);
    if (result.kept === undefined) return result;
    const outcome = await this.#keep(serialise(result.kept), Date.now());
    if (outcome === 'failed') return result;
    if (outcome === 'kept') return { frames: [], chores: [] };
    await this.#parts.link.wake(false);
    return openMessage(this.#parts, stanza);
  }

  /** `open`: the vault is locked no more; `failed`: the page must hear of it. `at` in ms since 1970. */
  async #keep(frame: string, at: number): Promise<'kept' | 'open' | 'failed'> {
    const jid = this.#parts.link.account?.bare;
    if (jid === undefined || frame.length > MAX_HELD_FRAME) return 'failed';
    try {
      const { id } = await this.#parts.vault.request('hold', { jid, frame, at }, IN_LIMIT_MS);
      this.#own.set(id, { id, frame, at });
      return 'kept';
    } catch (error) {
      return error instanceof VaultError && error.code === 'stale' ? 'open' : 'failed';
    }
  }

  /** The hook has put something in. */
  reported(id: string): void {
    this.#onTheirWay.delete(id);
  }

  /** Gives the page what was kept, if it is time; nothing is forgotten before the page has got it. */
  deliver(): Promise<void> {
    this.#delivering ??= this.#deliverAll()
      .catch(() => log('inbound', 'warn', 'held'))
      .finally(() => (this.#delivering = undefined));
    return this.#delivering;
  }

  #isReady(): boolean {
    return !this.#parts.isClosed() && this.#parts.link.isDecided();
  }

  async #deliverAll(): Promise<void> {
    const { vault, link, settled } = this.#parts;
    await link.attaching;
    const jid = link.account?.bare;
    while (jid !== undefined && this.#isReady()) {
      const kept = await vault.request('held', { jid }, IN_LIMIT_MS);
      const byId = new Map([...this.#own, ...kept.map((one) => [one.id, one] as const)]);
      const due = [...byId.values()].sort((a, b) => a.at - b.at);
      const isNew = due.some(({ id }) => !this.#shown.has(id));
      for (const one of due) if (!(await this.#show(one, jid))) return;
      await settled();
      // Where the stream ended over it, the next one delivers.
      if (due.length === 0 || this.#onTheirWay.size > 0 || !this.#isReady()) return;
      const ids = due.map(({ id }) => id);
      await vault.request('heldShown', { jid, ids }, IN_LIMIT_MS);
      ids.forEach((id) => this.#own.delete(id));
      if (!isNew) return;
    }
  }

  /** @returns false: the vault is locked again. */
  async #show({ id, frame }: HeldFrame, own: BareJid): Promise<boolean> {
    const stanza = parseFrame(frame);
    const names = [id, ...namesOf(stanza, own)];
    if (!names.some((name) => this.#shown.has(name))) {
      const { frames = [frame], chores, kept } = await openMessage(this.#parts, stanza);
      if (kept !== undefined) return false;
      for (const text of frames) this.#toPage(text);
      this.#parts.chores.add(chores);
    }
    names.forEach((name) => this.#shown.add(name));
    return true;
  }

  #toPage(text: string): void {
    const id = `held-${++this.#count}`;
    this.#onTheirWay.add(id);
    this.#parts.toPage(id, text);
  }
}
