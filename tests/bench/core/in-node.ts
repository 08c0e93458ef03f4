// One round of libsignal-client in a process of its own; the last line has the times. Its argument is the folder with the
// package.
import { createRequire } from 'node:module';
import path from 'node:path';
import { libsignal, type LibsignalLibrary } from './libsignal';
import { runScenarios } from './scenarios';

const [folder = ''] = process.argv.slice(2);
const require = createRequire(path.join(folder, 'package.json'));
const library: LibsignalLibrary = require('@signalapp/libsignal-client');
console.log(JSON.stringify(await runScenarios(libsignal(library))));
