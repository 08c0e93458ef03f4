// A page cannot tell the hooked WebSocket, XMLHttpRequest and fetch from the browser's own, and pages without XMPP never wake
// the extension.
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IS_FIREFOX } from '../support/browser';
import { startEcho, type Echo } from '../support/echo';
import { protect } from '../support/extension';
import { startWorld, type Person, type World } from '../support/people';

let world: World;
let echo: Echo;
let alice: Person;
beforeAll(async () => {
  world = await startWorld({ people: ['alice'] });
  echo = await startEcho();
  alice = world.person('alice');
  await protect(world, alice);
});
afterAll(async () => {
  await echo?.stop();
  await world?.close();
});

const hooked = () => alice.browser.newPage(world.site.pageUrl('<p>nothing here</p>'));
/** The same server under a name that is not protected. */
const native = () =>
  alice.browser.newPage(
    world.site.pageUrl('<p>nothing here</p>').replace('localhost', '127.0.0.1'),
  );

async function inBoth<T>(look: (page: Page) => Promise<T>): Promise<[T, T]> {
  const pages = [await hooked(), await native()] as const;
  const answers: [T, T] = [await look(pages[0]), await look(pages[1])];
  for (const page of pages) await page.close();
  return answers;
}

/** Everything a script can see of the constructors and their prototypes without using them. */
function shape(page: Page): Promise<Record<string, string>> {
  return page.evaluate(() => {
    const seen: Record<string, string> = {};
    const describeFunction = (value: unknown) => {
      if (typeof value !== 'function') return typeof value;
      // First: Firefox makes name and length when they are read, and which comes first depends on what its compiler did.
      const own = Object.getOwnPropertyNames(value).join();
      return `${value.name}/${value.length}/${Function.prototype.toString.call(value)}/${String(value)}/${own}/${'prototype' in value}`;
    };
    const look = (label: string, owner: object) => {
      for (const key of Reflect.ownKeys(owner)) {
        const found = Object.getOwnPropertyDescriptor(owner, key);
        if (found === undefined) continue;
        const flags = [found.writable, found.enumerable, found.configurable].map(String).join();
        const parts = [found.value, found.get, found.set].map(describeFunction);
        seen[`${label}.${String(key)}`] = `${flags} ${parts.join(' ')}`;
      }
    };
    for (const native of [WebSocket, SharedWorker, XMLHttpRequest, Request]) {
      const { name, prototype } = native;
      const global = Object.getOwnPropertyDescriptor(window, name);
      seen[`${name} global`] = [global?.writable, global?.enumerable, global?.configurable]
        .map(String)
        .join();
      look(name, native);
      look(`${name}.prototype`, prototype);
      seen[`${name} order`] = Reflect.ownKeys(prototype).map(String).join();
      seen[`${name} statics`] = Reflect.ownKeys(native).map(String).join();
    }
    for (const { name, prototype } of [Worker, MessagePort]) look(`${name}.prototype`, prototype);
    look('Navigator.prototype', Navigator.prototype);
    const found = Object.getOwnPropertyDescriptor(window, 'fetch');
    seen['fetch'] = [found?.writable, found?.enumerable, found?.configurable]
      .map(String)
      .concat(describeFunction(found?.value))
      .join();
    seen['parent'] = String(Object.getPrototypeOf(WebSocket) === EventTarget);
    seen['chain'] = String(Object.getPrototypeOf(WebSocket.prototype) === EventTarget.prototype);
    seen['constructor'] = String(WebSocket.prototype.constructor === WebSocket);
    seen['tag'] = Object.prototype.toString.call(WebSocket.prototype);
    seen['globals'] = Object.getOwnPropertyNames(window)
      .filter((name) => !/^\d+$/.test(name))
      .toSorted()
      .join();
    return seen;
  });
}

/** Names and messages of the errors that wrong use makes. */
function errors(page: Page): Promise<Record<string, string>> {
  return page.evaluate(() => {
    const seen: Record<string, string> = {};
    const attempt = (label: string, act: () => unknown) => {
      try {
        seen[label] = `no error: ${typeof act()}`;
      } catch (error) {
        seen[label] =
          error instanceof Error || error instanceof DOMException
            ? `${error.name}: ${error.message}`
            : 'odd';
      }
    };
    attempt('without new', () => Reflect.apply(WebSocket, undefined, ['ws://127.0.0.1:1/']));
    attempt('no arguments', () => Reflect.construct(WebSocket, []));
    attempt('bad url', () => new WebSocket('::'));
    attempt('bad scheme', () => new WebSocket('ftp://127.0.0.1/'));
    attempt('protocol twice', () => new WebSocket('ws://127.0.0.1:1/', ['xmpp', 'xmpp']));
    attempt('bad protocol', () => new WebSocket('ws://127.0.0.1:1/', 'with space'));
    attempt('send early', () => new WebSocket('ws://127.0.0.1:1/', 'xmpp').send('x'));
    attempt('send nothing', () =>
      Reflect.apply(WebSocket.prototype.send, new WebSocket('ws://127.0.0.1:1/', 'xmpp'), []),
    );
    attempt('close code', () => new WebSocket('ws://127.0.0.1:1/', 'xmpp').close(1001));
    attempt('close reason', () =>
      new WebSocket('ws://127.0.0.1:1/', 'xmpp').close(1000, 'x'.repeat(124)),
    );
    for (const name of ['send', 'close'] as const)
      attempt(`${name} of another object`, () =>
        Reflect.apply(WebSocket.prototype[name], {}, ['x']),
      );
    for (const name of ['readyState', 'bufferedAmount', 'url', 'protocol', 'onmessage'])
      attempt(`${name} of the prototype`, () => Reflect.get(WebSocket.prototype, name));
    return seen;
  });
}

/**
 * Life of some BOSH requests to a real server, as the page sees them. Left out are `isTrusted`, which is false on ours, and in
 * Firefox the words of errors, which tell a request that was sent from one that was not.
 */
function requests(page: Page, url: string): Promise<readonly string[]> {
  return page.evaluate(
    async (address, isWorded) => {
      const seen: string[] = [];
      let rid = 7;
      const body = (attributes: string) =>
        `<body rid='${rid++}' xmlns='http://jabber.org/protocol/httpbind' ${attributes}/>`;
      const FIRST = body(`to='omnemo.test' wait='60' hold='1' ver='1.6'`);
      /** Refused by the server at once. */
      const unknown = () => body(`to='nowhere.example' wait='60' hold='1' ver='1.6'`);
      const MESSAGE = unknown().replace('/>', '><message/></body>');
      /** What a request shows at this moment; ids and times differ. */
      const look = (xhr: XMLHttpRequest) => {
        const attempt = (read: () => unknown) => {
          try {
            return String(read());
          } catch (error) {
            return error instanceof Error ? `${error.name}: ${error.message}` : 'odd';
          }
        };
        const text = attempt(() => xhr.responseText).replace(/(sid|authid)='[^']*'/g, '');
        const root = attempt(() => xhr.responseXML?.documentElement.nodeName);
        const is = attempt(() => xhr.responseXML === xhr.responseXML);
        const response = attempt(() => Object.prototype.toString.call(xhr.response));
        const headers = attempt(() => xhr.getAllResponseHeaders().replace(/date:.*/, ''));
        const type = attempt(() => xhr.getResponseHeader('Content-Type'));
        return [
          xhr.readyState,
          xhr.status,
          xhr.statusText,
          xhr.responseURL === address,
          text,
          root,
          is,
          response,
          headers,
          type,
        ].join('|');
      };
      const live = (what: string, act: (xhr: XMLHttpRequest) => void, ends = 'loadend') =>
        new Promise<void>((resolve) => {
          const xhr = new XMLHttpRequest();
          seen.push(what);
          const note = (event: Event) => {
            // How much there was of the answer before: browsers differ.
            const isReused = event.type === 'loadend' && xhr.readyState === 1;
            const loaded =
              event instanceof ProgressEvent && !isReused
                ? `${event.loaded} ${event.total} ${event.lengthComputable}`
                : '';
            seen.push(
              `${event.type} ${event.target === xhr} ${event.bubbles} ${event.constructor.name} ${loaded} ${look(xhr)}`,
            );
            if (event.type === ends) setTimeout(resolve, 50);
          };
          for (const type of [
            'loadstart',
            'readystatechange',
            'load',
            'error',
            'abort',
            'timeout',
            'loadend',
          ])
            xhr.addEventListener(type, note);
          xhr.overrideMimeType('text/xml; charset=utf-8');
          act(xhr);
        });
      const fails = (label: string, act: () => unknown) => {
        try {
          seen.push(`${label}: ${typeof act()}`);
        } catch (error) {
          const { name, message } = error instanceof DOMException ? error : new Error('odd');
          seen.push(`${label}: ${name} ${isWorded ? message : ''}`);
        }
      };
      const start = (xhr: XMLHttpRequest, text: string, to = address) => {
        xhr.open('POST', to, true);
        xhr.setRequestHeader('Content-Type', 'text/xml; charset=utf-8');
        xhr.send(text);
      };
      await live('the first request', (xhr) => start(xhr, FIRST));
      await live('one the server refuses', (xhr) => start(xhr, unknown()));
      await live('as a document', (xhr) => {
        xhr.responseType = 'document';
        start(xhr, unknown());
      });
      await live('as bytes', (xhr) => {
        xhr.responseType = 'arraybuffer';
        start(xhr, unknown());
      });
      await live('to nobody', (xhr) => start(xhr, unknown(), 'http://127.0.0.1:1/'));
      await live('to a page that is not there', (xhr) =>
        start(xhr, unknown(), `${address}/no/such`),
      );
      await live('that is aborted', (xhr) => {
        start(xhr, unknown());
        fails('sent twice', () => xhr.send(unknown()));
        fails('told more', () => xhr.setRequestHeader('X-More', '1'));
        xhr.abort();
        seen.push(look(xhr));
        fails('sent after that', () => xhr.send(unknown()));
      });
      await live('that is opened anew', (xhr) => {
        start(xhr, unknown());
        start(xhr, unknown());
      });
      await live('that is used twice', (xhr) => {
        xhr.addEventListener('load', () => start(xhr, unknown()), { once: true });
        start(xhr, unknown());
      });
      await live('that cannot wait', (xhr) => {
        xhr.open('POST', address, false);
        xhr.send(unknown());
        seen.push(look(xhr));
      });
      const answer = async (what: string, promise: Promise<Response>) => {
        try {
          const response = await promise;
          const { status, statusText, ok, type, redirected, bodyUsed } = response;
          const text = (await response.text()).slice(0, 200);
          seen.push([what, status, statusText, ok, type, redirected, bodyUsed, text].join('|'));
        } catch (error) {
          seen.push(
            `${what}: ${error instanceof Error ? `${error.name} ${error.message}` : 'odd'}`,
          );
        }
      };
      const post = { method: 'POST', headers: { 'content-type': 'text/xml' }, body: unknown() };
      const made = new Request(address, post);
      await answer('fetch', fetch(address, post));
      await answer('fetch of a request', fetch(made));
      seen.push(`${made.bodyUsed} ${made.constructor === Request} ${made instanceof Request}`);
      await answer('fetch of it again', fetch(made));
      await answer('fetch of nobody', fetch('http://127.0.0.1:1/', post));
      await answer('fetch of nothing', fetch('::', post));
      await answer('fetch aborted', fetch(address, { ...post, signal: AbortSignal.abort() }));
      const controller = new AbortController();
      const under = fetch(address, { ...post, signal: controller.signal });
      controller.abort();
      await answer('fetch aborted later', under);
      await answer('fetch by GET', fetch(address, { ...post, method: 'GET' }));
      await answer('fetch by PUT', fetch(address, { ...post, method: 'PUT', headers: {} }));
      fails('beacon', () => navigator.sendBeacon(address, unknown()));
      fails('beacon of nothing', () => navigator.sendBeacon('::', unknown()));
      fails('beacon of other things', () =>
        navigator.sendBeacon(address, MESSAGE.replace('httpbind', '')),
      );
      return seen;
    },
    url,
    !IS_FIREFOX,
  );
}

/** Life of one socket to a server, as the page sees it. */
function conversation(page: Page, url: string, protocols: string[]): Promise<readonly string[]> {
  return page.evaluate(
    (address, names) =>
      new Promise<string[]>((resolve) => {
        class Sub extends WebSocket {}
        const socket = names.length > 0 ? new Sub(address, names) : new Sub(address);
        const seen = [
          `${socket instanceof Sub} ${socket instanceof WebSocket} ${socket.constructor === Sub}`,
          `${socket.readyState} ${socket.binaryType} ${Object.keys(socket).join()}`,
          Object.prototype.toString.call(socket),
        ];
        socket.binaryType = 'arraybuffer';
        const note = (event: Event) => {
          const data: unknown = event instanceof MessageEvent ? event.data : '';
          const text = data instanceof ArrayBuffer ? `binary ${data.byteLength}` : String(data);
          const code = event instanceof CloseEvent ? `${event.code} ${event.wasClean}` : '';
          seen.push(
            `${event.type} ${event.isTrusted} ${event.target === socket} ${event.eventPhase} ${socket.readyState} ${text} ${code}`,
          );
        };
        for (const type of ['open', 'message', 'error', 'close'])
          socket.addEventListener(type, note);
        socket.onopen = () => {
          socket.send('hello');
          socket.send(new Uint8Array([1, 2, 3]));
        };
        let count = 0;
        socket.onmessage = () => {
          count += 1;
          if (count === 2) socket.close(1000, 'done');
        };
        socket.onclose = () => resolve(seen);
      }),
    url,
    protocols,
  );
}

describe('in a page of a protected site', () => {
  it('the scripts of the extension are registered', async () => {
    const worker = await alice.browser.worker();
    const scripts = await worker.evaluate(() => chrome.scripting.getRegisteredContentScripts());
    expect(scripts.map(({ world: where }) => where).toSorted()).toEqual(['ISOLATED', 'MAIN']);
  });

  it('everything that is replaced looks like that of a page without the extension (I-6)', async () => {
    const [ours, theirs] = await inBoth(shape);
    expect(Object.keys(theirs).length).toBeGreaterThan(20);
    expect(ours).toEqual(theirs);
  });

  it('wrong use makes the same errors', async () => {
    const [ours, theirs] = await inBoth(errors);
    expect(ours).toEqual(theirs);
  });

  it('a BOSH request lives as in a page without the extension (I-22)', async () => {
    const [ours, theirs] = await inBoth((page) => requests(page, world.server.boshUrl));
    expect(theirs.join('\n')).toMatch(/load true .*\|200\|.*requests='2'/);
    expect(theirs.join('\n')).toContain('improper-addressing');
    expect(ours).toEqual(theirs);
  });

  it.each([
    ['without subprotocol', []],
    ['with another subprotocol', ['chat']],
  ])('a socket %s lives as in a page without the extension', async (_, protocols) => {
    const [ours, theirs] = await inBoth((page) => conversation(page, echo.url, protocols));
    expect(theirs.join('\n')).toContain('message true true');
    expect(ours).toEqual(theirs);
  });

  it('nothing is asked of the worker while there is no XMPP stream', async () => {
    const worker = await alice.browser.worker();
    const pageTitle = await worker.evaluate(() => {
      Reflect.set(globalThis, 'asked', 0);
      const count = () => {
        Reflect.set(globalThis, 'asked', Number(Reflect.get(globalThis, 'asked')) + 1);
      };
      chrome.runtime.onMessage.addListener(count);
      chrome.runtime.onConnect.addListener(count);
      return typeof chrome.runtime.id;
    });
    expect(pageTitle).toBe('string');
    const asked = () => worker.evaluate(() => Number(Reflect.get(globalThis, 'asked')));
    const page = await hooked();
    await conversation(page, echo.url, ['chat']);
    await page.reload();
    await conversation(page, echo.url, []);
    await page.close();
    expect(await asked()).toBe(0);
    // The counter counts: a page with a stream asks.
    await alice.converse.reload();
    expect(await asked()).toBeGreaterThan(0);
  });
});
