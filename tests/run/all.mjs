// npm test: every check there is, from a fresh clone. The last line has the sum.
import { setup } from './setup.mjs';
import { bin, build, buildForFirefox, conclude, run, runInFirefox, runTests } from './steps.mjs';

setup({ browser: true, firefox: true, server: true, peers: true, libraries: true });

/** A program that passes or fails as one. */
async function check(name, args) {
  const isGreen = await run(bin(name), args);
  console.log(`${name}: ${isGreen ? 'passed' : 'FAILED'}`);
  return { passed: isGreen ? 1 : 0, failed: isGreen ? 0 : 1 };
}

const counts = [
  await check('prettier', ['--check', '--log-level=warn', '.']),
  await check('tsc', ['--noEmit']),
  await runTests('unit*'),
  await runTests('cross'),
];
if (build())
  counts.push(await runTests('e2e'), await runTests('ejabberd'), await runTests('interop'));
else counts.push({ passed: 0, failed: 1 });
if (buildForFirefox()) counts.push(await runInFirefox());
else counts.push({ passed: 0, failed: 1 });
conclude(counts);
