// Requests of one site wait for one another, not for those of other sites, and each site has its own pace: a page that asks without
// end delays and fills its own queue only, and leaves the worker time for others (M30).
import { VaultError } from '../rpc/errors';

/** How much of one site is worked on. */
export interface TurnLimits {
  /** Requests worked on at once. */
  readonly atOnce: number;
  /** Requests that wait beside these. */
  readonly waiting: number;
  /** Requests worked on as soon as there is a place, after a rest; then as many each second as `perSecond` says. */
  readonly burst: number;
  readonly perSecond: number;
  /** Milliseconds of a clock that never goes back. Default: that of the browser. */
  readonly clock?: () => number;
}

/** Runs work by site. */
export interface Turns {
  /**
   * Runs the work when it is its turn among those of the site.
   * @throws VaultError `busy` at once when too much of this site waits; nothing was done then.
   */
  run<T>(site: string, work: () => Promise<T>): Promise<T>;
  /** Sites of which anything is kept. */
  size(): number;
}

interface Queue {
  running: number;
  readonly waiting: (() => void)[];
  /** What may begin now, counted at `at`: a token bucket. */
  tokens: number;
  at: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** Turns of all sites; one that had time to rest takes no memory. */
export function createTurns(limits: TurnLimits): Turns {
  const { atOnce, waiting, burst, perSecond, clock = () => performance.now() } = limits;
  const queues = new Map<string, Queue>();

  function refill(queue: Queue): void {
    const now = clock();
    queue.tokens = Math.min(burst, queue.tokens + ((now - queue.at) * perSecond) / 1000);
    queue.at = now;
  }

  /** Begins what may begin; comes back by itself where only the pace is in the way. */
  function advance(queue: Queue): void {
    refill(queue);
    while (queue.waiting.length > 0 && queue.running < atOnce && queue.tokens >= 1) {
      queue.tokens -= 1;
      queue.running += 1;
      queue.waiting.shift()?.();
    }
    if (queue.waiting.length === 0 || queue.running >= atOnce || queue.timer !== undefined) return;
    const pause = Math.ceil(((1 - queue.tokens) * 1000) / perSecond);
    queue.timer = setTimeout(() => {
      queue.timer = undefined;
      advance(queue);
    }, pause);
  }

  /** Forgets who has rested: forgetting sooner would give a site that stops for a moment its whole burst again. */
  function forgetRested(): void {
    for (const [site, queue] of queues) {
      if (queue.running > 0 || queue.waiting.length > 0) continue;
      refill(queue);
      if (queue.tokens >= burst) queues.delete(site);
    }
  }

  function queueOf(site: string): Queue {
    const known = queues.get(site);
    if (known !== undefined) return known;
    forgetRested();
    const fresh: Queue = { running: 0, waiting: [], tokens: burst, at: clock(), timer: undefined };
    queues.set(site, fresh);
    return fresh;
  }

  return {
    async run(site, work) {
      const queue = queueOf(site);
      if (queue.waiting.length >= waiting) throw new VaultError('busy');
      await new Promise<void>((resolve) => {
        queue.waiting.push(resolve);
        advance(queue);
      });
      try {
        return await work();
      } finally {
        queue.running -= 1;
        advance(queue);
      }
    },
    size: () => queues.size,
  };
}
