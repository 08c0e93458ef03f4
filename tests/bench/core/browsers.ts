// Implementations that run in a browser: a new dedicated worker per round, so that each begins with unoptimised code.
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import puppeteer, { type Page } from 'puppeteer-core';
import { build } from 'vite';
import { locateFirefox } from '../../run/firefox.mjs';
import { NPM_RIVALS } from '../../run/npm-rivals.mjs';
import { startChromium } from '../../support/chromium';
import { forgetPid, notePid } from '../../support/pids';
import { tempFolder } from '../../support/temp';
import type { Times } from './scenarios';

const ROOT = path.join(import.meta.dirname, '..', '..', '..');
const FOLDERS: Readonly<Record<string, string>> = {
  libomemo: path.join(ROOT, 'node_modules', 'converse.js', 'dist'),
  olm: path.join(NPM_RIVALS, 'node_modules', '@matrix-org', 'olm'),
};
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
  '': 'text/html',
};

/** The worker with our core in it, minified as the extension is. */
async function bundle(folder: string): Promise<Buffer> {
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      lib: {
        entry: path.join(import.meta.dirname, 'in-worker.ts'),
        formats: ['iife'],
        name: 'bench',
        fileName: () => 'worker.js',
      },
      outDir: folder,
      emptyOutDir: false,
      minify: true,
    },
  });
  return readFileSync(path.join(folder, 'worker.js'));
}

/** Pages are isolated from other origins, which gives their clock 5 µs; files may be cached, as on a real site. */
async function serve(worker: Buffer): Promise<{ readonly server: Server; readonly url: string }> {
  const contentOf = (url: string): string | Buffer => {
    if (url === '/') return '<!doctype html><title>bench</title>';
    if (url === '/worker.js') return worker;
    // libomemo.js looks for its WASM beside the worker.
    const [, folder = 'libomemo', file = ''] = /^\/(?:(\w+)\/)?([\w.-]+)$/.exec(url) ?? [];
    const found = FOLDERS[folder];
    if (found === undefined) throw new Error(`no such file: ${url}`);
    return readFileSync(path.join(found, file));
  };
  const server = createServer(({ url = '' }, response) => {
    try {
      const content = contentOf(url);
      response.writeHead(200, {
        'Content-Type': TYPES[path.extname(url)] ?? 'text/plain',
        'Cache-Control': 'max-age=3600',
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cross-Origin-Embedder-Policy': 'require-corp',
      });
      response.end(content);
    } catch (error) {
      response.writeHead(404);
      response.end(String(error));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { server, url: `http://localhost:${address.port}/` };
}

interface Answer {
  readonly times?: Times;
  readonly failure?: string;
}

/** Runs one implementation in a worker of the page. */
async function runIn(page: Page, name: string): Promise<Times> {
  await page.bringToFront();
  const answer = await page.evaluate(async (workerName) => {
    const worker = new Worker('/worker.js', { name: workerName });
    try {
      return await new Promise<Answer>((resolve) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = ({ message }) => resolve({ failure: message });
      });
    } finally {
      worker.terminate();
    }
  }, name);
  if (answer.times === undefined) throw new Error(`${name}: ${answer.failure}`);
  return answer.times;
}

/** A browser with a page that runs implementations by their name in in-worker.ts. */
export interface BenchBrowser {
  readonly version: string;
  run(name: string): Promise<Times>;
}

async function openFirefox(url: string, cleanUp: (() => Promise<unknown>)[]) {
  const executablePath = locateFirefox();
  if (executablePath === undefined) throw new Error('no Firefox found');
  const profile = tempFolder('firefox');
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    handleSIGINT: false,
    userDataDir: profile.path,
    protocolTimeout: 300_000,
  });
  const pid = browser.process()?.pid;
  notePid(pid, profile.path);
  cleanUp.push(async () => {
    await browser.close();
    forgetPid(pid);
    profile.remove();
  });
  const page = await browser.newPage();
  await page.goto(url);
  return { version: await browser.version(), page };
}

/** Calls `work` with both browsers and closes them after it. */
export async function withBrowsers<T>(
  work: (chromium: BenchBrowser, firefox: BenchBrowser) => Promise<T>,
): Promise<T> {
  const temp = tempFolder('bench');
  const cleanUp: (() => Promise<unknown>)[] = [async () => temp.remove()];
  try {
    const { server, url } = await serve(await bundle(temp.path));
    cleanUp.push(async () => server.close());
    const chromium = await startChromium({});
    cleanUp.push(() => chromium.close());
    const page = await chromium.newPage(url);
    page.setDefaultTimeout(300_000);
    const firefox = await openFirefox(url, cleanUp);
    return await work(
      { version: await chromium.browser.version(), run: (name) => runIn(page, name) },
      { version: firefox.version, run: (name) => runIn(firefox.page, name) },
    );
  } finally {
    for (const step of cleanUp.reverse()) await step();
  }
}
