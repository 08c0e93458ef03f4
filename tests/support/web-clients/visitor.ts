// Somebody who uses one web client, on a page of the client's own site.
import type { Page } from 'puppeteer-core';
import type { TestBrowser } from '../chromium';
import { openPopup, protectPage, type Popup } from '../extension';
import type { TestServer } from '../server';
import { startProxy, type Proxy } from '../proxy';
import type { ClientAccount, ClientKind, WebClient } from './client';
import { startClientSite, type ClientSite } from './site';

export interface Visitor {
  readonly jid: string;
  readonly client: WebClient;
  /** What the page wrote to its console as warning or error since it was ready, without what differs from time to time. */
  readonly complaints: readonly string[];
}

/** One client, its site, and the way to the server, which can be cut. */
export interface ClientWorld {
  readonly kind: ClientKind;
  readonly proxy: Proxy;
  /** Opens the client for an account; ends when it is logged in, on a protected site with its keys published. */
  visit(input: { name: string; contact: string; isProtected: boolean }): Promise<Visitor>;
  popup(): Promise<Popup>;
  stop(): Promise<void>;
}

export const PASSWORD = 'a password for tests only';

function listenTo(page: Page, complaints: string[]): void {
  const note = (line: string) => {
    // Numbers, and how far the browser got with a connection that was cut.
    complaints.push(line.replace(/(failed|ERR_CONNECTION).*/, '$1').replace(/\d+/g, '0'));
  };
  page.on('console', (message) => {
    if (message.type() === 'warn' || message.type() === 'error') note(message.text());
  });
  page.on('pageerror', (error) => note(String(error)));
}

export async function startClientWorld(
  kind: ClientKind,
  { server, browser }: { server: TestServer; browser: TestBrowser },
): Promise<ClientWorld> {
  const site: ClientSite = await startClientSite(kind);
  const proxy = await startProxy(server.ports.http);
  const popup = () => openPopup(browser, site.origin);
  const url =
    kind.transport === 'bosh'
      ? `http://127.0.0.1:${proxy.port}/http-bind`
      : `ws://127.0.0.1:${proxy.port}/xmpp-websocket`;
  return {
    kind,
    proxy,
    popup,
    visit: async ({ name, contact, isProtected }) => {
      const jid = server.jid(name);
      const account: ClientAccount = { jid, password: PASSWORD, url, contact };
      const page = await browser.newPage('about:blank');
      const complaints: string[] = [];
      listenTo(page, complaints);
      await page.goto(isProtected ? site.url(account) : site.plainUrl(account));
      const client = kind.drive(page, account);
      await client.ready();
      if (isProtected)
        await protectPage(server, {
          name,
          jid,
          page,
          popup,
          loadsAnew: async (work) => {
            await Promise.all([page.waitForNavigation({ timeout: 60_000 }), work()]);
            await client.ready();
          },
        });
      complaints.length = 0;
      return { jid, client, complaints };
    },
    stop: async () => {
      await proxy.stop();
      await site.stop();
    },
  };
}
