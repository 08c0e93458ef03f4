// What we put into a stream and the hook has not reported yet: stream management numbers must not be converted meanwhile.
import type { Position } from '../rpc/page-api';
import type { SmEvent } from '../rpc/vault-api';
import { atMost } from './at-most';

/** A socket that is not open takes no injection and reports none. */
const REPORT_LIMIT_MS = 2000;

/** How an injection counts; undefined: not at all. */
export type Counted = SmEvent['kind'] | undefined;

/** The injections of one stream. */
export class Injections {
  readonly #note: (kind: SmEvent['kind'], at: Position) => void;
  readonly #pending = new Map<string, Counted>();
  /** Those of them nothing waits for any more. A page that was busy may still report them, and then they count. */
  readonly #overdue = new Set<string>();
  #waiting: (() => void)[] = [];

  /** @param note told every injection that counts, at its position. */
  constructor(note: (kind: SmEvent['kind'], at: Position) => void) {
    this.#note = note;
  }

  /** Is about to be handed to the hook. */
  add(id: string, kind: Counted): void {
    this.#pending.set(id, kind);
  }

  /** The hook has put it in. */
  reported(id: string, at: Position): void {
    const kind = this.#pending.get(id);
    this.#pending.delete(id);
    this.#overdue.delete(id);
    if (kind !== undefined) this.#note(kind, at);
    if (this.#isAllReported()) this.#release();
  }

  /** Ends when nothing of ours is on its way to the hook. */
  async settled(): Promise<void> {
    if (this.#isAllReported()) return;
    await atMost(REPORT_LIMIT_MS, new Promise<void>((resolve) => this.#waiting.push(resolve)));
    for (const id of this.#pending.keys()) this.#overdue.add(id);
  }

  /** The stream ended: nothing is reported any more. */
  clear(): void {
    this.#pending.clear();
    this.#overdue.clear();
    this.#release();
  }

  #isAllReported(): boolean {
    return this.#pending.size === this.#overdue.size;
  }

  #release(): void {
    this.#waiting.splice(0).forEach((resolve) => resolve());
  }
}
