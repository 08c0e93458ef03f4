import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ListRepair, repairDelay } from '../../src/session/list-repair';

const HOUR = 3600 * 1000;
const NOW = Date.UTC(2026, 0, 5);

describe('repairDelay', () => {
  it('waits longer each time and gives up after the third within an hour', () => {
    const times: number[] = [];
    const delays = [0, 1, 2, 3].map(() => {
      const delay = repairDelay(times, NOW);
      times.push(NOW);
      return delay;
    });
    expect(delays).toEqual([2_000, 30_000, 300_000, undefined]);
    expect(repairDelay(times, NOW + HOUR - 1)).toBeUndefined();
    expect(repairDelay(times, NOW + HOUR)).toBe(2_000);
  });
});

describe('ListRepair', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: NOW });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function start(publish: () => Promise<boolean>) {
    const giveUp = vi.fn();
    const published = vi.fn(publish);
    return { repair: new ListRepair(published, giveUp), giveUp, published };
  }

  it('publishes once for many events that come before', async () => {
    const { repair, giveUp, published } = start(() => Promise.resolve(true));
    for (let event = 0; event < 20; event++) repair.missing();
    await vi.advanceTimersByTimeAsync(HOUR);
    expect(published).toHaveBeenCalledTimes(1);
    expect(giveUp).not.toHaveBeenCalled();
  });

  it('does not fight another client that always answers (I-55)', async () => {
    const { repair, giveUp, published } = start(() => {
      setTimeout(() => repair.missing(), 1); // its next event, after ours
      return Promise.resolve(true);
    });
    repair.missing();
    await vi.advanceTimersByTimeAsync(HOUR / 2);
    expect(published).toHaveBeenCalledTimes(3);
    for (let event = 0; event < 20; event++) repair.missing();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(published).toHaveBeenCalledTimes(3);
    expect(giveUp).toHaveBeenCalled();
  });

  it('says so when the server does not take the list', async () => {
    const answers = [() => Promise.resolve(false), () => Promise.reject(new Error('no vault'))];
    for (const answer of answers) {
      const { repair, giveUp } = start(answer);
      repair.missing();
      await vi.advanceTimersByTimeAsync(2_000);
      expect(giveUp).toHaveBeenCalledTimes(1);
    }
  });

  it('does nothing after the stream ended', async () => {
    const { repair, published } = start(() => Promise.resolve(true));
    repair.missing();
    repair.stop();
    await vi.advanceTimersByTimeAsync(HOUR);
    expect(published).not.toHaveBeenCalled();
  });
});
