// The world of the hostile tests: a site that is protected for Alice, a contact with a device, an account of an attacker, a
// second site on another port, and a server of the attacker. One browser for all of it.
import { onTestFinished } from 'vitest';
import type { Page } from 'puppeteer-core';
import { protect } from './extension';
import {
  contentWorld,
  logIn,
  type ContentWorld,
  type HostileClient,
  type LogIn,
} from './hostile-page';
import { startHostileServer, type HostileServer } from './hostile-server';
import { PASSWORD, startWorld, type Person, type World } from './people';
import { connectRaw, type RawClient } from './raw-client';
import { createRawDevice, type RawDevice } from './raw-device';
import { startSite, type Site } from './site';
import { until } from './wait';

export interface HostileWorld {
  readonly world: World;
  readonly alice: Person;
  /** Alice's contact, with one device. */
  readonly bob: RawDevice;
  readonly bobJid: string;
  readonly mallory: RawClient;
  readonly evil: HostileServer;
  /** The server Alice's account was confirmed at, as the page reaches it. */
  readonly url: string;
  readonly endpoint: string;
  readonly origin: string;
  /** Of another site, which nobody protected; the browser lets our scripts into it, because permissions know no ports. */
  readonly other: Site;
  /** A page of the protected site that holds this; closed when the test ends. */
  page(html?: string, site?: Site): Promise<Page>;
  /** Logs the page's script in as Alice. */
  logIn(page: Page, how?: Partial<LogIn>): Promise<HostileClient>;
  contentWorld(page: Page): Promise<ContentWorld>;
  /** Ends when a chat message with this text has left encrypted; throws if it left in clear. */
  leavesEncrypted(client: HostileClient, text: string): Promise<void>;
  /** Ends when the page was told that the frame does not leave, and nothing of it did. */
  isRefused(client: HostileClient, frame: string, text: string): Promise<string>;
  close(): Promise<void>;
}

const chat = (to: string, id: string, text: string) =>
  `<message xmlns='jabber:client' to='${to}' type='chat' id='${id}'><body>${text}</body></message>`;

let count = 0;

export async function startHostileWorld(): Promise<HostileWorld> {
  const steps: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const step of steps.splice(0).reverse()) await step();
  };
  try {
    const world = await startWorld({ people: ['alice'], others: ['bob', 'mallory'] });
    steps.push(world.close);
    const alice = world.person('alice');
    await protect(world, alice);
    const raw = async (name: string) => {
      const client = await connectRaw({
        port: world.server.ports.xmpp,
        jid: world.server.jid(name),
        password: PASSWORD,
      });
      steps.push(client.close);
      return client;
    };
    const bob = await createRawDevice(await raw('bob'), 4711);
    await bob.publishBundle();
    await bob.publishList([bob.deviceId]);
    const mallory = await raw('mallory');
    const other = await startSite();
    steps.push(other.stop);
    const evil = await startHostileServer();
    steps.push(evil.stop);
    // Its page has done its part; another stream of Alice would only take its share of the stanzas.
    await alice.converse.page.close();

    const endpoint = `127.0.0.1:${alice.proxy.port}`;
    const url = `ws://${endpoint}/xmpp-websocket`;
    const bobJid = world.server.jid('bob');
    const { wire } = world.server;
    const leaks = (text: string) => world.server.leaks(text).map(({ xml }) => xml);
    const hostile: HostileWorld = {
      ...{ world, alice, bob, bobJid, mallory, evil, url, endpoint, other },
      origin: world.site.origin,
      page: async (html = '', site = world.site) => {
        const page = await alice.browser.newPage(site.pageUrl(html));
        onTestFinished(async () => {
          if (!page.isClosed()) await page.close();
        });
        return page;
      },
      logIn: (page, how = {}) => logIn(page, { url, jid: alice.jid, password: PASSWORD, ...how }),
      contentWorld: async (page) => {
        const entered = await contentWorld(page);
        onTestFinished(() => entered.close().catch(() => undefined));
        return entered;
      },
      leavesEncrypted: async (client, text) => {
        const id = `hostile-${++count}`;
        await client.send(chat(bobJid, id, text));
        const sent = await wire.wait(
          `the message with "${text}"`,
          ({ dir, xml }) => dir === 'in' && /^<message/.test(xml) && xml.includes(`'${id}'`),
        );
        if (!sent.xml.includes('<encrypted ') || leaks(text).length > 0)
          throw new Error(`left in clear: ${sent.xml}`);
      },
      isRefused: async (client, frame, text) => {
        const before = (await client.frames()).length;
        await client.send(frame);
        const told = await until(`the page to be told about "${text}"`, async () =>
          (await client.frames())
            .slice(before)
            .find((each) => each.startsWith('<message') && each.includes('<error')),
        );
        if (leaks(text).length > 0) throw new Error(`left in clear: ${leaks(text)[0]}`);
        return told;
      },
      close,
    };
    return hostile;
  } catch (error) {
    await close();
    throw error;
  }
}
