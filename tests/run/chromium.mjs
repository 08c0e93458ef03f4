// Where Chromium is on this machine. Plain Node: set-up asks it before any package is installed.
import { accessSync, constants, readFileSync } from 'node:fs';
import path from 'node:path';

/** Debian's /usr/bin/chromium is a script with arguments of its own: the binary behind it comes first. */
const KNOWN = ['/usr/lib/chromium/chromium', '/usr/bin/chromium'];
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false; // absent or not ours to run: the next candidate
  }
}

/** Ubuntu's chromium package only leads to a snap, which sees neither our profile nor our build. */
function isSnap(file) {
  return file.startsWith('/snap/') || readFileSync(file).subarray(0, 4096).includes('/snap/');
}

function candidates() {
  const chosen = process.env.OMNEMO_CHROMIUM;
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter(Boolean);
  const inPath = NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  return [...(chosen ? [chosen] : []), ...KNOWN, ...inPath];
}

/** The executable, or undefined. */
export function locateChromium() {
  return candidates().find((file) => isExecutable(file) && !isSnap(file));
}

/** The executable; throws when there is none. */
export function findChromium() {
  const found = locateChromium();
  if (found === undefined) throw new Error('no Chromium found; OMNEMO_CHROMIUM may name one');
  return found;
}
