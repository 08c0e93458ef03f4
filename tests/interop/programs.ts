// Builds the drivers that are programs, once for each state of their sources, below the ignored folder .artifacts.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const DRIVERS = path.join(import.meta.dirname, 'peers');
const OUTPUT = path.join(import.meta.dirname, '..', '..', '.artifacts', 'peers');

/** What it prints is in the error when it fails. */
const run = promisify(execFile);

function sourcesOf(name: string, ending: string): string[] {
  const folder = path.join(DRIVERS, name);
  return readdirSync(folder)
    .filter((file) => file.endsWith(ending))
    .sort()
    .map((file) => path.join(folder, file));
}

/** Answers the folder with the result of `build`, which is not run again before a source changes. */
async function built(name: string, build: (folder: string) => Promise<unknown>): Promise<string> {
  const folder = path.join(OUTPUT, name);
  const stamp = path.join(folder, 'built-from');
  const digest = createHash('sha256');
  for (const file of sourcesOf(name, '')) digest.update(readFileSync(file)).update('\0');
  const state = digest.digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await build(folder);
  writeFileSync(stamp, state);
  return folder;
}

/** The program with libomemo-c's keys and sessions. */
export async function buildLibomemoDevice(): Promise<string> {
  const name = 'libomemo-c';
  const folder = await built(name, (output) => {
    const options = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-I/usr/include/omemo'];
    const result = ['-lomemo-c', '-lcrypto', '-o', path.join(output, 'device')];
    return run('gcc', [...options, ...sourcesOf(name, '.c'), ...result]);
  });
  return path.join(folder, 'device');
}

/** The command line of the driver of Smack. */
export async function buildSmackDriver(): Promise<readonly [string, ...string[]]> {
  const name = 'smack';
  const folder = await built(name, async (output) => {
    const libraries = path.join(output, 'lib');
    const project = path.join(DRIVERS, name, 'pom.xml');
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${libraries}`];
    await run('mvn', ['--batch-mode', '--quiet', '--file', project, ...goal]);
    const options = ['-d', path.join(output, 'classes'), '-cp', path.join(libraries, '*')];
    await run('javac', [...options, ...sourcesOf(name, '.java')]);
  });
  const classPath = [path.join(folder, 'classes'), path.join(folder, 'lib', '*')];
  // Short-lived and mostly waiting: the quick compiler alone starts faster.
  return ['java', '-XX:TieredStopAtLevel=1', '-cp', classPath.join(path.delimiter), 'Driver'];
}
