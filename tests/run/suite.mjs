// node tests/run/suite.mjs e2e|interop: sets up, builds, and runs one project of tests that need a browser and a server.
import { setup } from './setup.mjs';
import { build, conclude, runTests } from './steps.mjs';

const [name] = process.argv.slice(2);
if (name !== 'e2e' && name !== 'interop') {
  console.error('usage: node tests/run/suite.mjs e2e|interop');
  process.exit(2);
}
setup({ browser: true, server: true, peers: name === 'interop' });
if (!build()) process.exit(1);
conclude([await runTests(name)]);
