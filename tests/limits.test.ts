// Limits stand in one file, each with its source (design D19), and nothing else says how much is taken, kept or sent.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = path.join(import.meta.dirname, '..');
const LIMITS = 'src/limits.ts';
/** What a standard or the form of a thing says, not how much of it is taken. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'src/jid.ts MAX_PART': 'RFC 7622: an address above it is none',
  'src/stream/hook/close-arguments.ts MAX_REASON_BYTES':
    'WHATWG: what the native function throws at',
  'src/session/envelope-build.ts MAX_PADDING': 'XEP-0420: how much we add',
  'src/rpc/port.ts MAX_SILENT_PORTS': 'attempts, not an amount',
  'src/stream/bridge/bosh-stream.ts MAX_TRIES': 'attempts, not an amount',
  'src/stream/hook/workers.ts MAX_DEPTH': 'how a known library nests what it posts',
};

const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

function sources(): string[] {
  return readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .map((file) => path.posix.join('src', file.split(path.sep).join('/')))
    .filter((file) => /\.tsx?$/.test(file) && file !== LIMITS);
}

describe('limits', () => {
  it('are set in one file', () => {
    const found = sources().flatMap((file) =>
      [...read(file).matchAll(/^(?:export )?const (MAX_\w+)\b/gm)].map(
        ([, name = '']) => `${file} ${name}`,
      ),
    );
    expect(found.sort()).toEqual(Object.keys(ELSEWHERE).sort());
  });

  it('of requests are none of their own: no number stands in a guard of a text, list or bytes', () => {
    const numbers = ['src/rpc/content-guards.ts', 'src/rpc/popup-guards.ts'].flatMap((file) =>
      [...read(file).matchAll(/\b(?:text|list)\([^()]*\b\d{3,}\b[^()]*\)/g)].map(
        ([found]) => found,
      ),
    );
    // A fingerprint as it is shown.
    expect(numbers).toEqual(['text(100)']);
  });

  it('have a sentence each, and are all used', () => {
    const limits = read(LIMITS);
    const names = [...limits.matchAll(/^export const (\w+) =/gm)].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(40);
    const rest = sources().map(read).join('\n');
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(rest))).toEqual([]);
    const bare = [...limits.matchAll(/;\nexport const (\w+) =/g)].map(([, name]) => name);
    expect(bare).toEqual([]);
  });
});
