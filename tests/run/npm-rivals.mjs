// Packages of npm that are measured, never part of the extension: installed apart from our own, below .artifacts.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT, runQuietly } from './steps.mjs';

/** The folder that has their node_modules. */
export const NPM_RIVALS = path.join(ROOT, '.artifacts', 'bench', 'npm');

/** Installs what is missing or outdated; answers the command that failed, or undefined. */
export function makeNpmRivals() {
  const wanted = path.join(ROOT, 'tests', 'bench', 'peers');
  const stamp = path.join(NPM_RIVALS, 'node_modules', '.installed-lock');
  const lock = readFileSync(path.join(wanted, 'package-lock.json'), 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return undefined;
  mkdirSync(NPM_RIVALS, { recursive: true });
  for (const name of ['package.json', 'package-lock.json'])
    copyFileSync(path.join(wanted, name), path.join(NPM_RIVALS, name));
  const command = ['npm', '--prefix', NPM_RIVALS, 'ci', '--ignore-scripts', '--no-audit'];
  if (!runQuietly(command[0], command.slice(1))) return command.join(' ');
  writeFileSync(stamp, lock);
  return undefined;
}
