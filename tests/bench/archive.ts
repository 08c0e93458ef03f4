// What 100,000 messages in the archive cost in Chromium: the upgrade of a database in clear to a sealed one, opening it, looking a
// message up, adding one, counting them, forgetting half of them, and room on disk.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { build } from 'vite';
import { startChromium } from '../support/chromium';
import { tempFolder } from '../support/temp';
import { until } from '../support/wait';
import type { ArchiveCosts } from './archive/in-worker';
import { median } from './core/scenarios';

/** ms of the median look-up. */
const BUDGET = 2;

async function bundle(folder: string): Promise<Buffer> {
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      lib: {
        entry: path.join(import.meta.dirname, 'archive', 'in-worker.ts'),
        formats: ['iife'],
        name: 'bench',
        fileName: () => 'worker.js',
      },
      outDir: folder,
      minify: true,
    },
  });
  return readFileSync(path.join(folder, 'worker.js'));
}

async function measure(): Promise<ArchiveCosts> {
  const temp = tempFolder('bench');
  const worker = await bundle(temp.path);
  const server = createServer(({ url }, response) => {
    const isWorker = url === '/worker.js';
    response.writeHead(200, {
      'Content-Type': isWorker ? 'text/javascript' : 'text/html',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    });
    response.end(isWorker ? worker : '<!doctype html><title>bench</title>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const chromium = await startChromium({});
  try {
    const page = await chromium.newPage(`http://localhost:${address.port}/`);
    await page.evaluate(() => {
      const running = new Worker('/worker.js');
      running.onmessage = ({ data }) => Object.assign(globalThis, { outcome: data });
      running.onerror = ({ message }) =>
        Object.assign(globalThis, { outcome: { failure: message } });
    });
    // Longer than one call to the page may take.
    const { costs, failure } = await until(
      'the measurement',
      () =>
        page.evaluate((): { costs?: ArchiveCosts; failure?: string } | undefined => {
          return Object(globalThis).outcome;
        }),
      { timeoutMs: 900_000 },
    );
    if (costs === undefined) throw new Error(failure);
    return costs;
  } finally {
    await chromium.close();
    server.close();
    temp.remove();
  }
}

async function main(): Promise<boolean> {
  const costs = await measure();
  const { upgrade, open, found, absent, added, meanwhile, bytesInClear, bytesSealed } = costs;
  console.log(`upgrade ${(upgrade / 1000).toFixed(1)} s, opening ${open.toFixed(1)} ms`);
  for (const [name, times] of Object.entries({ found, absent, added, meanwhile })) {
    const most = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? NaN;
    console.log(`${name.padEnd(8)} median ${median(times).toFixed(2)} ms, p99 ${most.toFixed(2)}`);
  }
  const { counted, swept, backup } = costs;
  console.log(
    `counting ${(counted / 1000).toFixed(1)} s, removing half ${(swept / 1000).toFixed(1)} s`,
  );
  const seconds = [backup.made, backup.read, backup.restored].map((ms) => (ms / 1000).toFixed(1));
  const [made, read, restored] = seconds;
  console.log(`backup: made in ${made} s, read in ${read} s, its texts restored in ${restored} s`);
  const megabytes = (backup.fileBytes / 1e6).toFixed(1);
  console.log(`its file: ${megabytes} MB, of which at most ${backup.mostBytes} bytes are held`);
  const bytes = `${bytesInClear.toFixed(0)} bytes in clear, ${bytesSealed.toFixed(0)} sealed`;
  console.log(`a message of 60 characters on disk: ${bytes}`);
  const isGood = median(found) < BUDGET && median(absent) < BUDGET;
  console.log(`wanted less than ${BUDGET} ms a look-up: ${isGood ? 'good' : 'TOO SLOW'}`);
  return isGood;
}

process.exitCode = (await main()) ? 0 : 1;
