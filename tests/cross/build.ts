// Builds the drivers once per content, below .artifacts, and answers how to start them.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';

const PEERS = path.join(import.meta.dirname, 'peers');
export const BUILT = path.join(import.meta.dirname, '..', '..', '.artifacts', 'cross');

/** Runs a build step; what it prints is in the error. */
function perform(command: string, args: readonly string[]): string {
  const done = spawnSync(command, args, { encoding: 'utf8' });
  if (done.status === 0) return done.stdout.trim();
  throw new Error(
    `${command} ${args.join(' ')}\n${done.error?.message ?? done.stdout + done.stderr}\n` +
      'npm run test:cross installs what the drivers need.',
  );
}

/** The folder with the output of `build`, made anew when one of the files has changed. */
function built(name: string, files: readonly string[], build: (folder: string) => void): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(path.join(PEERS, file)));
  const folder = path.join(BUILT, `${name}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  const partial = `${folder}.${process.pid}`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  build(partial);
  renameSync(partial, folder);
  return folder;
}

/** The driver of libomemo-c, compiled against Debian's headers. */
export function buildLibomemoC(): string {
  const file = 'libomemo_c.c';
  const libraries = ['libomemo-c', 'libcjson', 'libcrypto'];
  const flags = (option: string) =>
    perform('pkg-config', [option, ...libraries])
      .split(/\s+/)
      .filter(Boolean);
  const folder = built('libomemo-c', [file], (output) => {
    const program = path.join(output, 'driver');
    const source = path.join(PEERS, file);
    perform('cc', [
      '-O2',
      '-Wall',
      ...flags('--cflags'),
      '-o',
      program,
      source,
      ...flags('--libs'),
    ]);
  });
  return path.join(folder, 'driver');
}

/** Debian's own interpreter: another Python does not see Debian's packages. */
export function pythonDriver(): readonly string[] {
  perform('/usr/bin/python3', ['-c', 'import oldmemo, twomemo']);
  return ['/usr/bin/python3', '-B', path.join(PEERS, 'python_omemo.py')];
}

/** The driver of Java libsignal with its libraries from Maven: from what is on this machine, else from Maven Central. */
export function javaDriver(): readonly string[] {
  const folder = built('libsignal', ['pom.xml', 'Libsignal.java'], (output) => {
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${output}`];
    const maven = ['-q', '-B', '-C', '-f', path.join(PEERS, 'pom.xml'), ...goal];
    const isLocal = spawnSync('mvn', ['-o', ...maven], { stdio: 'ignore' }).status === 0;
    if (!isLocal) perform('mvn', maven);
    const classpath = path.join(output, '*');
    perform('javac', ['-cp', classpath, '-d', output, path.join(PEERS, 'Libsignal.java')]);
  });
  return ['java', '-XX:+UseSerialGC', '-cp', `${folder}:${path.join(folder, '*')}`, 'Libsignal'];
}
