// Folders for one run, below the system's temporary folder; removed by whoever made them, at the latest with the process.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface TempFolder {
  readonly path: string;
  remove(): void;
}

const present = new Set<string>();
process.once('exit', () => {
  for (const folder of present) {
    try {
      remove(folder);
    } catch {
      console.error(`left behind: ${folder}`);
    }
  }
});

/** A browser that just ended may still write for a moment. */
function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  present.delete(folder);
}

export function tempFolder(purpose: string): TempFolder {
  const folder = mkdtempSync(path.join(tmpdir(), `omnemo-${purpose}-`));
  present.add(folder);
  return { path: folder, remove: () => remove(folder) };
}
