// npm start: the main job before your eyes. `npm start -- --headed` leaves the windows open to play with.
import path from 'node:path';
import { setup } from './setup.mjs';
import { build, run, withoutLeftovers } from './steps.mjs';

setup({ browser: true, server: true });
if (!build()) process.exit(1);
const demo = path.join(import.meta.dirname, '..', 'demo', 'start.ts');
// Not by tsx's own command: it would end before the demo has cleaned up after Ctrl-C.
const args = ['--import', 'tsx', demo, ...process.argv.slice(2)];
const isGood = await withoutLeftovers((folder) =>
  run(process.execPath, args, { OMNEMO_PIDS: path.join(folder, 'pids') }),
);
process.exitCode = isGood ? 0 : 1;
