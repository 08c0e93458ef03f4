// Stanzas in the forms of real clients, with the record each of them means.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const FOLDER = path.join(import.meta.dirname, '..', 'stanzas');

export interface Fixture {
  readonly name: string;
  readonly xml: string;
  readonly expected: Readonly<Record<string, unknown>>;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** All fixtures whose record is of that kind: message, bundle, list. */
export function fixturesOf(kind: string): Fixture[] {
  return readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.xml'))
    .sort()
    .map((file): Fixture => {
      const base = path.join(FOLDER, file.slice(0, -'.xml'.length));
      const expected: unknown = JSON.parse(readFileSync(`${base}.json`, 'utf8'));
      if (!isRecord(expected)) throw new TypeError(`${file}: want an object beside it`);
      return { name: file, xml: readFileSync(`${base}.xml`, 'utf8'), expected };
    })
    .filter(({ expected }) => expected['kind'] === kind);
}

/** One fixture by its file name without ending. */
export function fixture(name: string): string {
  return readFileSync(path.join(FOLDER, `${name}.xml`), 'utf8');
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
