// Two and three devices of each version under loss, repetition, reordering, restarts and simultaneous starts.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VERSIONS } from './devices';
import { createNetwork } from './network';
import { report, runs, TEST_TIMEOUT_MS } from './runs';

const NAMES = ['alice', 'bob', 'carol'];

interface Step {
  readonly kind: 'send' | 'reset' | 'take' | 'lose' | 'repeat' | 'restart';
  readonly who: number;
  readonly whom: number;
  readonly place: number;
}

/** Messages are sent and delivered mostly; the rest happens now and then. */
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    { weight: 8, arbitrary: fc.constant('send' as const) },
    { weight: 8, arbitrary: fc.constant('take' as const) },
    { weight: 1, arbitrary: fc.constantFrom('reset', 'lose', 'repeat', 'restart' as const) },
  ),
  who: fc.nat(2),
  whom: fc.nat(1),
  place: fc.nat(30),
});

describe.each(VERSIONS)('%s', (version) => {
  test.each([2, 3])(
    'what %i devices write each other is read once and unchanged',
    async (size) => {
      const names = NAMES.slice(0, size);
      const total = { runs: 0, sent: 0, delivered: 0 };
      const property = fc.asyncProperty(
        fc.array(step, { minLength: 4, maxLength: 60 }),
        async (steps) => {
          const network = await createNetwork(version, names);
          for (const { kind, who, whom, place } of steps) {
            const from = names[who % size] ?? '';
            const to = names[(who + 1 + (whom % (size - 1))) % size] ?? '';
            if (kind === 'send' || kind === 'reset') await network.send(from, to, kind === 'reset');
            else if (kind === 'take' || kind === 'lose') await network.take(place, kind === 'lose');
            else if (kind === 'repeat') await network.repeat(place);
            else network.restart(from);
          }
          await network.settle();
          const { sent, delivered } = network.counts();
          total.runs += 1;
          total.sent += sent;
          total.delivered += delivered;
        },
      );
      await fc.assert(property, runs(8, 1 / 4));
      expect(total.delivered).toBeGreaterThan(50);
      report(`${version}, ${size} devices`, total);
    },
    TEST_TIMEOUT_MS,
  );
});
