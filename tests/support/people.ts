// Two worlds in one call: server, site, and people who each have a browser profile of their own with Converse in it.
import type { Page } from 'puppeteer-core';
import { EXTENSION, startBrowser } from './browser';
import type { BrowserOptions, TestBrowser } from './chromium';
import { driveConverse, type Converse } from './converse';
import { openPopup, type Popup } from './extension';
import { startProxy, type Proxy } from './proxy';
import { IS_EJABBERD, startServer, type TestServer } from './server';
import { startSite, type Site } from './site';

export interface Person {
  readonly name: string;
  readonly jid: string;
  readonly password: string;
  readonly browser: TestBrowser;
  /** Between this browser and the server. */
  readonly proxy: Proxy;
  readonly converse: Converse;
  /** What the pages of this person wrote to their console as warning or error. */
  readonly complaints: readonly string[];
  popup(): Promise<Popup>;
  /** Throws away everything the page itself kept and opens it anew: history comes from the server's archive. */
  startOver(): Promise<void>;
  /** Closes the browser and opens it again on the same profile, with the same page. */
  relaunch(whileClosed?: (profile: string) => void): Promise<void>;
  /** The same after the browser died without a word, the page starting over: what it had stored by then is its own affair. */
  crash(): Promise<void>;
}

export interface World {
  readonly server: TestServer;
  readonly site: Site;
  person(name: string): Person;
  close(): Promise<void>;
}

export interface WorldOptions {
  /** People with a browser. */
  readonly people: readonly string[];
  /** Accounts without one, on everybody's roster, too. */
  readonly others?: readonly string[];
  /** False: plain browsers without extension. */
  readonly withExtension?: boolean;
  readonly headed?: boolean;
  /** False: the pages begin anew after a lost connection. */
  readonly resumes?: boolean;
  /** How the pages reach the server; a WebSocket if nothing is said. */
  readonly transport?: 'websocket' | 'bosh';
}

export const PASSWORD = 'a password for tests only';
const WINDOW = { width: 960, height: 760 };

interface Closing {
  add(close: () => Promise<void>): void;
  run(): Promise<void>;
}

/** Closes in the opposite order, all of it, and reports what failed only afterwards. */
function closing(): Closing {
  const steps: (() => Promise<void>)[] = [];
  return {
    add: (close) => steps.unshift(close),
    run: async () => {
      const failures: unknown[] = [];
      for (const step of steps.splice(0)) await step().catch((error) => failures.push(error));
      if (failures.length > 0) throw new AggregateError(failures, 'closing the test world');
    },
  };
}

async function startPerson(
  input: {
    name: string;
    server: TestServer;
    site: Site;
    options: BrowserOptions;
    isBosh: boolean;
    resumes: boolean;
  },
  onClose: (close: () => Promise<void>) => void,
): Promise<Person> {
  const { name, server, site, options, isBosh, resumes } = input;
  const proxy = await startProxy(server.ports.http);
  onClose(proxy.stop);
  const browser = await startBrowser(options);
  onClose(browser.close);
  const jid = server.jid(name);
  const complaints: string[] = [];
  // Converse that resumes after a reload names its new resource in `from`, which ejabberd ends the stream for, and what is
  // typed by then is lost, also without us. So it keeps its resource there.
  const url = site.converseUrl({
    jid: IS_EJABBERD && !isBosh ? `${jid}/converse` : jid,
    password: PASSWORD,
    url: isBosh
      ? `http://127.0.0.1:${proxy.port}/http-bind`
      : `ws://127.0.0.1:${proxy.port}/xmpp-websocket`,
    resumes,
  });
  const openConverse = async (): Promise<Page> => {
    const page = await browser.newPage('about:blank');
    page.on('console', (message) => {
      if (message.type() === 'warn' || message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(url);
    return page;
  };
  let converse = driveConverse(await openConverse());
  await converse.connected();
  const openAgain = async () => {
    converse = driveConverse(await openConverse());
    await converse.connected();
  };
  const startOverFrom = async (blank: Page) => {
    await browser.clearSite(site.pageUrl(''));
    // A new tab has no sessionStorage either.
    await openAgain();
    await blank.close();
  };
  return {
    name,
    jid,
    password: PASSWORD,
    browser,
    proxy,
    get converse() {
      return converse;
    },
    complaints,
    popup: () => openPopup(browser, site.origin),
    startOver: async () => {
      const page = await browser.newPage('about:blank');
      await converse.page.close();
      await startOverFrom(page);
    },
    relaunch: async (whileClosed) => {
      await browser.relaunch(whileClosed);
      await openAgain();
    },
    crash: async () => {
      await browser.crash();
      await startOverFrom(await browser.newPage('about:blank'));
    },
  };
}

export async function startWorld(options: WorldOptions): Promise<World> {
  const {
    people: names,
    others = [],
    withExtension = true,
    headed = false,
    resumes = true,
  } = options;
  const isBosh = options.transport === 'bosh';
  const steps = closing();
  try {
    const server = await startServer();
    steps.add(server.stop);
    for (const name of [...names, ...others]) await server.addAccount(name, PASSWORD);
    await server.befriend(...names, ...others);
    const site = await startSite();
    steps.add(site.stop);
    const people = new Map<string, Person>();
    for (const [index, name] of names.entries()) {
      const browserOptions: BrowserOptions = {
        headed,
        window: { ...WINDOW, x: index * WINDOW.width },
        ...(withExtension ? { extension: EXTENSION, isGranted: true } : {}),
      };
      people.set(
        name,
        await startPerson(
          { name, server, site, options: browserOptions, isBosh, resumes },
          steps.add,
        ),
      );
    }
    return {
      server,
      site,
      person: (name) => {
        const found = people.get(name);
        if (found === undefined) throw new RangeError(`person: nobody is called ${name}`);
        return found;
      },
      close: steps.run,
    };
  } catch (error) {
    await steps.run();
    throw error;
  }
}
