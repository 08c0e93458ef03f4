// Wrong passphrases cost time: after a few, each next one twice as long. Kept where neither the end of a worker nor of the browser loses it,
// and counted before it is known whether the passphrase is right, so that nobody gains by ending the worker in between.
import { FREE_ATTEMPTS, MAX_ATTEMPT_DELAY_MS } from '../limits';
import { VaultError } from '../rpc/errors';

const NAME = 'passphrase-attempts';

/** A storage area of the browser. */
export interface Area {
  get(key: string): Promise<Record<string, unknown>>;
  set(values: Record<string, unknown>): Promise<void>;
  remove(key: string): Promise<void>;
}

interface Attempts {
  /** Wrong ones in a row. */
  readonly count: number;
  /** ms since 1970: no attempt before. */
  readonly notBefore: number;
}

async function load(area: Area): Promise<Attempts> {
  const stored: Partial<Record<string, unknown>> = Object((await area.get(NAME))[NAME]);
  const { count, notBefore } = stored;
  const isKnown = typeof count === 'number' && typeof notBefore === 'number';
  return isKnown ? { count, notBefore } : { count: 0, notBefore: 0 };
}

function delayAfter(count: number): number {
  if (count < FREE_ATTEMPTS) return 0;
  return Math.min(MAX_ATTEMPT_DELAY_MS, 1000 * 2 ** (count - FREE_ATTEMPTS));
}

/** How long the next attempt must wait, in ms. A clock that was set back keeps nobody out for longer than the longest wait. */
export async function attemptDelay(area: Area, now: number): Promise<number> {
  const { notBefore } = await load(area);
  return Math.min(MAX_ATTEMPT_DELAY_MS, Math.max(0, notBefore - now));
}

/**
 * Lets `attempt` try a passphrase: it throws `wrong-passphrase` for a wrong one. `now` in ms since 1970.
 * @throws VaultError `throttled` if it is too early; what `attempt` throws.
 */
export async function attempted<T>(
  area: Area,
  now: () => number,
  attempt: () => Promise<T>,
): Promise<T> {
  if ((await attemptDelay(area, now())) > 0) throw new VaultError('throttled');
  const count = (await load(area)).count + 1;
  await area.set({ [NAME]: { count, notBefore: now() + delayAfter(count) } });
  const result = await attempt();
  await area.remove(NAME);
  return result;
}
