// Requests of one site wait for one another, not for those of other sites: a page that asks without end delays and fills
// its own queue only (M30).
import { VaultError } from '../rpc/errors';

/** How much of one site is worked on. */
export interface TurnLimits {
  /** Requests worked on at once. */
  readonly atOnce: number;
  /** Requests that wait beside these. */
  readonly waiting: number;
}

/** Runs work by site. */
export interface Turns {
  /**
   * Runs the work when it is its turn among those of the site.
   * @throws VaultError `limit` at once when too much of this site waits; nothing was done then.
   */
  run<T>(site: string, work: () => Promise<T>): Promise<T>;
}

interface Queue {
  running: number;
  readonly waiting: (() => void)[];
}

/** Turns of all sites; a site without work takes no memory. */
export function createTurns({ atOnce, waiting }: TurnLimits): Turns {
  const queues = new Map<string, Queue>();

  function leave(site: string, queue: Queue): void {
    const next = queue.waiting.shift();
    if (next !== undefined) return next(); // takes over the place
    queue.running -= 1;
    if (queue.running === 0) queues.delete(site);
  }

  async function enter(site: string): Promise<Queue> {
    const queue = queues.get(site) ?? { running: 0, waiting: [] };
    queues.set(site, queue);
    if (queue.running < atOnce) {
      queue.running += 1;
      return queue;
    }
    if (queue.waiting.length >= waiting) throw new VaultError('limit');
    await new Promise<void>((resolve) => queue.waiting.push(resolve));
    return queue;
  }

  return {
    async run(site, work) {
      const queue = await enter(site);
      try {
        return await work();
      } finally {
        leave(site, queue);
      }
    },
  };
}
