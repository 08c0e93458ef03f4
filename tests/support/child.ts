// A server process of a test: started with its output in a file, ended by its own pid, never by name.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { forgetPid, notePid } from './pids';

export interface Child {
  /** False once the process ended by itself or by `stop`. */
  isRunning(): boolean;
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

const GRACE_MS = 10_000;

/** Children alive in this process; ended with it whatever the reason. */
const alive = new Set<ChildProcess>();
// Before the folders of the run are removed.
process.prependOnceListener('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

export function startChild(
  command: string,
  args: readonly string[],
  options: { cwd: string; output: string; env?: NodeJS.ProcessEnv },
): Child {
  const output = openSync(options.output, 'a');
  const child = spawn(command, args, {
    cwd: options.cwd,
    stdio: ['ignore', output, output],
    // A group of its own: Ctrl-C reaches the script that started it, which then stops it in order.
    detached: true,
    env: options.env ?? process.env,
  });
  closeSync(output);
  alive.add(child);
  notePid(child.pid, args.at(-1) ?? command);
  const ended = new Promise<void>((resolve) => {
    const done = () => {
      alive.delete(child);
      forgetPid(child.pid);
      resolve();
    };
    child.once('exit', done);
    child.once('error', done);
  });
  return {
    isRunning: () => alive.has(child),
    pid: child.pid,
    stop: async () => {
      if (!alive.has(child)) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}
