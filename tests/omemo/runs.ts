// How often a property is tried: a few seeded times with the other tests, or for OMNEMO_FUZZ_MINUTES with a new seed.
import type { Parameters } from 'fast-check';

const SEED = 20_260_105;
const MINUTES = Number(process.env['OMNEMO_FUZZ_MINUTES'] ?? 0);

/** Are the tests asked to run long. */
export const isLong = MINUTES > 0;

/** Time limit of a test in ms: the long ones get a reserve for their last try. */
export const TEST_TIMEOUT_MS = isLong ? (MINUTES + 2) * 60_000 : 60_000;

/**
 * Parameters for `fc.assert`.
 * @param few tries without OMNEMO_FUZZ_MINUTES
 * @param share part of the minutes this property gets: all of a file add up to 1
 */
export function runs<T>(few: number, share: number): Parameters<T> {
  if (!isLong) return { seed: SEED, numRuns: few };
  return {
    seed: Date.now() % 2 ** 31,
    numRuns: 1e9,
    interruptAfterTimeLimit: MINUTES * 60_000 * share,
    markInterruptAsFailure: false,
  };
}

/** Says after a long run how much was tried. */
export function report(what: string, counts: Readonly<Record<string, number>>): void {
  if (isLong) console.info(`${what}: ${JSON.stringify(counts)}`);
}
