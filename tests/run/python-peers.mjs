// Python clients that come from PyPI: each gets a virtual environment of its own, made once and kept below .artifacts.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT, runQuietly } from './steps.mjs';

/** Debian's own interpreter: another Python does not see Debian's packages. */
export const PYTHON = '/usr/bin/python3';

const KINDS = ['slixmpp-omemo'];

function environment(kind) {
  return path.join(ROOT, '.artifacts', 'peers', kind);
}

/** The interpreter that runs the driver of a client; Debian's own unless the client comes from PyPI. */
export function pythonOf(kind) {
  return KINDS.includes(kind) ? path.join(environment(kind), 'bin', 'python') : PYTHON;
}

/** Makes what is missing or outdated; answers the command that failed, or undefined. */
export function makePythonPeers() {
  for (const kind of KINDS) {
    const folder = environment(kind);
    const requirements = path.join(ROOT, 'tests', 'interop', 'peers', `${kind}.txt`);
    const version = spawnSync(PYTHON, ['--version'], { encoding: 'utf8' }).stdout;
    const digest = createHash('sha256').update(`${version}${readFileSync(requirements, 'utf8')}`);
    const wanted = digest.digest('hex');
    const stamp = path.join(folder, '.installed');
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) continue;
    console.log(`installing ${kind} from PyPI into ${path.relative(ROOT, folder)}`);
    rmSync(folder, { recursive: true, force: true });
    const install = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--no-input',
    ];
    const steps = [
      [PYTHON, ['-m', 'venv', folder]],
      // Nothing is compiled: every package has wheels.
      [pythonOf(kind), [...install, '--only-binary', ':all:', '-r', requirements]],
    ];
    for (const [command, args] of steps)
      if (!runQuietly(command, args)) return [command, ...args].join(' ');
    writeFileSync(stamp, wanted);
  }
  return undefined;
}
