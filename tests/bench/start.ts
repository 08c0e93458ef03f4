// How long a stopped service worker takes from an extension page's connection to its first answer, next to a worker that
// only answers, by turns in one run. The script cache of the browser is warm, as it is for a user after the first day.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'puppeteer-core';
import { BUILD, startChromium, type TestBrowser } from '../support/chromium';
import { tempFolder } from '../support/temp';

const ROUNDS = 21;
const WARM_UP = 3;
/** Milliseconds of the median. */
const BUDGET = 60;

const BASELINE: Readonly<Record<string, string>> = {
  'manifest.json': JSON.stringify({
    name: 'Baseline',
    version: '1',
    manifest_version: 3,
    message_serialization: 'structured_clone',
    background: { service_worker: 'background.js' },
  }),
  'background.js': `chrome.runtime.onConnect.addListener((port) => {
  port.onMessage.addListener(({ id }) => port.postMessage({ id, ok: true, result: [] }));
});`,
  'popup.html': '<!doctype html><title>baseline</title><p data-testid="site-state">none</p>',
};

/** A page of the extension that runs no script: the popup's own connection would wake the worker at once. */
function quietPage(browser: TestBrowser): Promise<Page> {
  return browser.newPage(`${browser.extensionBase}manifest.json`);
}

/** Milliseconds, by the page's clock. */
function firstAnswer(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve, reject) => {
        const begin = performance.now();
        const port = chrome.runtime.connect({ name: 'popup' });
        port.onDisconnect.addListener(() => reject(new Error('the worker closed the port')));
        port.onMessage.addListener((message) => {
          const { id, ok, code } = Object(message);
          if (id !== 1) return;
          const ms = performance.now() - begin;
          port.disconnect();
          if (ok === true) resolve(ms);
          else reject(new Error(`the worker refused: ${String(code)}`));
        });
        port.postMessage({ id: 1, name: 'sites', arg: {} });
      }),
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

async function measure(folders: readonly string[]): Promise<number[][]> {
  const browsers: TestBrowser[] = [];
  try {
    const pages: Page[] = [];
    for (const extension of folders) {
      const browser = await startChromium({ extension });
      browsers.push(browser);
      pages.push(await quietPage(browser));
    }
    const results: number[][] = folders.map(() => []);
    for (let round = -WARM_UP; round < ROUNDS; round += 1)
      for (const [index, browser] of browsers.entries()) {
        const page = pages[index];
        if (page === undefined) continue;
        await browser.stopWorker();
        await page.bringToFront();
        const ms = await firstAnswer(page);
        if (round >= 0) results[index]?.push(ms);
      }
    return results;
  } finally {
    for (const browser of browsers) await browser.close();
  }
}

async function main(): Promise<boolean> {
  const temp = tempFolder('baseline');
  try {
    const baseline = path.join(temp.path, 'extension');
    mkdirSync(baseline);
    for (const [name, text] of Object.entries(BASELINE))
      writeFileSync(path.join(baseline, name), text);
    const [ours = [], trivial = []] = await measure([BUILD, baseline]);
    const say = (name: string, values: readonly number[]) =>
      console.log(
        `${name.padEnd(10)} median ${median(values).toFixed(1)} ms, ` +
          `${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}, ${values.length} rounds`,
      );
    say('ours', ours);
    say('baseline', trivial);
    const added = median(ours) - median(trivial);
    const ratio = median(ours) / median(trivial);
    console.log(
      `ours against the baseline: ${ratio.toFixed(2)} times, ${added.toFixed(1)} ms more`,
    );
    const isGood = ours.length === ROUNDS && median(ours) < BUDGET;
    console.log(`wanted less than ${BUDGET} ms: ${isGood ? 'good' : 'TOO SLOW'}`);
    return isGood;
  } finally {
    temp.remove();
  }
}

process.exitCode = (await main()) ? 0 : 1;
