// Where Firefox is on this machine. Plain Node: set-up asks it before any package is installed.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const NAMES = ['firefox-esr', 'firefox'];

/** Ubuntu's firefox package only leads to a snap, which does not take a profile of ours. */
function isSnap(file) {
  return file.startsWith('/snap/') || readFileSync(file).subarray(0, 4096).includes('/snap/');
}

/** The executable, or undefined; OMNEMO_FIREFOX may name one. */
export function locateFirefox() {
  const chosen = process.env.OMNEMO_FIREFOX;
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter(Boolean);
  const inPath = NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  const candidates = [...(chosen ? [chosen] : []), ...inPath];
  return candidates.find((file) => existsSync(file) && !isSnap(file));
}
