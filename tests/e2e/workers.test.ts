// A stream in a worker is out of the extension's reach: on a protected site it is refused, with words, and nothing leaves (I-12).
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IN_WORKER } from '../../src/stream/hook/workers';
import { protect } from '../support/extension';
import { startWorld, type Person, type World } from '../support/people';
import { until } from '../support/wait';

let world: World;
let alice: Person;
beforeAll(async () => {
  world = await startWorld({ people: ['alice'] });
  alice = world.person('alice');
  await protect(world, alice);
  await alice.converse.page.close();
});
afterAll(() => world?.close());

/** Converse with one connection for all its tabs. */
function sharing(): string {
  return world.site.converseUrl({
    jid: alice.jid,
    password: alice.password,
    url: `ws://127.0.0.1:${alice.proxy.port}/xmpp-websocket`,
    sharesConnection: true,
  });
}

async function open(url: string): Promise<{ page: Page; said: readonly string[] }> {
  const said: string[] = [];
  const page = await alice.browser.newPage('about:blank');
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  await page.goto(url);
  return { page, said };
}

describe('Converse that shares its connection among tabs (I-12)', () => {
  it('logs in where the site is not protected', async () => {
    const mark = world.server.wire.mark();
    const { page } = await open(sharing().replace('localhost', '127.0.0.1'));
    await page.waitForFunction(
      () => document.documentElement.dataset['connection'] === 'connected',
      {
        timeout: 60_000,
        polling: 100,
      },
    );
    await world.server.wire.wait(
      'its presence',
      ({ dir, xml }) => dir === 'in' && xml.startsWith('<presence'),
      { from: mark },
    );
    await page.close();
  });

  it('is refused on a protected site, and page and popup say why', async () => {
    const connections = alice.proxy.count();
    const { page, said } = await open(sharing());
    await until('the page to say why', () => said.some((text) => text.includes(IN_WORKER)));
    const popup = await alice.popup();
    await popup.reaches('in-worker');
    expect(await popup.text()).toContain('A connection was refused');
    await popup.close();
    expect(alice.proxy.count()).toBe(connections);
    await page.close();
  });
});

it('a page that hands a worker of its own the opening of a stream gets an error instead (I-12)', async () => {
  const { page } = await open(world.site.pageUrl('<p>nothing here</p>'));
  const outcome = await page.evaluate(async () => {
    const script = 'onmessage = ({ data }) => postMessage(`got ${data}`)';
    const worker = new Worker(URL.createObjectURL(new Blob([script])));
    const answers: string[] = [];
    worker.addEventListener('message', ({ data }) => answers.push(String(data)));
    const post = (text: string) => {
      try {
        worker.postMessage(text);
        return 'posted';
      } catch (error) {
        return String(error);
      }
    };
    const tried = [
      post('a question'),
      post("<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='example.org' version='1.0'/>"),
      post("<message to='b@example.org'><body>hi</body></message>"),
    ];
    while (answers.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setTimeout(resolve, 200));
    return { tried, answers };
  });
  expect(outcome.answers).toEqual(['got a question']);
  expect(outcome.tried[0]).toBe('posted');
  for (const error of outcome.tried.slice(1)) expect(error).toBe(`NotSupportedError: ${IN_WORKER}`);
  await page.close();
});

describe('a worker that opens a stream all by itself, told only where (I-12, M16)', () => {
  const outcomes = async (site: string) => {
    const page = await alice.browser.newPage(site);
    const url = `ws://127.0.0.1:${alice.proxy.port}/xmpp-websocket`;
    const said = await page.evaluate(async (server) => {
      const dedicated = new Worker('/own.js');
      const shared = new SharedWorker('/own.js');
      const { active, installing, waiting } = await navigator.serviceWorker.register('/own.js');
      const service = active ?? waiting ?? installing;
      while (service?.state !== 'activated') await new Promise((go) => setTimeout(go, 20));
      const hear = (target: EventTarget) =>
        new Promise((resolve) => {
          target.addEventListener('message', (event) => resolve(Reflect.get(event, 'data')));
        });
      const answers = [hear(dedicated), hear(shared.port), hear(navigator.serviceWorker)];
      navigator.serviceWorker.startMessages();
      shared.port.start();
      dedicated.postMessage(server);
      shared.port.postMessage(server);
      service.postMessage(server);
      return Promise.all(answers);
    }, url);
    await page.close();
    return said;
  };

  it('does so where the site is not protected', async () => {
    const connections = alice.proxy.count();
    const site = world.site.pageUrl('').replace('localhost', '127.0.0.1');
    expect(await outcomes(site)).toEqual(['open', 'open', 'open']);
    expect(alice.proxy.count()).toBe(connections + 3);
  });

  it('is refused by the browser on a protected site, be it its page’s own, shared or a service worker', async () => {
    const connections = alice.proxy.count();
    expect(await outcomes(world.site.pageUrl(''))).toEqual(['refused', 'refused', 'refused']);
    expect(alice.proxy.count()).toBe(connections);
    const popup = await alice.popup();
    await popup.reaches('idle');
    expect(await popup.text()).toContain('opens in a worker is refused');
    await popup.close();
  });

  it('leaves sockets of the page and its other requests as they are', async () => {
    const page = await alice.browser.newPage(world.site.pageUrl("<script src='/own.js'></script>"));
    const opened = await page.evaluate(
      (server) =>
        new Promise((resolve) => {
          const socket = new WebSocket(server, 'xmpp');
          socket.onopen = () => resolve('open');
          socket.onerror = () => resolve('refused');
        }),
      `ws://127.0.0.1:${alice.proxy.port}/xmpp-websocket`,
    );
    expect(opened).toBe('open');
    await page.close();
  });
});
