// INTERCEPTION.md says for each requirement of an interceptor which test shows it. Here the tests it names are looked for.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = path.join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `I-${from + index}`);
/** The requirements on the stream; the others are about stanzas. */
const IDS = [...range(1, 57), ...range(121, 130)];

interface Row {
  readonly id: string;
  readonly shownBy: readonly string[];
}

function rowsOf(text: string): readonly Row[] {
  return [...text.matchAll(/^\| (I-\d+) \| [^|]+ \| ([^|]+) \|$/gm)].map(
    ([, id = '', cell = '']) => ({ id, shownBy: cell.split('<br>') }),
  );
}

const rows = rowsOf(read('INTERCEPTION.md'));
const REASON = /^(?:not yet|design D\d+): .+$/;
const NAMED = /^`(tests\/[^`]+\.ts)` › (.+)$/;

function problemOf(id: string, entry: string): string | undefined {
  if (REASON.test(entry)) return undefined;
  const [, file = '', name = ''] = NAMED.exec(entry) ?? [];
  if (file === '' || !existsSync(path.join(ROOT, file))) return `no such file: ${entry}`;
  const source = read(file);
  const isThere = [`'${name}'`, `"${name}"`, `\`${name}\``].some((text) => source.includes(text));
  if (!isThere) return `no such test: ${entry}`;
  return new RegExp(`${id}(?!\\d)`).test(name) ? undefined : `without ${id}: ${entry}`;
}

describe('the table of requirements', () => {
  it('has every id once, in order', () => {
    expect(rows.map(({ id }) => id)).toEqual(IDS);
  });

  it('names tests that exist and hold the id, or a reason', () => {
    const problems = rows.flatMap(({ id, shownBy }) =>
      shownBy.flatMap((entry) => problemOf(id, entry) ?? []),
    );
    expect(problems).toEqual([]);
  });

  it.each([
    ['a reason that is empty', 'not yet:'],
    ['a test that is not there', '`tests/manifest.test.ts` › asks for nothing (I-1)'],
    ['a file that is not there', '`tests/nowhere.test.ts` › reads %j as %j (I-40)'],
    ['a test of another requirement', '`tests/jid.test.ts` › reads %j as %j (I-40)'],
  ])('would not take %s', (_name, entry) => {
    expect(problemOf('I-4', entry)).toBeDefined();
  });
});
