// Builds the extension of this tree into a folder of its own, so that what lies in .output stays as it is.
import path from 'node:path';
import { ROOT } from './steps.mjs';

/** wxt tells of its work on the standard output; what a script has to say stands apart from it. */
async function quietly(work) {
  const { log, info, warn } = console;
  const write = process.stdout.write;
  process.stdout.write = () => true;
  console.log = console.info = console.warn = () => undefined;
  try {
    return await work();
  } finally {
    process.stdout.write = write;
    Object.assign(console, { log, info, warn });
  }
}

/** The path of the archive of `chrome` or `firefox`, as `wxt zip` makes it. */
export async function zipOfTree(browser, folder) {
  const { zip } = await import('wxt');
  const [file] = await quietly(() => zip({ root: ROOT, browser, outDir: folder }));
  return file;
}

/** The path of the build for Chromium with a source map beside each script. */
export async function buildWithMaps(folder) {
  const { build } = await import('wxt');
  const vite = () => ({ build: { sourcemap: true } });
  await quietly(() => build({ root: ROOT, browser: 'chrome', outDir: folder, vite }));
  return path.join(folder, 'chrome-mv3');
}
