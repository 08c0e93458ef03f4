// The inventory of packages in README.md against what is asked for, locked and installed (M83). What is really in the build, and how
// much of it, is in e2e/supply.test.ts.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { packagesInReadme } from './support/packages-table';

interface Locked {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const ROOT = path.join(import.meta.dirname, '..');
const read = (file: string): unknown => JSON.parse(readFileSync(path.join(ROOT, file), 'utf8'));
const asked: Readonly<Record<string, string>> = Object(read('package.json')).dependencies;
const locked = new Map<string, Locked>(Object.entries(Object(read('package-lock.json')).packages));
/** Licences that let anyone pass the extension on. */
const PERMISSIVE = ['MIT', 'ISC', 'Apache-2.0', 'MPL-2.0', 'BSD-3-Clause', '0BSD'];
/** The build puts some lines of its own into each script. */
const OF_THE_BUILD = ['@wxt-dev/browser', 'wxt'];

/** What the packages we ask for bring along, and what these bring. */
function closure(names: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const add = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    Object.keys(locked.get(`node_modules/${name}`)?.dependencies ?? {}).forEach(add);
  };
  names.forEach(add);
  return found;
}

describe('the packages of the extension', () => {
  const rows = packagesInReadme();

  it('are those of the table, with what they bring along, and no others', () => {
    const names = rows.map(({ name }) => name);
    expect(names).toEqual([...closure(Object.keys(asked)), ...OF_THE_BUILD].sort());
    expect(Object.keys(asked).length).toBeGreaterThan(5);
  });

  it.each(rows)('$name is pinned, locked and installed in version $version', (row) => {
    const entry = locked.get(`node_modules/${row.name}`);
    const installed = Object(read(`node_modules/${row.name}/package.json`));
    expect(installed).toMatchObject({ version: row.version, license: row.licence });
    expect(entry).toMatchObject({ version: row.version, license: row.licence });
    expect(entry?.integrity).toMatch(/^sha512-/);
    if (row.name in asked) expect(asked[row.name]).toBe(row.version);
    expect(PERMISSIVE).toContain(row.licence);
  });

  it('are locked by a hash, like everything that builds and tests it', () => {
    // A link is a folder inside another package, which has its hash.
    const without = [...locked].filter(
      ([name, { link, integrity }]) =>
        name.startsWith('node_modules/') && link !== true && integrity === undefined,
    );
    const inside = without.filter(([name]) => !/^node_modules\/converse\.js\/src\//.test(name));
    expect(inside).toEqual([]);
    expect(locked.size).toBeGreaterThan(100);
  });
});
