// Firefox with the production build of the extension in a profile of its own, driven by WebDriver BiDi. The add-on is
// installed as users have it, from an archive that outlives a restart; the permission prompt is answered by a preference.
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { GECKO_ID } from '../../manifest';
import { locateFirefox } from '../run/firefox.mjs';
import { downloadsOf, type BrowserOptions, type TestBrowser } from './chromium';
import { privileged, send } from './firefox-bidi';
import { forgetPid, notePid } from './pids';
import { tempFolder } from './temp';
import { until } from './wait';

/** The production build as an archive. */
export const FIREFOX_BUILD = path.join(
  import.meta.dirname,
  '..',
  '..',
  '.output',
  'omnemo-firefox.zip',
);

/** Of the add-on's own pages; Firefox would draw one for each profile. */
const UUID = '8a0ee4f1-6e58-4c5e-9a39-3f1c0c0f7b11';
const BASE = `moz-extension://${UUID}/`;

const PREFERENCES = {
  // A click is still needed; what a user would have to allow is granted.
  'extensions.webextOptionalPermissionPrompts': false,
  'extensions.webextensions.uuids': JSON.stringify({ [GECKO_ID]: UUID }),
  'xpinstall.signatures.required': false,
  // Two tabs side by side must both go on working.
  'dom.min_background_timeout_value': 4,
  'dom.timeout.enable_budget_timer_throttling': false,
  // Nothing outside this machine: Converse would fetch pictures for its login form.
  'network.proxy.type': 1,
  'network.proxy.http': '127.0.0.1',
  'network.proxy.http_port': 9,
  'network.proxy.ssl': '127.0.0.1',
  'network.proxy.ssl_port': 9,
  'network.proxy.no_proxies_on': 'localhost, 127.0.0.1',
};

async function launch(profile: string, options: BrowserOptions): Promise<Browser> {
  const { headed = false, window = { width: 1000, height: 760 } } = options;
  const executablePath = locateFirefox();
  if (executablePath === undefined)
    throw new Error('no Firefox found; OMNEMO_FIREFOX may name one');
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath,
    headless: !headed,
    handleSIGINT: false,
    userDataDir: profile,
    defaultViewport: headed ? null : { width: window.width, height: window.height },
    // Pages of add-ons are out of reach otherwise.
    args: ['--remote-allow-system-access'],
    extraPrefsFirefox: {
      ...PREFERENCES,
      // Saved without asking.
      'browser.download.folderList': 2,
      'browser.download.dir': downloadsOf(profile),
      'browser.download.useDownloadDir': true,
    },
  });
  const pid = browser.process()?.pid;
  notePid(pid, profile);
  const kill = () => browser.process()?.kill('SIGKILL');
  process.prependOnceListener('exit', kill);
  browser.once('disconnected', () => {
    process.off('exit', kill);
    forgetPid(pid);
  });
  return browser;
}

/** A background that throws at its start fails silently, so the popup must get an answer from the vault first. */
async function wakeBackground(browser: Browser): Promise<void> {
  const page = await openPage(browser, popupUrl('http://localhost'));
  try {
    await page.waitForSelector('[data-testid="site-state"]', { timeout: 20_000 });
  } finally {
    await page.close();
  }
}

function popupUrl(origin: string): string {
  return `${BASE}popup.html?site=${encodeURIComponent(origin)}`;
}

async function openPage(browser: Browser, url: string) {
  const page = await browser.newPage();
  // The end of loading is not reported for pages of add-ons.
  await page.goto(url, url.startsWith(BASE) ? { waitUntil: [] } : {});
  return page;
}

/** The driver puts the profile's own preferences back when it sees the process gone, and does not say when it is done. */
async function preferencesRestored(profile: string): Promise<void> {
  const copies = ['user.js', 'prefs.js'].map((name) => path.join(profile, `${name}.puppeteer`));
  await until('the preferences put back', () => !copies.some((copy) => existsSync(copy)));
}

const IS_BACKGROUND_RUNNING = `WebExtensionPolicy.getByID(${JSON.stringify(GECKO_ID)})?.extension.backgroundState === 'running'`;
/** What Firefox calls when the event page was idle for 30 seconds. */
const END_BACKGROUND = `WebExtensionPolicy.getByID(${JSON.stringify(GECKO_ID)}).extension.terminateBackground().then(() => true)`;
const SWITCH_OFF = `ChromeUtils.importESModule('resource://gre/modules/AddonManager.sys.mjs').AddonManager.getAddonByID(${JSON.stringify(GECKO_ID)}).then((addon) => addon.disable()).then(() => true)`;
/** The process of add-ons, which has the event page and its pages in it. */
const EXTENSION_PROCESS =
  "ChromeUtils.requestProcInfo().then(({ children }) => children.find(({ type }) => type === 'extension').pid)";

function hasNone(what: string): never {
  throw new Error(`Firefox has no ${what}: the scenario belongs to Chromium`);
}

export async function startFirefox(options: BrowserOptions = {}): Promise<TestBrowser> {
  const { extension } = options;
  if (extension !== undefined && !existsSync(extension))
    throw new Error(`no archive of the extension: run \`npx wxt zip -b firefox\``);
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
  // One of our own pages: it may what the event page may, hears the same messages, and BiDi reaches it.
  let inside: Page | undefined;
  const leaveInside = async () => {
    const leaving = inside;
    inside = undefined;
    await leaving?.close();
  };
  const start = async () => {
    inside = undefined;
    await preferencesRestored(profile.path);
    browser = await launch(profile.path, options);
  };
  /** Of an add-on that is there, this is an update. */
  const install = () =>
    send(running(), 'webExtension.install', {
      extensionData: { type: 'archivePath', path: extension },
      'moz:permanent': true,
    });
  try {
    await start();
    if (extension !== undefined) {
      await install();
      await wakeBackground(running());
    }
  } catch (error) {
    await stop();
    profile.remove();
    throw error;
  }
  return {
    get browser() {
      return running();
    },
    extensionBase: extension === undefined ? '' : BASE,
    get databases() {
      return hasNone('LevelDB');
    },
    downloads: downloadsOf(profile.path),
    newPage: (url) => openPage(running(), url),
    popup: (origin) => openPage(running(), popupUrl(origin)),
    worker: async () => {
      inside ??= await openPage(running(), popupUrl('http://localhost'));
      await inside.waitForSelector('[data-testid="site-state"]', { timeout: 20_000 });
      return inside;
    },
    stopWorker: async () => {
      await leaveInside();
      if (await privileged(running(), IS_BACKGROUND_RUNNING))
        await privileged(running(), END_BACKGROUND);
    },
    haltWorker: async () => {
      const pid = Number(await privileged(running(), EXTENSION_PROCESS));
      process.kill(pid, 'SIGSTOP');
      return async () => void process.kill(pid, 'SIGCONT');
    },
    reloadExtension: async () => {
      await leaveInside();
      await install();
      await wakeBackground(running());
    },
    switchExtensionOff: async () => {
      await leaveInside();
      await privileged(running(), SWITCH_OFF);
    },
    clearSite: async (blankUrl) => {
      const page = await openPage(running(), blankUrl);
      await page.evaluate(async () => {
        localStorage.clear();
        for (const name of await caches.keys()) await caches.delete(name);
        for (const { name } of await indexedDB.databases()) {
          if (name === undefined) continue;
          await new Promise((resolve, reject) => {
            const request = indexedDB.deleteDatabase(name);
            request.onsuccess = resolve;
            request.onerror = reject;
          });
        }
      });
      await page.close();
    },
    screenshot: async (page, file, scheme = 'light') => {
      if (scheme === 'dark') hasNone('dark scheme of one page');
      await page.bringToFront();
      writeFileSync(file, await page.screenshot());
    },
    relaunch: async (whileClosed) => {
      await stop();
      if (whileClosed !== undefined) {
        await preferencesRestored(profile.path);
        whileClosed(profile.path);
      }
      await start();
    },
    crash: async () => {
      const dying = running();
      const ended = new Promise((resolve) => dying.process()?.once('exit', resolve));
      dying.process()?.kill('SIGKILL');
      await ended;
      await dying.close();
      await start();
    },
    close: async () => {
      await stop();
      profile.remove();
    },
  };
}
