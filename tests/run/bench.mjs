// npm run bench -- [size|start|stream|archive|core]: measures the production build, the archive with many messages in it and, for
// core, the protocol core next to other implementations; without a name, everything. Fails when a budget is missed.
import path from 'node:path';
import { setup } from './setup.mjs';
import { build, run, withoutLeftovers } from './steps.mjs';

const BENCHES = ['size', 'start', 'stream', 'archive', 'core'];

const wanted = process.argv.slice(2);
if (!wanted.every((name) => BENCHES.includes(name))) {
  console.error(`usage: npm run bench -- [${BENCHES.join('|')}]`);
  process.exit(2);
}
const names = wanted.length > 0 ? wanted : BENCHES;
const isCore = names.includes('core');
const isInBrowser = ['start', 'stream', 'archive', 'core'].some((name) => names.includes(name));
setup({ browser: isInBrowser, firefox: isCore, rivals: isCore });
if (names.some((name) => ['size', 'start', 'stream'].includes(name)) && !build()) process.exit(1);
for (const name of names) {
  console.log(`# ${name}`);
  const script = path.join(import.meta.dirname, '..', 'bench', `${name}.ts`);
  const isGood = await withoutLeftovers((folder) =>
    run(process.execPath, ['--import', 'tsx', script], { OMNEMO_PIDS: path.join(folder, 'pids') }),
  );
  if (!isGood) process.exitCode = 1;
}
