// Properties with a seed, so that a failure can be run again.
import fc from 'fast-check';

const SEED = 20_260_105;

/** Checks an asynchronous property on `numRuns` seeded examples. */
export async function property<T>(
  arbitrary: fc.Arbitrary<T>,
  numRuns: number,
  check: (value: T) => Promise<void>,
): Promise<void> {
  await fc.assert(fc.asyncProperty(arbitrary, check), { seed: SEED, numRuns });
}
