// Waiting on conditions outside this process. Everything that waits has a deadline and names what it waited for.
import { setTimeout as pause } from 'node:timers/promises';

/** Asks again and again until the answer is neither undefined nor false. */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<Exclude<T, undefined | false>> {
  const { timeoutMs = 20_000, everyMs = 50 } = options;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (isAnswer(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await pause(everyMs);
  }
}

function isAnswer<T>(answer: T): answer is Exclude<T, undefined | false> {
  return answer !== undefined && answer !== false;
}

/**
 * Waits for a new second. Converse keeps times in whole seconds and, loaded anew, shows what has the same time in any order,
 * also without us: there every message needs a second of its own.
 */
export function nextSecond(): Promise<void> {
  return pause(1005 - (Date.now() % 1000));
}
