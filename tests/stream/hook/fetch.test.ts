import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Held, Requests } from '../../../src/stream/hook/requests';
import { captureNatives } from '../../../src/stream/hook/natives';
import { captureFetch } from '../../../src/stream/hook/natives-fetch';
import { installBeacon, installFetch } from '../../../src/stream/hook/fetch';
import { FakeCloseEvent, FakeSocket } from './fake-socket';

const NS = "xmlns='http://jabber.org/protocol/httpbind'";
const POLL = `<body rid='1' ${NS}/>`;
const MESSAGE = `<body rid='2' ${NS}><message xmlns='jabber:client'>hi</message></body>`;
const ADDRESS = 'https://example.org/bind';

/** What the network was asked, and what it says to that. */
let sent: { url: string; method: string; body: string; type: string | null; isSame?: boolean }[];
let network: () => Promise<Response>;
let asked: { url: string; body: string; held: Held }[];
let answered: unknown[];
let aborted: number[];
let passed: string[];
let isOff: boolean;
/** The page's own world. */
let page: Pick<typeof globalThis, 'fetch' | 'Request'>;

const nativeFetch = async (input: unknown, init?: unknown): Promise<Response> => {
  const request = Reflect.construct(Request, [input, init]) as Request;
  const { url, method, headers } = request;
  sent.push({ url, method, body: await request.text(), type: headers.get('content-type') });
  return network();
};

beforeEach(() => {
  sent = [];
  asked = [];
  answered = [];
  aborted = [];
  passed = [];
  isOff = false;
  network = async () => new Response('<body/>', { status: 200 });
  // A class of its own: the hook changes what it is given.
  class PageRequest extends Request {}
  for (const key of ['url', 'method', 'signal', 'clone']) {
    const found = Object.getOwnPropertyDescriptor(Request.prototype, key);
    Object.defineProperty(PageRequest.prototype, key, found ?? {});
  }
  const scope = Object.create(globalThis, {
    fetch: { value: nativeFetch, writable: true, configurable: true },
    Request: { value: PageRequest, writable: true, configurable: true },
    WebSocket: { value: FakeSocket },
    CloseEvent: { value: FakeCloseEvent },
  }) as typeof globalThis;
  const requests: Requests = {
    isOff: () => isOff,
    ask: (url, body, held) => asked.push({ url, body, held }),
    answered: (...all) => void answered.push(all),
    aborted: (r) => void aborted.push(r),
    passed: (body) => void passed.push(body),
  };
  installFetch(scope, captureNatives(scope), captureFetch(scope), requests);
  page = scope;
});

const post = (body: string): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'text/xml' },
  body,
});

describe('a fetch', () => {
  it.each([
    ['of another body', { method: 'POST', body: '{"message":1}' }],
    ['without body', undefined],
    ['by another method', { method: 'PUT', body: MESSAGE }],
  ])('%s passes', async (_, init) => {
    expect(await (await page.fetch(ADDRESS, init)).text()).toBe('<body/>');
    expect(sent).toHaveLength(1);
    expect(sent[0]?.body).toBe(init?.body ?? '');
    expect(asked).toEqual([]);
  });

  it('passes where the document is not protected', async () => {
    isOff = true;
    await page.fetch(ADDRESS, post(MESSAGE));
    expect(sent[0]?.body).toBe(MESSAGE);
  });

  it('runs no code of the page that it would not run by itself', async () => {
    const body = vi.fn(() => '{}');
    const init = Object.defineProperty({ method: 'POST' }, 'body', { get: body, enumerable: true });
    await page.fetch(ADDRESS, init);
    expect(body.mock.calls.length).toBeLessThanOrEqual(1);
  });

  it.each([
    ['an address', () => page.fetch(ADDRESS, post(MESSAGE))],
    ['a URL', () => page.fetch(new URL(ADDRESS), post(MESSAGE))],
    ['a request', () => page.fetch(new page.Request(ADDRESS, post(MESSAGE)))],
    ['a copy of a request', () => page.fetch(new page.Request(ADDRESS, post(MESSAGE)).clone())],
    [
      'a request made of a request',
      () => page.fetch(new page.Request(new page.Request(ADDRESS, post(MESSAGE)))),
    ],
    [
      'a request with another body',
      () => page.fetch(new page.Request(ADDRESS, post(POLL)), { body: MESSAGE }),
    ],
  ])('of a BOSH body by %s waits, and is sent as the bridge says', async (_, fetch) => {
    const promise = fetch();
    await new Promise(setImmediate);
    expect(sent).toEqual([]);
    expect(asked).toMatchObject([{ url: ADDRESS, body: MESSAGE }]);
    asked[0]?.held.send('<body>secret</body>');
    await vi.waitFor(() => expect(answered).toEqual([[1, 200, '<body/>']]));
    expect(sent).toEqual([
      { url: ADDRESS, method: 'POST', body: '<body>secret</body>', type: 'text/xml' },
    ]);
    asked[0]?.held.answer(null);
    const response = await promise;
    expect(await response.text()).toBe('<body/>');
  });

  it('gets an answer of the bridge, before the network has one', async () => {
    const promise = page.fetch(ADDRESS, post(POLL));
    asked[0]?.held.answer(`<body ${NS}/>`);
    const response = await promise;
    expect([response.status, response.ok]).toEqual([200, true]);
    expect(response.headers.get('content-type')).toBe('text/xml; charset=utf-8');
    expect(await response.text()).toBe(`<body ${NS}/>`);
  });

  it('can be sent again, and fails as the network failed', async () => {
    const reason = new TypeError('gone');
    network = () => Promise.reject(reason);
    const promise = page.fetch(ADDRESS, post(POLL));
    asked[0]?.held.send(POLL);
    await vi.waitFor(() => expect(answered).toEqual([[1, 0, '']]));
    asked[0]?.held.send(POLL);
    await vi.waitFor(() => expect(answered).toHaveLength(2));
    expect(sent.map(({ body }) => body)).toEqual([POLL, POLL]);
    asked[0]?.held.answer(null);
    await expect(promise).rejects.toBe(reason);
  });

  it('fails where the bridge lets nothing out', async () => {
    const promise = page.fetch(ADDRESS, post(MESSAGE));
    asked[0]?.held.answer(null);
    await expect(promise).rejects.toThrow(TypeError);
    expect(sent).toEqual([]);
  });

  it('ends for the page as it is aborted, and goes on for the bridge', async () => {
    const controller = new AbortController();
    const promise = page.fetch(ADDRESS, { ...post(POLL), signal: controller.signal });
    asked[0]?.held.send(POLL);
    controller.abort(new Error('enough'));
    await expect(promise).rejects.toThrow('enough');
    expect(aborted).toEqual([1]);
    await vi.waitFor(() => expect(answered).toEqual([[1, 200, '<body/>']]));
    const late = page.fetch(ADDRESS, { ...post(POLL), signal: controller.signal });
    await expect(late).rejects.toThrow('enough');
    expect(asked).toHaveLength(1);
  });

  it('rejects what the browser rejects', async () => {
    await expect(page.fetch('::', post(POLL))).rejects.toThrow(TypeError);
    expect(asked).toEqual([]);
  });
});

describe('a beacon', () => {
  const install = () => {
    const beacons: unknown[][] = [];
    const navigator = {
      sendBeacon: (...args: unknown[]) => beacons.push(args) > 0,
    };
    const requests = { isOff: () => isOff, passed: (body: string) => passed.push(body) };
    Reflect.apply(installBeacon, undefined, [{ navigator }, requests]);
    return { beacons, navigator };
  };

  it.each([
    ['of another body', '{"message":1}', '{"message":1}'],
    ['that ends a session', `<body type='terminate' ${NS}/>`, `<body type='terminate' ${NS}/>`],
    [
      'that ends a session, without its message',
      `<body type='terminate' ${NS}><message/></body>`,
      `<body type='terminate' ${NS}/>`,
    ],
  ])('%s leaves', (_, body, left) => {
    const { beacons, navigator } = install();
    expect(navigator.sendBeacon(ADDRESS, body)).toBe(true);
    expect(beacons).toEqual([[ADDRESS, left]]);
    expect(passed).toEqual(left.startsWith('{') ? [] : [left]);
  });

  it('with a message does not leave', () => {
    const { beacons, navigator } = install();
    expect(navigator.sendBeacon(ADDRESS, MESSAGE)).toBe(false);
    expect([beacons, passed]).toEqual([[], []]);
  });

  it('passes where the document is not protected', () => {
    isOff = true;
    const { beacons, navigator } = install();
    navigator.sendBeacon(ADDRESS, MESSAGE);
    expect(beacons).toEqual([[ADDRESS, MESSAGE]]);
  });
});
