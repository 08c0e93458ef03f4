// What the production build weighs, part by part, and whether the script of every page stays within its budget.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { BUILD } from '../support/chromium';

/** In bytes, gzip. */
const HOOK_BUDGET = 8192;

interface Part {
  readonly name: string;
  readonly files: readonly string[];
}

/** Files of the popup: what its page loads, and what that imports in turn. */
function popupFiles(): string[] {
  const found = new Set<string>();
  const add = (file: string) => {
    if (found.has(file) || !existsSync(path.join(BUILD, file))) return;
    found.add(file);
    const text = readFileSync(path.join(BUILD, file), 'utf8');
    const references = text.matchAll(
      /(?:src=|href=|from|import)\s*\(?["']([^"']+\.(?:js|css))["']/g,
    );
    for (const [, reference = ''] of references)
      add(
        reference.startsWith('/')
          ? reference.slice(1)
          : path.posix.join(path.posix.dirname(file), reference),
      );
  };
  add('popup.html');
  return [...found];
}

function weigh({ name, files }: Part): { name: string; minified: number; gzip: number } {
  const contents = files.map((file) => readFileSync(path.join(BUILD, file)));
  const sum = (lengths: number[]) => lengths.reduce((total, length) => total + length, 0);
  return {
    name,
    minified: sum(contents.map((content) => content.length)),
    gzip: sum(contents.map((content) => gzipSync(content, { level: 9 }).length)),
  };
}

const row = (...columns: readonly (string | number)[]) =>
  console.log(
    columns
      .map((column, index) =>
        index === 0 ? String(column).padEnd(12) : String(column).padStart(10),
      )
      .join(''),
  );

function main(): boolean {
  const single = ['hook', 'bridge', 'session', 'background'].map((name) => ({
    name,
    files: [`${name}.js`],
  }));
  const all = readdirSync(BUILD, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(BUILD, path.join(entry.parentPath, entry.name)));
  row('bytes', 'minified', 'gzip');
  const weights = [
    ...single,
    { name: 'popup', files: popupFiles() },
    { name: 'everything', files: all },
  ].map(weigh);
  for (const { name, minified, gzip } of weights) row(name, minified, gzip);
  const hook = weights.find(({ name }) => name === 'hook')?.gzip ?? Infinity;
  const isGood = hook < HOOK_BUDGET;
  console.log(
    `hook: ${hook} bytes gzip, wanted less than ${HOOK_BUDGET}: ${isGood ? 'good' : 'TOO BIG'}`,
  );
  return isGood;
}

process.exitCode = main() ? 0 : 1;
