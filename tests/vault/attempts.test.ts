import { describe, expect, it } from 'vitest';
import { MAX_ATTEMPT_DELAY_MS } from '../../src/limits';
import { VaultError } from '../../src/rpc/errors';
import { attemptDelay, attempted } from '../../src/vault/attempts';
import { areaInMemory, START } from './world';

const wrong = () => Promise.reject(new VaultError('wrong-passphrase'));
const WRONG = { code: 'wrong-passphrase' };
const THROTTLED = { code: 'throttled' };

function world() {
  const clock = { now: START };
  const area = areaInMemory();
  const now = () => clock.now;
  return { clock, area, now, delay: () => attemptDelay(area, clock.now) };
}

describe('a wrong passphrase', () => {
  it('is free three times but the last has a wait behind it, and each wait is twice the one before', async () => {
    const { clock, area, now, delay } = world();
    const delays: number[] = [];
    for (let count = 0; count < 14; count++) {
      await expect(attempted(area, now, wrong)).rejects.toMatchObject(WRONG);
      delays.push(await delay());
      clock.now += await delay();
    }
    const seconds = [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300];
    expect(delays).toEqual(seconds.map((each) => each * 1000));
    expect(MAX_ATTEMPT_DELAY_MS).toBe(300_000);
  });

  it('is not tried before its time, and a right one neither', async () => {
    const { clock, area, now } = world();
    for (let count = 0; count < 3; count++)
      await attempted(area, now, wrong).catch(() => undefined);
    clock.now += 999;
    let tries = 0;
    const right = async () => ++tries;
    await expect(attempted(area, now, right)).rejects.toMatchObject(THROTTLED);
    expect(tries).toBe(0);
    clock.now += 1;
    expect(await attempted(area, now, right)).toBe(1);
  });

  it('counts also if the worker dies while it is tried', async () => {
    const { area, now, delay } = world();
    for (let count = 0; count < 3; count++)
      await new Promise<void>((begun) => {
        void attempted(area, now, () => {
          begun();
          return new Promise(() => undefined);
        });
      });
    expect(await delay()).toBeGreaterThan(0);
  });

  it('is forgotten after a right one', async () => {
    const { clock, area, now, delay } = world();
    for (let count = 0; count < 5; count++) {
      await attempted(area, now, wrong).catch(() => undefined);
      clock.now += await delay();
    }
    await attempted(area, now, async () => undefined);
    expect(area.stored.size).toBe(0);
    expect(await delay()).toBe(0);
  });

  it('keeps nobody out longer than the longest wait when the clock was set back', async () => {
    const { clock, area, now, delay } = world();
    for (let count = 0; count < 4; count++) {
      await attempted(area, now, wrong).catch(() => undefined);
      clock.now += await delay();
    }
    clock.now -= 365 * 24 * 3600 * 1000;
    expect(await delay()).toBe(MAX_ATTEMPT_DELAY_MS);
  });
});
