import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  MAX_WAITING_REQUESTS,
  REQUEST_BURST,
  REQUESTS_AT_ONCE,
  REQUESTS_PER_SECOND,
} from '../../src/limits';
import { VaultError } from '../../src/rpc/errors';
import { createTurns } from '../../src/vault/turns';

const A = 'https://a.example';
const B = 'https://b.example';
/** More than the tests of turns need. */
const PACE = { burst: 100, perSecond: 100 };
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Work that ends when it is told to, by number. */
function jobs() {
  const begun: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const job = (name: string) => () => {
    begun.push(name);
    return new Promise<string>((resolve, reject) => {
      ends.set(name, (error) => (error === undefined ? resolve(name) : reject(error)));
    });
  };
  const end = async (name: string, error?: Error) => {
    ends.get(name)?.(error);
    await settle();
  };
  return { begun, job, end };
}

describe('the requests of a site', () => {
  it('are worked on two at once, in the order they came, where two is the limit', async () => {
    const turns = createTurns({ ...PACE, atOnce: 2, waiting: 9 });
    const { begun, job, end } = jobs();
    const answers = ['1', '2', '3', '4'].map((name) => turns.run(A, job(name)));
    await settle();
    expect(begun).toEqual(['1', '2']);
    await end('2');
    expect(begun).toEqual(['1', '2', '3']);
    await end('1');
    expect(begun).toEqual(['1', '2', '3', '4']);
    await end('3');
    await end('4');
    expect(await Promise.all(answers)).toEqual(['1', '2', '3', '4']);
  });

  it('do not wait for those of another', async () => {
    const turns = createTurns({ ...PACE, atOnce: 1, waiting: 9 });
    const { begun, job, end } = jobs();
    void turns.run(A, job('a'));
    void turns.run(A, job('behind a'));
    const other = turns.run(B, job('b'));
    await settle();
    expect(begun).toEqual(['a', 'b']);
    await end('b');
    expect(await other).toBe('b');
  });

  it('fail with busy beyond what may wait, and are taken again afterwards', async () => {
    const turns = createTurns({ ...PACE, atOnce: 1, waiting: 1 });
    const { begun, job, end } = jobs();
    const first = turns.run(A, job('1'));
    const second = turns.run(A, job('2'));
    await expect(turns.run(A, job('3'))).rejects.toEqual(new VaultError('busy'));
    await end('1');
    const fourth = turns.run(A, job('4'));
    await end('2');
    await end('4');
    expect(await Promise.all([first, second, fourth])).toEqual(['1', '2', '4']);
    expect(begun).toEqual(['1', '2', '4']);
  });

  it('go on when one fails', async () => {
    const turns = createTurns({ ...PACE, atOnce: 1, waiting: 9 });
    const { job, end } = jobs();
    const failing = turns.run(A, job('1'));
    const next = turns.run(A, job('2'));
    await settle();
    const failed = expect(failing).rejects.toThrow('no');
    await end('1', new Error('no'));
    await failed;
    await end('2');
    expect(await next).toBe('2');
  });
});

describe('the pace of a site', () => {
  const REAL = {
    atOnce: REQUESTS_AT_ONCE,
    waiting: MAX_WAITING_REQUESTS,
    burst: REQUEST_BURST,
    perSecond: REQUESTS_PER_SECOND,
  };
  /** What a page of some archive and the devices of a large room come to. */
  const REAL_BURST = 1000;
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** Asks one after the other, `lanes` at a time; answers the milliseconds it took. Fails with the first refusal. */
  async function ask(turns: ReturnType<typeof createTurns>, count: number, lanes: number) {
    const began = performance.now();
    let left = count;
    const lane = async () => {
      while (left-- > 0) await turns.run(A, () => Promise.resolve());
      return performance.now() - began;
    };
    const all = Promise.all(Array.from({ length: lanes }, lane));
    await vi.advanceTimersByTimeAsync(60_000);
    return Math.max(...(await all));
  }

  it('lets a burst of real size go on at once, one by one or eight at a time', async () => {
    expect(await ask(createTurns(REAL), REAL_BURST, 1)).toBe(0);
    expect(await ask(createTurns(REAL), REAL_BURST, 8)).toBe(0);
  });

  it('slows down what is more, refuses nothing of it, and knows the site for as long as it has to', async () => {
    const turns = createTurns(REAL);
    expect(await ask(turns, REAL_BURST, 1)).toBe(0);
    const took = await ask(turns, 3000, 8);
    // It had rested for a minute.
    expect(took).toBeGreaterThan((2000 / REQUESTS_PER_SECOND) * 1000 * 0.9);
    expect(took).toBeLessThan((2000 / REQUESTS_PER_SECOND) * 1000 * 1.2 + 100);
  });

  it('refuses of a flood what is beyond burst and queue, and works on the rest at the pace', async () => {
    const turns = createTurns(REAL);
    let worked = 0;
    const asked = Array.from({ length: 20_000 }, () =>
      turns
        .run(A, () => Promise.resolve(worked++))
        .then(
          () => 'answered',
          (error: unknown) => (error instanceof VaultError ? error.code : 'failed'),
        ),
    );
    await vi.advanceTimersByTimeAsync(0);
    expect(worked).toBeGreaterThanOrEqual(REQUESTS_AT_ONCE);
    expect(worked).toBeLessThanOrEqual(REQUEST_BURST);
    await vi.advanceTimersByTimeAsync(10_000);
    const codes = await Promise.all(asked);
    const answered = codes.filter((code) => code === 'answered').length;
    expect(answered).toBe(worked);
    expect(answered).toBeLessThanOrEqual(REQUESTS_AT_ONCE + MAX_WAITING_REQUESTS);
    expect(codes.filter((code) => code === 'busy')).toHaveLength(20_000 - answered);
  });

  it('is not that of another site', async () => {
    const turns = createTurns({ ...REAL, burst: 1 });
    const done: string[] = [];
    for (const site of [A, A, B]) void turns.run(site, () => Promise.resolve(done.push(site)));
    await vi.advanceTimersByTimeAsync(0);
    expect(done).toEqual([A, B]);
    await vi.advanceTimersByTimeAsync(10);
    expect(done).toEqual([A, B, A]);
  });

  it('is forgotten once the site has rested, and not before', async () => {
    const turns = createTurns({ ...REAL, burst: 300 });
    await ask(turns, 299, 1);
    const names = (count: number) =>
      Array.from({ length: count }, (_, index) => `https://${index}`);
    for (const site of names(500)) await turns.run(site, () => Promise.resolve());
    await vi.advanceTimersByTimeAsync(2);
    expect(turns.size()).toBeGreaterThan(400);
    await vi.advanceTimersByTimeAsync(1000);
    await turns.run(B, () => Promise.resolve());
    expect(turns.size()).toBe(1);
  });
});
