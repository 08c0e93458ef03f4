// Another client of the account may publish a device list without us (I-55). We put ourselves back, foreign entries kept, but
// only a few times: two clients that overwrite each other would go on for ever.

/** How long to wait before the first, second, … repair; there is no further one within the window. */
const DELAYS_MS: readonly number[] = [2_000, 30_000, 300_000];
const WINDOW_MS = 3600 * 1000;

/** ms to wait before the next repair, or undefined to give up. `times` of earlier repairs and `now` in ms since 1970. */
export function repairDelay(times: readonly number[], now: number): number | undefined {
  return DELAYS_MS[times.filter((time) => now - time < WINDOW_MS).length];
}

/** The repairs of one stream; at most one waits or runs at a time. */
export class ListRepair {
  readonly #publish: () => Promise<boolean>;
  readonly #giveUp: () => void;
  #times: readonly number[] = [];
  #isDue = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param publish puts keys and list on the server again; answers whether they stand there.
   * @param giveUp called when we are not on the list and will not try again.
   */
  constructor(publish: () => Promise<boolean>, giveUp: () => void) {
    this.#publish = publish;
    this.#giveUp = giveUp;
  }

  /** A list of our own account without our device was seen. */
  missing(): void {
    if (this.#isDue) return;
    const now = Date.now();
    const delay = repairDelay(this.#times, now);
    if (delay === undefined) return this.#giveUp();
    this.#isDue = true;
    this.#timer = setTimeout(() => void this.#repair(), delay);
  }

  async #repair(): Promise<void> {
    this.#times = [...this.#times, Date.now()];
    const isThere = await this.#publish().catch(() => false);
    this.#isDue = false;
    if (!isThere) this.#giveUp();
  }

  /** The stream ended. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
