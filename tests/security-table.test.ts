// SECURITY.md says for each mitigation which test shows it. Here the tests it names are looked for.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = path.join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');
/** The threat model numbers its mitigations from 1 to this. */
const LAST = 90;

interface Row {
  readonly id: string;
  readonly shownBy: readonly string[];
}

function rowsOf(text: string): readonly Row[] {
  return [...text.matchAll(/^\| (M\d+) \| [^|]+ \| ([^|]+) \|$/gm)].map(
    ([, id = '', cell = '']) => ({
      id,
      shownBy: cell.split('<br>'),
    }),
  );
}

const rows = rowsOf(read('SECURITY.md'));
const NAMED = /^`(tests\/[^`]+\.ts)` › (.+)$/;

function problemOf(entry: string): string | undefined {
  const reason = /^not yet: (.+)$/.exec(entry)?.[1];
  if (reason !== undefined) return undefined;
  const [, file = '', name = ''] = NAMED.exec(entry) ?? [];
  if (file === '' || !existsSync(path.join(ROOT, file))) return `no such file: ${entry}`;
  const source = read(file);
  const isThere = [`'${name}'`, `"${name}"`, `\`${name}\``].some((text) => source.includes(text));
  return isThere ? undefined : `no such test: ${entry}`;
}

describe('the table of mitigations', () => {
  it('has every id once, in order', () => {
    const ids = Array.from({ length: LAST }, (_, index) => `M${index + 1}`);
    expect(rows.map(({ id }) => id)).toEqual(ids);
  });

  it('names tests that exist, or a reason', () => {
    expect(
      rows.flatMap(({ shownBy }) => shownBy.flatMap((entry) => problemOf(entry) ?? [])),
    ).toEqual([]);
  });

  it.each([
    'tests/manifest.test.ts › asks for exactly these permissions',
    '`tests/manifest.test.ts` › asks for nothing',
    '`tests/nowhere.test.ts` › asks for exactly these permissions',
    'not yet:',
  ])('would not take: %s', (entry) => {
    expect(problemOf(entry)).toBeDefined();
  });
});
