// node tests/run/suite.mjs cross|e2e|ejabberd|interop: sets up, builds what is needed, and runs one project of tests.
import { setup } from './setup.mjs';
import { build, buildForFirefox, conclude, runInFirefox, runTests } from './steps.mjs';

const [name] = process.argv.slice(2);
if (!['cross', 'e2e', 'ejabberd', 'interop'].includes(name)) {
  console.error('usage: node tests/run/suite.mjs cross|e2e|ejabberd|interop');
  process.exit(2);
}
// The libraries of `cross` are called without browser and server.
const isWhole = name !== 'cross';
setup({
  browser: isWhole,
  firefox: name === 'e2e',
  server: isWhole,
  peers: name === 'interop' || name === 'ejabberd',
  libraries: name === 'cross' || name === 'interop',
});
if (isWhole && !build()) process.exit(1);
if (name === 'e2e' && !buildForFirefox()) process.exit(1);
const counts = [await runTests(name)];
if (name === 'e2e') counts.push(await runInFirefox());
conclude(counts);
