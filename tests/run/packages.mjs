// node tests/run/packages.mjs: the packages whose code is in the extension, each with version, licence and the bytes it takes there,
// as JSON. Counted is what the source maps of the production build say of each character; a package in two scripts counts twice.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ROOT } from './steps.mjs';
import { buildWithMaps } from './tree-build.mjs';

/** The innermost package of a path. */
const PACKAGE = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//;

function addScript(sizes, file) {
  const map = new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')));
  readFileSync(file, 'utf8')
    .split('\n')
    .forEach((line, row) => {
      for (let column = 0; column < line.length; column++) {
        const name = PACKAGE.exec(map.findEntry(row, column).originalSource ?? '')?.[1];
        if (name !== undefined) sizes.set(name, (sizes.get(name) ?? 0) + 1);
      }
    });
}

function describe([name, bytes]) {
  const text = readFileSync(path.join(ROOT, 'node_modules', name, 'package.json'), 'utf8');
  const { version, license } = JSON.parse(text);
  return { name, version, license, bytes };
}

const folder = mkdtempSync(path.join(tmpdir(), 'omnemo-packages-'));
try {
  const built = await buildWithMaps(folder);
  const sizes = new Map();
  for (const file of readdirSync(built, { recursive: true, encoding: 'utf8' }))
    if (file.endsWith('.js')) addScript(sizes, path.join(built, file));
  const found = [...sizes].map(describe).sort((one, other) => (one.name < other.name ? -1 : 1));
  console.log(JSON.stringify(found));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
