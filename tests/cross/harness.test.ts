// The harness itself: our core against our core agrees with the model, and each kind of fault is noticed.
import { describe, expect, test } from 'vitest';
import { oursSide } from './ours';
import { run, type Report } from './run';
import type { Clock, Side, WireKey } from './side';

const VERSION = 'urn:xmpp:omemo:2';
const SEED = 7;

async function check(events: number, fault: (side: Side) => Partial<Side>): Promise<Report> {
  const clock: Clock = { ms: 0 };
  const side = await oursSide(VERSION, SEED + 2, clock);
  const theirs = { ...side, ...fault(side) };
  return await run({ ours: await oursSide(VERSION, SEED + 1, clock), theirs }, clock, events, SEED);
}

/** Does something else at the `nth` call of a kind. */
function atCall(nth: number): () => boolean {
  let calls = 0;
  return () => ++calls === nth;
}

const FAULTS: readonly (readonly [string, (side: Side) => Partial<Side>, RegExp])[] = [
  [
    'a genuine message is refused',
    (side) => {
      const isTime = atCall(40);
      return {
        decrypt: async (key) =>
          isTime() ? { kind: 'refused', code: 'bad-mac' } : side.decrypt(key),
      };
    },
    /refused with bad-mac, want it opened/,
  ],
  [
    'a message opens to something else',
    (side) => {
      const isTime = atCall(40);
      return {
        decrypt: async (key) => {
          const answer = await side.decrypt(key);
          return answer.kind === 'opened' && isTime()
            ? { ...answer, keyMaterial: answer.keyMaterial.toReversed() }
            : answer;
        },
      };
    },
    /opened to other key material/,
  ],
  [
    'a message opens again',
    (side) => {
      const opened = new Map<WireKey, Uint8Array>();
      return {
        decrypt: async (key) => {
          const before = opened.get(key);
          if (before !== undefined) return { kind: 'opened', keyMaterial: before };
          const answer = await side.decrypt(key);
          if (answer.kind === 'opened') opened.set(key, answer.keyMaterial);
          return answer;
        },
      };
    },
    /opened, want/,
  ],
  [
    'a used message key is called damaged',
    (side) => ({
      decrypt: async (key) => {
        const answer = await side.decrypt(key);
        return answer.kind === 'refused' ? { ...answer, code: 'bad-mac' } : answer;
      },
    }),
    /refused with bad-mac, want duplicate/,
  ],
  [
    'a refused message changes the state',
    (side) => {
      let refusals = 0;
      return {
        decrypt: async (key) => {
          const answer = await side.decrypt(key);
          if (answer.kind === 'refused') refusals += 1;
          return answer;
        },
        save: async () => `${await side.save()} ${refusals}`,
      };
    },
    /state changed/,
  ],
  [
    'a restart loses something',
    (side) => {
      let restarts = 0;
      return {
        restart: async (inProcess) => {
          restarts += 1;
          await side.restart(inProcess);
        },
        save: async () => `${await side.save()} ${restarts}`,
      };
    },
    /another state after the restart/,
  ],
  [
    'archived sessions are forgotten',
    (side) => ({ sessions: async () => (await side.sessions()).slice(0, 1) }),
    /other sessions stored/,
  ],
  [
    'the same message key is used for two messages',
    (side) => {
      let last: WireKey | undefined;
      const isTime = atCall(40);
      return {
        encrypt: async (keyMaterial) => {
          if (last === undefined || !isTime()) last = await side.encrypt(keyMaterial);
          return last;
        },
      };
    },
    /header|message key used twice/,
  ],
  [
    'a damaged message is opened',
    (side) => ({
      decrypt: async (key) => {
        const answer = await side.decrypt(key);
        const isDamaged = answer.kind === 'refused' && answer.code !== 'duplicate';
        return isDamaged ? { kind: 'opened', keyMaterial: new Uint8Array(48) } : answer;
      },
    }),
    /opened with bit|opened, want/,
  ],
];

describe('the cross-check', () => {
  test('finds our core in agreement with itself', async () => {
    const report = await check(1500, () => ({}));
    expect(report.disagreement).toBeUndefined();
    expect(report.counts.ours.opened + report.counts.theirs.opened).toBeGreaterThan(400);
  });

  test('repeats a run by its seed', async () => {
    const [first, second] = [await check(300, () => ({})), await check(300, () => ({}))];
    expect(second).toEqual({ ...first, ms: second.ms });
  });

  test.each(FAULTS)('notices that %s', async (_name, fault, what) => {
    const { disagreement } = await check(1500, fault);
    expect(disagreement?.text).toMatch(what);
  });
});
