// The steps of every run, in plain Node: nothing is installed yet when the first of them starts.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NOT_IN_FIREFOX } from './not-in-firefox.mjs';

export const ROOT = path.join(import.meta.dirname, '..', '..');

/** A program of an installed package. */
export function bin(name) {
  return path.join(ROOT, 'node_modules', '.bin', name);
}

/** Runs to the end with the terminal's own input and output; answers whether it went well. */
export function run(command, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, ...env },
    });
    // Ctrl-C reaches the child as well; it cleans up and we end after it.
    const wait = () => undefined;
    process.on('SIGINT', wait);
    child.once('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(false);
    });
    child.once('exit', (code) => {
      process.off('SIGINT', wait);
      resolve(code === 0);
    });
  });
}

/** Runs quietly; shows the output only when it failed. */
export function runQuietly(command, args) {
  const done = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' });
  if (done.status === 0) return true;
  console.error(done.error ? `${command}: ${done.error.message}` : done.stdout + done.stderr);
  return false;
}

/** The production build of the extension. */
export function build() {
  return runQuietly(bin('wxt'), ['build']);
}

/** The same for Firefox, as the archive that Firefox installs. */
export function buildForFirefox() {
  return runQuietly(bin('wxt'), ['zip', '-b', 'firefox']);
}

/** The scenarios of e2e in Firefox, after the reasons for those that stay out. */
export function runInFirefox() {
  for (const [file, reason] of Object.entries(NOT_IN_FIREFOX))
    console.log(`not in Firefox: ${file}: ${reason}`);
  return runTests('firefox');
}

/** Calls `work` with a folder in which tests note their processes, and ends those that are still there afterwards. */
export async function withoutLeftovers(work) {
  const folder = mkdtempSync(path.join(tmpdir(), 'omnemo-run-'));
  try {
    return await work(folder);
  } finally {
    endLeftovers(path.join(folder, 'pids'));
    rmSync(folder, { recursive: true, force: true });
  }
}

function endLeftovers(folder) {
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const mark = readFileSync(path.join(folder, name), 'utf8');
    const commandLine = `/proc/${name}/cmdline`;
    if (!existsSync(commandLine) || !readFileSync(commandLine, 'utf8').includes(mark)) continue;
    console.error(`ending process ${name}, left behind by a test`);
    process.kill(Number(name), 'SIGKILL');
  }
}

/** Runs one vitest project; answers how many tests passed and failed. A skipped test counts as failed. */
export async function runTests(project) {
  return withoutLeftovers(async (folder) => {
    const report = path.join(folder, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const isGreen = await run(bin('vitest'), ['run', '--project', project, ...reporters], {
      OMNEMO_PIDS: path.join(folder, 'pids'),
    });
    if (!existsSync(report)) return { passed: 0, failed: 1 };
    const { numPassedTests, numTotalTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
    const failed = numTotalTests - numPassedTests;
    const names = failuresIn(testResults, project);
    if (numTotalTests === 0) console.error(`${project}: no test was executed`);
    // A file or hook that broke is a failure although no single test says so.
    const isBroken = numTotalTests === 0 || (!isGreen && failed === 0);
    return { passed: numPassedTests, failed: failed + (isBroken ? 1 : 0), names };
  });
}

/** What did not pass, as lines: only the end of a long output is kept where it is read by others. */
function failuresIn(testResults, project) {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = path.relative(ROOT, name);
    const tests = assertionResults.filter((test) => test.status !== 'passed');
    const lines = tests.map(({ fullName, failureMessages }) =>
      [fullName, ...(failureMessages ?? [])].join(': '),
    );
    if (status !== 'passed' && lines.length === 0) lines.push(message);
    return lines.map((line) => `FAILED ${project} ${file}: ${line.slice(0, 600)}`);
  });
}

/** Prints what failed and the last line of a run, and sets the exit code. */
export function conclude(counts) {
  for (const line of counts.flatMap(({ names = [] }) => names)) console.log(line);
  const sum = (key) => counts.reduce((total, count) => total + count[key], 0);
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
  process.exitCode = sum('failed') === 0 && sum('passed') > 0 ? 0 : 1;
}
