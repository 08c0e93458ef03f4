// Notes the processes a test run started, one file each, so that the run's parent can end what a killed test left behind.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

function fileOf(pid: number): string | undefined {
  const folder = process.env['OMNEMO_PIDS'];
  return folder === undefined ? undefined : path.join(folder, String(pid));
}

/** `mark` stands in the command line of the process, so that a pid in other hands is told apart. */
export function notePid(pid: number | undefined, mark: string): void {
  const file = pid === undefined ? undefined : fileOf(pid);
  if (file === undefined) return;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, mark);
}

export function forgetPid(pid: number | undefined): void {
  const file = pid === undefined ? undefined : fileOf(pid);
  if (file !== undefined) rmSync(file, { force: true });
}
