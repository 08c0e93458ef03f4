// Streams in workers (I-12), with stand-ins for the browser's workers; real ones are covered end to end.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { HookMessage, HttpMessage } from '../../../src/rpc/page-api';
import { captureNatives } from '../../../src/stream/hook/natives';
import { IN_WORKER, installWorkers } from '../../../src/stream/hook/workers';
import { FakeCloseEvent, FakeSocket } from './fake-socket';

const OPENINGS = [
  "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='example.org' version='1.0'/>",
  " <stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='example.org'>",
  "<body xmlns='http://jabber.org/protocol/httpbind' rid='1' to='example.org'/>",
] as const;
const MESSAGE = "<message to='b@example.org'><body>hi</body></message>";

/** What workers were posted. */
let got: unknown[];
let told: (HookMessage | HttpMessage)[];

/** Fresh classes each time: the hook changes their prototypes. */
function fakes() {
  const post = function postMessage(...args: unknown[]): void {
    got.push(args);
  };
  class MessagePort {}
  class Worker {}
  for (const { prototype } of [MessagePort, Worker]) Reflect.set(prototype, 'postMessage', post);
  class SharedWorker {
    readonly #port = new MessagePort();
    readonly given: unknown[];
    constructor(...given: unknown[]) {
      this.given = given;
    }
    get port() {
      return this.#port;
    }
  }
  return { MessagePort, Worker, SharedWorker };
}

interface Poster {
  postMessage(...args: unknown[]): void;
}

function make(name: string, ...args: unknown[]): Poster {
  return Reflect.construct(Reflect.get(globalThis, name), args);
}

const portOf = (worker: object): Poster => Reflect.get(worker, 'port');

function install(leaveOut: readonly string[] = []): void {
  for (const [name, fake] of Object.entries(fakes())) vi.stubGlobal(name, fake);
  for (const name of leaveOut) vi.stubGlobal(name, undefined);
  installWorkers(globalThis, captureNatives(globalThis), {
    post: (message) => void told.push(message),
    listen: () => undefined,
    isGone: () => false,
  });
}

beforeEach(() => {
  got = [];
  told = [];
  vi.stubGlobal('WebSocket', FakeSocket);
  vi.stubGlobal('CloseEvent', FakeCloseEvent);
});
afterEach(() => vi.unstubAllGlobals());

const refusal = expect.objectContaining({ name: 'NotSupportedError', message: IN_WORKER });

/** What a call throws. */
function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a shared worker (I-12)', () => {
  it.each([
    ['/dist/any.js', 'Strophe XMPP Connection'],
    ['/dist/shared-connection-worker.js', undefined],
    ['https://example.org/assets/xmpp.worker-5f3a.js?v=1', undefined],
  ])('called %s, %s is refused where it is made', (...given) => {
    install();
    expect(thrownBy(() => make('SharedWorker', ...given))).toEqual(refusal);
    expect(told).toEqual([{ t: 'worker', s: 1 }]);
  });

  it.each([
    ['https://xmpp.example.org/worker.js', 'search'],
    ['/xmpp/worker.js', { name: 'index' }],
    [new URL('https://example.org/counter.js'), undefined],
  ])('called %s is as it was', (...given) => {
    install();
    const worker = make('SharedWorker', ...given);
    expect(Reflect.get(worker, 'given')).toEqual(given);
    portOf(worker).postMessage(['count', 1], []);
    expect(got).toEqual([[['count', 1], []]]);
    expect(told).toEqual([]);
  });

  it.each(OPENINGS)('that is posted %s gets nothing, then or later', (opening) => {
    install();
    const port = portOf(make('SharedWorker', '/any.js'));
    expect(thrownBy(() => port.postMessage(['send', opening]))).toEqual(refusal);
    expect(thrownBy(() => port.postMessage(['send', MESSAGE]))).toEqual(refusal);
    expect(got).toEqual([]);
    expect(told).toEqual([
      { t: 'worker', s: 1 },
      { t: 'worker', s: 2 },
    ]);
  });

  it('is not mixed up with other ports of the page', () => {
    install();
    const port = make('MessagePort');
    port.postMessage(OPENINGS[0]);
    expect(got).toEqual([[OPENINGS[0]]]);
  });

  it('looks like the native', () => {
    install();
    const shared = globalThis.SharedWorker;
    expect([shared.name, shared.prototype.constructor]).toEqual(['SharedWorker', shared]);
    expect(make('SharedWorker', '/any.js')).toBeInstanceOf(shared);
  });
});

describe('a worker of the page alone (I-12)', () => {
  it.each(OPENINGS)('that is posted %s gets nothing, then or later', (opening) => {
    install();
    const worker = make('Worker', '/xmpp.js');
    expect(thrownBy(() => worker.postMessage(opening))).toEqual(refusal);
    expect(thrownBy(() => worker.postMessage(MESSAGE))).toEqual(refusal);
    expect(got).toEqual([]);
  });

  it.each([
    'open the door',
    '<body>text</body>',
    `quoted: ${OPENINGS[0]}`,
    { frame: 1 },
    null,
    undefined,
    [[[[OPENINGS[0]]]]],
  ])('that is posted %j is as it was', (value) => {
    install();
    make('Worker', '/any.js').postMessage(value, 'more');
    expect(got).toEqual([[value, 'more']]);
  });

  it('reads nothing of what is posted that could be seen', () => {
    install();
    const get = vi.fn();
    make('Worker', '/any.js').postMessage(Object.defineProperty({}, 'frame', { get }));
    expect(get).not.toHaveBeenCalled();
  });
});

it('a browser without workers is left as it is', () => {
  install(['Worker', 'SharedWorker']);
  expect(globalThis.SharedWorker).toBeUndefined();
});
