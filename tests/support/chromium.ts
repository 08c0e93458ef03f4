// Chromium with the production build of the extension in a profile of its own. Its optional host permission is seeded by
// editing the closed profile, since headless Chromium shows no prompt; the popup's own flow then runs as for a user.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import puppeteer, { type Browser, type Page, type Target, type WebWorker } from 'puppeteer-core';
import { findChromium } from '../run/chromium.mjs';
import { forgetPid, notePid } from './pids';
import { tempFolder } from './temp';
import { until } from './wait';

/** The production build. */
export const BUILD = path.join(import.meta.dirname, '..', '..', '.output', 'chrome-mv3');

const ARGS = [
  ...['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--lang=en-US'],
  // Two windows side by side must both go on working.
  ...['--disable-backgrounding-occluded-windows', '--disable-renderer-backgrounding'],
  '--disable-background-timer-throttling',
  // Nothing outside this machine: Converse would fetch pictures for its login form.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
];

/** Match pattern of the site of the tests; patterns carry no port. 127.0.0.1 stays without permission. */
const TEST_SITES = ['http://localhost/*'];

export interface BrowserOptions {
  readonly headed?: boolean;
  /** Without it a plain browser is started. */
  readonly extension?: string;
  /** Seed the optional host permission for localhost. */
  readonly isGranted?: boolean;
  readonly window?: { readonly width: number; readonly height: number; readonly x?: number };
}

export interface TestBrowser {
  readonly browser: Browser;
  /** Origin of the extension's own pages with a slash at the end; empty without extension. */
  readonly extensionBase: string;
  /** Folder with the databases of the extension, and of nobody else. */
  readonly databases: string;
  /** Folder in which files are that pages had saved; there once something was. */
  readonly downloads: string;
  newPage(url: string): Promise<Page>;
  /** The popup for a site, opened as a tab. */
  popup(origin: string): Promise<Page>;
  /** Runs code with the rights of the background: in the service worker, started if it sleeps, or a page of the extension. */
  worker(): Promise<Pick<WebWorker, 'evaluate'>>;
  /** Ends the service worker or event page as the browser does when it is idle. */
  stopWorker(): Promise<void>;
  /** Halts the service worker or event page, so that it answers nothing; the result lets it go on. */
  haltWorker(): Promise<() => Promise<void>>;
  /** What an update does: the extension ends and starts anew, under pages that stay open. */
  reloadExtension(): Promise<void>;
  /** What a user does who switches it off, under pages that stay open. */
  switchExtensionOff(): Promise<void>;
  /** Throws away what a site stored, whose blank page this is. */
  clearSite(blankUrl: string): Promise<void>;
  screenshot(page: Page, file: string, scheme?: 'light' | 'dark'): Promise<void>;
  /** Closes the browser and starts it again on the same profile, whose folder may be worked on in between. */
  relaunch(whileClosed?: (profile: string) => void): Promise<void>;
  /** The same after the browser died without a word (SIGKILL). */
  crash(): Promise<void>;
  close(): Promise<void>;
}

function isWorker(target: Target): boolean {
  return target.type() === 'service_worker' && target.url().startsWith('chrome-extension://');
}

/** Where a browser with this profile saves files without asking. */
export function downloadsOf(profile: string): string {
  return path.join(profile, 'downloads');
}

async function launch(profile: string, options: BrowserOptions): Promise<Browser> {
  const { headed = false, extension, window = { width: 1000, height: 760 } } = options;
  const load =
    extension === undefined
      ? []
      : [
          '--enable-unsafe-extension-debugging',
          `--disable-extensions-except=${extension}`,
          `--load-extension=${extension}`,
        ];
  const browser = await puppeteer.launch({
    executablePath: findChromium(),
    headless: !headed,
    pipe: true,
    // Ctrl-C is handled by the script that started the browser.
    handleSIGINT: false,
    userDataDir: profile,
    downloadBehavior: { policy: 'allow', downloadPath: downloadsOf(profile) },
    ignoreDefaultArgs: extension === undefined ? [] : ['--disable-extensions'],
    defaultViewport: headed ? null : { width: window.width, height: window.height },
    args: [
      ...ARGS,
      ...load,
      // Chromium's sandbox does not run as root.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      `--window-size=${window.width},${window.height}`,
      ...(window.x === undefined ? [] : [`--window-position=${window.x},0`]),
    ],
  });
  const pid = browser.process()?.pid;
  notePid(pid, profile);
  // Before the profile's folder is removed.
  const kill = () => browser.process()?.kill('SIGKILL');
  process.prependOnceListener('exit', kill);
  browser.once('disconnected', () => {
    process.off('exit', kill);
    forgetPid(pid);
  });
  return browser;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function child(parent: Record<string, unknown>, name: string): Record<string, unknown> {
  const value = parent[name];
  if (isRecord(value)) return value;
  const fresh: Record<string, unknown> = {};
  parent[name] = fresh;
  return fresh;
}

/** Adds host permissions to an extension in the preferences of a closed profile. */
function grantInProfile(profile: string, extensionId: string, patterns: readonly string[]): void {
  const file = path.join(profile, 'Default', 'Preferences');
  const preferences: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!isRecord(preferences)) throw new Error('Preferences of the profile: no object');
  const settings = child(child(child(preferences, 'extensions'), 'settings'), extensionId);
  for (const name of ['active_permissions', 'granted_permissions', 'runtime_granted_permissions']) {
    const permissions = child(settings, name);
    for (const list of ['api', 'explicit_host', 'manifest_permissions', 'scriptable_host'])
      permissions[list] ??= [];
    const hosts = permissions['explicit_host'];
    permissions['explicit_host'] = [...(Array.isArray(hosts) ? hosts : []), ...patterns];
  }
  writeFileSync(file, JSON.stringify(preferences));
}

async function extensionBaseOf(browser: Browser): Promise<string> {
  const target = await browser.waitForTarget(isWorker, { timeout: 30_000 });
  return target.url().replace(/[^/]+$/, '');
}

/**
 * A background that throws at its start fails silently, so it is asked something first: the popup shows the state of a
 * site only after the vault answered.
 */
async function wakeWorker(browser: Browser, base: string): Promise<void> {
  const page = await browser.newPage();
  try {
    await page.goto(popupUrl(base, 'http://localhost'));
    await page.waitForSelector('[data-testid="site-state"]', { timeout: 20_000 });
  } finally {
    await page.close();
  }
}

function popupUrl(base: string, origin: string): string {
  return `${base}popup.html?site=${encodeURIComponent(origin)}`;
}

export async function startChromium(options: BrowserOptions = {}): Promise<TestBrowser> {
  const { extension, isGranted = false } = options;
  if (extension !== undefined && !existsSync(path.join(extension, 'manifest.json')))
    throw new Error(`no build of the extension in ${extension}: run \`npm run build\``);
  const profile = tempFolder('profile');
  let browser: Browser | undefined;
  const stop = async () => {
    const closing = browser;
    browser = undefined;
    await closing?.close();
  };
  const running = () => {
    if (browser === undefined) throw new Error('the browser is closed');
    return browser;
  };
  let extensionBase = '';
  try {
    browser = await launch(profile.path, options);
    if (extension !== undefined) {
      extensionBase = await extensionBaseOf(browser);
      if (isGranted) {
        await stop();
        grantInProfile(profile.path, new URL(extensionBase).host, TEST_SITES);
        browser = await launch(profile.path, options);
        await extensionBaseOf(browser);
      }
      await wakeWorker(browser, extensionBase);
    }
  } catch (error) {
    await stop();
    profile.remove();
    throw error;
  }

  const newPage = async (url: string) => {
    const page = await running().newPage();
    await page.goto(url);
    return page;
  };
  const worker = async () => {
    if (!running().targets().some(isWorker)) await wakeWorker(running(), extensionBase);
    const target = await running().waitForTarget(isWorker, { timeout: 20_000 });
    const found = await target.worker();
    if (found === null) throw new Error('the service worker is gone');
    return found;
  };
  /** An extension that is loaded from a folder takes a start of the browser for one of its own, and loads open pages anew a second later. */
  const isStarted = async () => {
    const { isLoaded } = await (
      await worker()
    ).evaluate(() => chrome.storage.session.get('isLoaded'));
    return isLoaded === true;
  };
  const startOver = () =>
    extension === undefined ? undefined : until('the extension to have started', isStarted);
  const launchAgain = async () => {
    browser = await launch(profile.path, options);
    if (extension !== undefined) await extensionBaseOf(browser);
    await startOver();
  };
  await startOver();
  return {
    get browser() {
      return running();
    },
    extensionBase,
    get databases() {
      const { host } = new URL(extensionBase);
      const name = `chrome-extension_${host}_0.indexeddb.leveldb`;
      return path.join(profile.path, 'Default', 'IndexedDB', name);
    },
    downloads: downloadsOf(profile.path),
    newPage,
    popup: (origin) => newPage(popupUrl(extensionBase, origin)),
    worker,
    stopWorker: async () => {
      const target = running().targets().find(isWorker);
      if (target === undefined) return;
      const running_ = await target.worker();
      await running_?.close();
      await until('the service worker to end', () => !running().targets().includes(target));
    },
    haltWorker: async () => {
      await worker();
      const target = await running().waitForTarget(isWorker, { timeout: 20_000 });
      const session = await target.createCDPSession();
      await session.send('Debugger.enable');
      await session.send('Debugger.pause');
      return async () => {
        await session.send('Debugger.disable');
        await session.detach();
      };
    },
    reloadExtension: async () => {
      // `runtime.reload()` does not bring it back while its worker is being watched.
      const session = await running().target().createCDPSession();
      await session.send('Extensions.loadUnpacked', { path: extension ?? '' });
      await session.detach();
      await wakeWorker(running(), extensionBase);
    },
    switchExtensionOff: async () => {
      // The browser's own page of extensions may do what a user does there.
      const page = await newPage('chrome://extensions');
      await page.evaluate(
        (id) => chrome.management.setEnabled(id, false),
        new URL(extensionBase).host,
      );
      await page.close();
    },
    clearSite: async (blankUrl) => {
      const page = await running().newPage();
      const session = await page.createCDPSession();
      await session.send('Storage.clearDataForOrigin', {
        origin: new URL(blankUrl).origin,
        storageTypes: 'indexeddb,local_storage,cache_storage',
      });
      await session.detach();
      await page.close();
    },
    screenshot: async (page, file, scheme = 'light') => {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
      await page.bringToFront();
      writeFileSync(file, await page.screenshot());
    },
    relaunch: async (whileClosed) => {
      await stop();
      whileClosed?.(profile.path);
      await launchAgain();
    },
    crash: async () => {
      const dying = running();
      const ended = new Promise((resolve) => dying.process()?.once('exit', resolve));
      dying.process()?.kill('SIGKILL');
      await ended;
      browser = undefined;
      await launchAgain();
    },
    close: async () => {
      await stop();
      profile.remove();
    },
  };
}
