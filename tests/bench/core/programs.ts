// Implementations that run as programs: a process per round, which prints its times.
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { NPM_RIVALS } from '../../run/npm-rivals.mjs';
import type { Times } from './scenarios';

const run = promisify(execFile);
const PEERS = path.join(import.meta.dirname, '..', 'peers');

async function timesOf(command: string, args: readonly string[]): Promise<Times> {
  const { stdout } = await run(command, [...args], { timeout: 120_000 });
  const times: Times = JSON.parse(stdout);
  return times;
}

/** Compiles the driver of libomemo-c into `folder`; answers the command that runs a version. */
export async function buildLibomemoC(folder: string): Promise<(version: string) => Promise<Times>> {
  mkdirSync(folder, { recursive: true });
  const program = path.join(folder, 'libomemo-c');
  const sources = ['crypto.c', 'scenarios.c'].map((file) => path.join(PEERS, 'libomemo-c', file));
  const options = ['-std=gnu11', '-O2', '-Wall', '-I/usr/include/omemo', '-o', program];
  await run('gcc', [...options, ...sources, '-lomemo-c', '-lcrypto']);
  return (version) => timesOf(program, [version]);
}

/** Debian's own interpreter: another Python does not see Debian's packages. */
export function oldmemo(): Promise<Times> {
  return timesOf('/usr/bin/python3', ['-B', path.join(PEERS, 'python_oldmemo.py')]);
}

export function libsignalInNode(): Promise<Times> {
  const script = path.join(import.meta.dirname, 'in-node.ts');
  return timesOf(process.execPath, ['--import', 'tsx', script, NPM_RIVALS]);
}
