// A cross-check as tests: one run per peer and version, one test per direction.
import { mkdirSync, writeFileSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { OmemoVersion } from '../../src/omemo/types';
import { BUILT } from './build';
import { oursSide } from './ours';
import { startPeer, type PeerKind } from './peer';
import { run, type Report } from './run';
import { NAMES, type Name } from './world';

const EVENTS = 10_000;
const SHORT: Readonly<Record<OmemoVersion, string>> = {
  'eu.siacs.conversations.axolotl': 'legacy',
  'urn:xmpp:omemo:2': 'omemo:2',
};

/** A check of every change must not depend on luck; OMNEMO_CROSS_SEED=random looks further. */
const SEED = 20_261_124;

/** OMNEMO_CROSS_SEED repeats the run of a seed; `random` draws one. */
function seedOf(): number {
  const chosen = process.env['OMNEMO_CROSS_SEED'];
  if (chosen === undefined) return SEED;
  if (chosen === 'random') return randomInt(2 ** 31);
  const seed = Number(chosen);
  if (!Number.isSafeInteger(seed)) throw new RangeError('OMNEMO_CROSS_SEED: want a whole number');
  return seed;
}

async function cross(kind: PeerKind, version: OmemoVersion): Promise<Report> {
  const seed = seedOf();
  const clock = { ms: 0 };
  const ours = await oursSide(version, seed + 1, clock);
  const theirs = await startPeer(kind, ours, seed + 2);
  try {
    return await run({ ours, theirs }, clock, EVENTS, seed);
  } finally {
    await theirs.stop();
  }
}

function written(record: Readonly<Record<string, number>>): string {
  return Object.entries(record)
    .sort()
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

function print(title: string, report: Report): void {
  const { seed, events, counts, kinds, ms } = report;
  const lines = NAMES.map((from) => {
    const { sent, opened, refused } = counts[from];
    return `  ${from}: sent ${sent}, opened ${opened}, refused ${written(refused)}`;
  });
  const head = `${title}: seed ${seed}, ${events} events in ${(ms / 1000).toFixed(1)} s (${written(kinds)})`;
  console.log([head, ...lines].join('\n'));
}

/** Leaves what a disagreement was about where a unit test can be made from it. */
function keepEvidence(title: string, { seed, disagreement }: Report): void {
  if (disagreement === undefined) return;
  mkdirSync(BUILT, { recursive: true });
  const name = `${title.replace(/\W+/g, '-')}-${seed}.json`;
  writeFileSync(path.join(BUILT, name), disagreement.evidence);
}

export function describePair(kind: PeerKind, version: OmemoVersion): void {
  const title = `${kind.name}, ${SHORT[version]}`;
  describe(title, () => {
    let report: Report;
    beforeAll(async () => {
      report = await cross(kind, version);
      print(title, report);
      keepEvidence(title, report);
    });
    const check = (from: Name) => {
      expect(report.disagreement?.text).toBeUndefined();
      expect(report.events).toBe(EVENTS);
      // Enough of everything that a run without a disagreement says something.
      const { opened, refused } = report.counts[from];
      expect(opened).toBeGreaterThan(1000);
      expect(refused['damaged']).toBeGreaterThan(20);
      expect(refused['again: duplicate']).toBeGreaterThan(20);
      expect(Math.min(...Object.values(report.kinds))).toBeGreaterThan(0);
    };
    test(`what omnemo sends opens in ${kind.name}, and only once`, () => check('ours'));
    test(`what ${kind.name} sends opens in omnemo, and only once`, () => check('theirs'));
  });
}
