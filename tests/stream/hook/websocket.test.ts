import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BridgeMessage, HookMessage, HttpMessage, Will } from '../../../src/rpc/page-api';
import { captureNatives } from '../../../src/stream/hook/natives';
import { installWebSocket } from '../../../src/stream/hook/websocket';
import type { FakeSocket } from './fake-socket';

const URL_OF_SERVER = 'wss://xmpp.example.org/ws';
const PING = "<iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>";
const MESSAGE = "<message to='b@example.org'><body>hi</body></message>";

let posted: (HookMessage | HttpMessage)[];
let tell: (message: BridgeMessage | Will) => void;
let isGone: boolean;
let Fake: typeof FakeSocket;

beforeEach(async () => {
  // A fresh class each time: the hook changes its prototype.
  vi.resetModules();
  const fakes = await import('./fake-socket');
  Fake = fakes.FakeSocket;
  vi.stubGlobal('WebSocket', Fake);
  vi.stubGlobal('CloseEvent', fakes.FakeCloseEvent);
  posted = [];
  isGone = false;
  const natives = { ...captureNatives(globalThis), isTrusted: fakes.isTrusted };
  installWebSocket(globalThis, natives, {
    post: (message) => void posted.push(message),
    listen: (handler) => {
      tell = handler;
    },
    isGone: () => isGone,
  });
});
afterEach(() => vi.unstubAllGlobals());

function construct(...args: unknown[]): FakeSocket {
  const socket: unknown = Reflect.construct(globalThis.WebSocket, args);
  if (!(socket instanceof Fake)) throw new TypeError('no socket');
  return socket;
}

/** What the page saw, in words, with the state it read at that moment. */
function watch(socket: FakeSocket): string[] {
  const seen: string[] = [];
  const note = (event: Event) => {
    const data: unknown = event instanceof MessageEvent ? event.data : '';
    const code: unknown = Reflect.get(event, 'code') ?? '';
    seen.push(`${event.type} ${socket.readyState} ${String(data)}${String(code)}`);
  };
  for (const type of ['message', 'error', 'close']) socket.addEventListener(type, note);
  return seen;
}

function openStream(protocols: unknown = 'xmpp') {
  const socket = construct(URL_OF_SERVER, protocols);
  const seen = watch(socket);
  socket.accept('xmpp');
  return { socket, seen };
}

const release = (dir: 'out' | 'in', frames: string[], s = 1) =>
  tell({ t: 'release', s, dir, frames });

describe('the replaced constructor', () => {
  it('looks like the native and is its prototype’s constructor', () => {
    expect(globalThis.WebSocket).not.toBe(Fake);
    expect(globalThis.WebSocket.name).toBe('FakeSocket');
    expect(globalThis.WebSocket.length).toBe(Fake.length);
    expect(Fake.prototype.constructor).toBe(globalThis.WebSocket);
    expect(construct(URL_OF_SERVER)).toBeInstanceOf(globalThis.WebSocket);
  });

  it('leaves the flags of every property as they were', () => {
    const flags = Object.getOwnPropertyDescriptor(Fake.prototype, 'send');
    expect([flags?.writable, flags?.enumerable, flags?.configurable]).toEqual([true, false, true]);
    expect(Object.getOwnPropertyDescriptor(Fake.prototype, 'readyState')?.set).toBeUndefined();
  });

  it('throws the native errors for other objects', () => {
    for (const name of ['send', 'close'] as const)
      expect(() => Reflect.apply(Fake.prototype[name], {}, ['x'])).toThrow(TypeError);
    expect(() => Fake.prototype.readyState).toThrow(TypeError);
    expect(() => Fake.prototype.bufferedAmount).toThrow(TypeError);
  });

  it('shows the source text of the native', async () => {
    const { hideProxies } = await import('../../../src/stream/hook/natives');
    const scope = Object.create(globalThis);
    const prototype = { toString: Function.prototype.toString };
    Reflect.defineProperty(scope, 'Function', { value: { prototype } });
    hideProxies(scope);
    expect(Reflect.apply(prototype.toString, parseInt, [])).toBe(
      'function parseInt() { [native code] }',
    );
    expect(Reflect.apply(prototype.toString, prototype.toString, [])).toBe(
      'function toString() { [native code] }',
    );
  });
});

describe('other sockets (I-1)', () => {
  it.each([[undefined], ['chat'], [['chat']]])(
    'with the subprotocol %s are left alone',
    (protocols) => {
      const socket = construct(URL_OF_SERVER, protocols);
      const seen = watch(socket);
      socket.accept('chat');
      socket.send(MESSAGE);
      socket.receive(MESSAGE);
      socket.close(1000, 'x');
      socket.end(1000);
      expect(socket.sent).toEqual([MESSAGE]);
      expect(seen).toEqual([`message 1 ${MESSAGE}`, 'close 3 1000']);
      expect(socket.closed).toEqual([[1000, 'x']]);
      expect(posted).toEqual([]);
    },
  );
});

describe('an XMPP socket', () => {
  it.each(['xmpp', ['xmpp'], ['other', 'xmpp'], new Set(['xmpp'])])(
    'is announced as it opens (I-1): %s',
    (protocols) => {
      openStream(protocols);
      expect(posted).toEqual([{ t: 'opened', s: 1, url: URL_OF_SERVER }]);
    },
  );

  it('throws as the native does before it is open', () => {
    const socket = construct(URL_OF_SERVER, 'xmpp');
    expect(() => socket.send('x')).toThrow('CONNECTING');
  });

  it('passes uninteresting frames at once, as the very same event (I-3)', () => {
    const { socket } = openStream();
    const events: Event[] = [];
    socket.addEventListener('message', (event) => events.push(event));
    const event = new MessageEvent('message', { data: '<presence/>' });
    socket.emit(event);
    socket.send(PING);
    expect(events).toEqual([event]);
    expect(events[0]).toBe(event);
    expect(socket.sent).toEqual([PING]);
  });

  it('holds a message until it is released, and what was sent after it', async () => {
    const { socket } = openStream();
    const buffer = new Uint8Array([1, 2, 3]);
    socket.send(MESSAGE);
    socket.send(PING);
    socket.send(buffer);
    buffer.fill(0);
    expect(socket.sent).toEqual([]);
    expect(posted.at(-1)).toEqual({
      t: 'frame',
      s: 1,
      dir: 'out',
      text: MESSAGE,
      at: { page: 0, wire: 0 },
    });
    release('out', ['<message>secret</message>']);
    expect(socket.sent.slice(0, 2)).toEqual(['<message>secret</message>', PING]);
    const [, , binary] = socket.sent;
    expect(binary).toBeInstanceOf(Blob);
    if (binary instanceof Blob)
      expect(new Uint8Array(await binary.arrayBuffer())).toEqual(new Uint8Array([1, 2, 3]));
  });

  it('counts held bytes as buffered, in UTF-8 (I-7)', () => {
    const { socket } = openStream();
    const text = '<message>é€😀\ud800</message>';
    socket.send(text);
    socket.send(new Uint8Array(10));
    expect(socket.bufferedAmount).toBe(new TextEncoder().encode(text).length + 10);
    release('out', []);
    expect(socket.bufferedAmount).toBe(0);
  });

  it('converts what the page sends once, as the native does', () => {
    const { socket } = openStream();
    const toString = vi.fn(() => MESSAGE);
    Reflect.apply(socket.send, socket, [{ toString }]);
    expect(toString).toHaveBeenCalledTimes(1);
    expect(posted.at(-1)).toMatchObject({ text: MESSAGE });
    expect(() => Reflect.apply(socket.send, socket, [Symbol('x')])).toThrow('native: ');
  });

  it('holds inbound messages, later frames, errors and the close event in order (I-5)', () => {
    const { socket, seen } = openStream();
    socket.receive(MESSAGE);
    socket.receive('<presence/>');
    socket.end();
    expect(seen).toEqual([]);
    expect(socket.readyState).toBe(2);
    release('in', ['<message>clear</message>']);
    expect(seen).toEqual([
      'message 2 <message>clear</message>',
      'message 2 <presence/>',
      'error 2 ',
      'close 3 1006',
    ]);
    expect(posted.at(-1)).toEqual({ t: 'closed', s: 1 });
  });

  it('tells what was still waiting when the socket closed, also what is released into the closed one', () => {
    const { socket } = openStream();
    socket.send(MESSAGE);
    socket.send(PING);
    socket.send("<message id='2'/>");
    // The end of the stream waits behind this.
    socket.receive(MESSAGE);
    socket.end();
    release('out', ['<message>encrypted</message>']);
    expect(socket.sent).toEqual([]);
    release('in', []);
    expect(posted.slice(-3)).toEqual([
      { t: 'unsent', s: 1, text: MESSAGE },
      { t: 'unsent', s: 1, text: "<message id='2'/>" },
      { t: 'closed', s: 1 },
    ]);
  });

  it('does not tell what was refused as the socket closed: the page has its answer', () => {
    const { socket } = openStream();
    socket.send(MESSAGE);
    socket.receive(MESSAGE);
    socket.end();
    release('out', []);
    release('in', []);
    expect(posted.filter(({ t }) => t === 'unsent')).toEqual([]);
    expect(posted.at(-1)).toEqual({ t: 'closed', s: 1 });
  });

  it('tells listeners of every kind what was held, each as often as it asked for (I-6)', () => {
    const { socket } = openStream();
    const calls: string[] = [];
    const stop = new AbortController();
    const object = { handleEvent: (event: Event) => calls.push(`object ${event.type}`) };
    socket.addEventListener('message', object);
    socket.addEventListener('message', () => calls.push('once'), { once: true });
    socket.addEventListener('message', () => calls.push('signal'), { signal: stop.signal });
    socket.receive(MESSAGE);
    release('in', ['<message>1</message>', '<message>2</message>']);
    stop.abort();
    socket.receive(MESSAGE);
    release('in', ['<message>3</message>']);
    const each = 'object message';
    expect(calls).toEqual([each, 'once', 'signal', each, 'signal', each]);
  });

  it('runs before listeners of the page, capturing ones too', () => {
    const socket = construct(URL_OF_SERVER, 'xmpp');
    const listener = vi.fn();
    socket.addEventListener('message', listener, true);
    socket.accept('xmpp');
    socket.receive(MESSAGE);
    expect(listener).not.toHaveBeenCalled();
    release('in', []);
    expect(listener).not.toHaveBeenCalled();
  });

  it('lets nothing of the page follow a <close/> of ours', () => {
    const { socket } = openStream();
    const close = "<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>";
    tell({ t: 'inject', s: 1, dir: 'out', id: 'end', text: close });
    socket.send('<iq>of the page</iq>');
    expect(socket.sent).toEqual([close]);
    expect(socket.closed).toHaveLength(1);
  });

  it('puts nothing of ours behind the <close/> of the page (I-57)', () => {
    const { socket, seen } = openStream();
    const close = "<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>";
    socket.send(MESSAGE);
    socket.send(close);
    tell({ t: 'inject', s: 1, dir: 'out', id: 'before', text: '<iq>before</iq>' });
    release('out', ['<message>secret</message>']);
    const before = posted.length;
    tell({ t: 'inject', s: 1, dir: 'out', id: 'behind', text: '<iq>behind</iq>' });
    expect(socket.sent).toEqual(['<iq>before</iq>', '<message>secret</message>', close]);
    expect(posted).toHaveLength(before);
    tell({ t: 'inject', s: 1, dir: 'in', id: 'b', text: '<message>for the page</message>' });
    expect(seen).toEqual(['message 1 <message>for the page</message>']);
  });

  it('puts frames in at once and tells where', () => {
    const { socket, seen } = openStream();
    socket.send(MESSAGE);
    tell({ t: 'inject', s: 1, dir: 'out', id: 'a', text: '<iq>ours</iq>' });
    tell({ t: 'inject', s: 1, dir: 'in', id: 'b', text: '<message/>' });
    expect(socket.sent).toEqual(['<iq>ours</iq>']);
    expect(seen).toEqual(['message 1 <message/>']);
    expect(posted.slice(-2)).toEqual([
      { t: 'injected', s: 1, dir: 'out', id: 'a', at: { page: 0, wire: 0 } },
      { t: 'injected', s: 1, dir: 'in', id: 'b', at: { page: 0, wire: 0 } },
    ]);
  });

  it('holds replies to our own requests', () => {
    const { socket, seen } = openStream();
    tell({ t: 'ids', prefix: 'abc' });
    socket.receive("<iq id='abc1' type='result'/>");
    release('in', []);
    expect(seen).toEqual([]);
  });

  describe('whose bridge is gone (I-126)', () => {
    const WILL = '<error type="cancel"/></message>';
    const seenIn = (seen: readonly string[]) => seen.map((each) => each.replace('message 1 ', ''));

    it('has its messages refused with an error of their own, all else goes on (I-126)', () => {
      const { socket, seen } = openStream();
      tell({ t: 'will', text: WILL });
      isGone = true;
      posted = [];
      socket.send("<message id='m1' to='b@example.org'><body>hi</body></message>");
      socket.send(PING);
      socket.send('<presence/>');
      socket.send('message');
      socket.send('<message to="b@example.org" id="m>2" type="chat"/>');
      expect(socket.sent).toEqual([PING, '<presence/>']);
      expect(seenIn(seen)).toEqual([
        `<message xmlns='jabber:client' type='error' id='m1' from='b@example.org'>${WILL}`,
        `<message xmlns='jabber:client' type='error' id="m>2" from="b@example.org">${WILL}`,
      ]);
      socket.receive('<message>from b</message>');
      expect(seenIn(seen).at(-1)).toBe('<message>from b</message>');
      expect(posted).toEqual([]);
    });

    it('does so with what the bridge had been shown before, as soon as anything follows', () => {
      const { socket, seen } = openStream();
      tell({ t: 'will', text: WILL });
      socket.send("<message id='m1' to='b@example.org'><body>hi</body></message>");
      socket.send(PING);
      expect(socket.sent).toEqual([]);
      isGone = true;
      socket.send("<message id='m2' to='b@example.org'><body>ho</body></message>");
      expect(socket.sent).toEqual([PING]);
      expect(seen.map((each) => /id='(m\d)'/.exec(each)?.[1]).toSorted()).toEqual(['m1', 'm2']);
    });
  });

  it('closes after what was sent before (I-5)', () => {
    const { socket } = openStream();
    socket.send(MESSAGE);
    expect(() => socket.close(1001)).toThrow('close code');
    socket.close(3000, 'done');
    expect(socket.closed).toEqual([]);
    expect(socket.readyState).toBe(2);
    socket.send('late');
    expect(socket.bufferedAmount).toBe(MESSAGE.length + 4);
    release('out', ['<message>secret</message>']);
    expect(socket.sent).toEqual(['<message>secret</message>']);
    expect(socket.closed).toEqual([[3000, 'done']]);
  });

  it('closes at once when nothing waits', () => {
    const { socket } = openStream();
    socket.close();
    expect(socket.closed).toEqual([[]]);
  });

  it('keeps two streams apart', () => {
    const first = openStream();
    const second = openStream();
    first.socket.send(MESSAGE);
    second.socket.send(MESSAGE);
    release('out', ['two'], 2);
    expect(first.socket.sent).toEqual([]);
    expect(second.socket.sent).toEqual(['two']);
  });

  it('is given back when the document is not protected', () => {
    const { socket, seen } = openStream();
    socket.send(MESSAGE);
    socket.send(PING);
    socket.receive(MESSAGE);
    tell({ t: 'off' });
    expect(socket.sent).toEqual([MESSAGE, PING]);
    expect(seen).toEqual([`message 1 ${MESSAGE}`]);
    const before = posted.length;
    socket.send(MESSAGE);
    openStream().socket.send(MESSAGE);
    expect(posted).toHaveLength(before);
  });
});

describe('a page that patches its world', () => {
  it('neither reads nor breaks anything', () => {
    const { socket } = openStream();
    const spy = vi.fn(() => {
      throw new Error('patched');
    });
    const patched: [object, PropertyKey][] = [
      [String.prototype, 'includes'],
      [String.prototype, 'charCodeAt'],
      [RegExp.prototype, 'exec'],
      [WeakMap.prototype, 'get'],
      [Reflect, 'apply'],
      [EventTarget.prototype, 'dispatchEvent'],
      [Event.prototype, 'stopImmediatePropagation'],
      [globalThis, 'MessageEvent'],
      [globalThis, 'Number'],
    ];
    const before = patched.map(([owner, key]) => Object.getOwnPropertyDescriptor(owner, key));
    for (const [owner, key] of patched)
      Object.defineProperty(owner, key, { value: spy, configurable: true, writable: true });
    try {
      socket.send(MESSAGE);
      release('out', ['<message>secret</message>']);
      tell({ t: 'inject', s: 1, dir: 'in', id: 'b', text: '<message>clear</message>' });
      void socket.bufferedAmount;
    } finally {
      patched.forEach(([owner, key], index) => {
        const descriptor = before[index];
        if (descriptor !== undefined) Object.defineProperty(owner, key, descriptor);
      });
    }
    expect(spy).not.toHaveBeenCalled();
    expect(socket.sent).toEqual(['<message>secret</message>']);
  });
});
