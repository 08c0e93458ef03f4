// npm run verify-zip -- FILE: whether an archive of the extension is what this tree builds, byte for byte, and if not, which files
// in it are different. Builds into a folder of its own.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setup } from './setup.mjs';

const files = process.argv.slice(2);
if (files.length !== 1) {
  console.error('usage: npm run verify-zip -- FILE');
  process.exit(2);
}
setup();
// Not before there are packages.
const { browserOf, differences } = await import('./compare-zip.mjs');
const { zipOfTree } = await import('./tree-build.mjs');
const hashOf = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** The archive and the browser it is for; ends the script where it is none. */
function read(file) {
  try {
    const bytes = readFileSync(file);
    return { bytes, browser: browserOf(bytes) };
  } catch (error) {
    console.error(`${file} is no archive of the extension: ${error.message}`);
    process.exit(2);
  }
}

const given = read(files[0]);
const folder = mkdtempSync(path.join(tmpdir(), 'omnemo-verify-'));
try {
  const built = readFileSync(await zipOfTree(given.browser, folder));
  const lines = differences(given.bytes, built);
  for (const line of lines) console.log(line);
  console.log(`given ${hashOf(given.bytes)}`);
  console.log(`built ${hashOf(built)} (${given.browser})`);
  console.log(lines.length === 0 ? 'the same, byte for byte' : 'NOT THE SAME');
  process.exitCode = lines.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
