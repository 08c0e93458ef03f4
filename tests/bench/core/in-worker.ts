// One round of one implementation in a dedicated worker, which is as fast as the extension's service worker and has a better
// clock. It is told which one by its name and answers with the times.
import { libomemoJs } from './libomemo-js';
import { olm, type OlmLibrary } from './olm';
import { ours } from './ours';
import { runScenarios, type Times } from './scenarios';

declare function importScripts(url: string): void;
declare const Olm: OlmLibrary;

const RUNS: Readonly<Record<string, () => Promise<Times>>> = {
  legacy: () => runScenarios(ours('eu.siacs.conversations.axolotl')),
  omemo2: () => runScenarios(ours('urn:xmpp:omemo:2')),
  'libomemo.js': async () =>
    runScenarios(await libomemoJs('/libomemo/libomemo.esm.min.js'), [1, 10, 100]),
  olm: async () => {
    // It takes its randomness from there.
    Object.assign(self, { window: self });
    importScripts('/olm/olm.js');
    return runScenarios(await olm(Olm, '/olm/olm.wasm'));
  },
};

async function answer(): Promise<object> {
  try {
    const run = RUNS[self.name];
    if (run === undefined) throw new Error(`no such implementation: ${self.name}`);
    return { times: await run() };
  } catch (error) {
    return { failure: String(error) };
  }
}

void answer().then((message) => self.postMessage(message));
