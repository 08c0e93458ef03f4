import { afterEach, describe, expect, it, vi } from 'vitest';
import { openChannel, readBridgeMessage } from '../../../src/stream/hook/channel';
import { ALIVE, HANDSHAKE } from '../../../src/stream/hook/handshake';
import { captureNatives } from '../../../src/stream/hook/natives';
import { FakeCloseEvent, FakeSocket } from './fake-socket';

const ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
  vi.unstubAllGlobals();
});

describe('a message of the bridge', () => {
  it.each([
    { t: 'off' },
    { t: 'will', text: '</message>' },
    { t: 'ids', prefix: 'abc' },
    { t: 'release', s: 1, dir: 'out', frames: [] },
    { t: 'release', s: 1, dir: 'in', frames: ['<a/>', ''] },
    { t: 'inject', s: 1, dir: 'in', id: 'x', text: '<a/>' },
    { t: 'send', r: 1, body: '<body/>' },
    { t: 'answer', r: 1, body: '<body/>' },
    { t: 'answer', r: 1, body: null },
  ])('is rebuilt without what does not belong: %j', (message) => {
    expect(readBridgeMessage({ ...message, extra: 1 })).toEqual(message);
  });

  it.each([
    null,
    undefined,
    'off',
    {},
    { t: 'on' },
    { t: 'ids' },
    { t: 'will' },
    { t: 'ids', prefix: 1 },
    // Every frame holds the empty text: nothing would pass any more.
    { t: 'ids', prefix: '' },
    { t: 'release', s: 1, dir: 'out' },
    { t: 'release', s: '1', dir: 'out', frames: [] },
    { t: 'release', s: 1, dir: 'up', frames: [] },
    { t: 'release', s: 1, dir: 'out', frames: 'x' },
    { t: 'release', s: 1, dir: 'out', frames: ['x', 1] },
    { t: 'release', s: 1, dir: 'out', frames: { length: 1, 0: 'x' } },
    { t: 'inject', s: 1, dir: 'in', id: 'x' },
    { t: 'inject', s: 1, dir: 'in', id: 1, text: 'x' },
    { s: 1, dir: 'in', frames: [] },
    { t: 'send', r: 1 },
    { t: 'send', r: 1, body: null },
    { t: 'send', r: '1', body: '<body/>' },
    { t: 'answer', r: 1 },
    { t: 'answer', r: 1, body: 7 },
  ])('is none: %j', (data) => {
    expect(readBridgeMessage(data)).toBeUndefined();
  });
});

describe('the channel', () => {
  function open() {
    vi.stubGlobal('WebSocket', FakeSocket);
    vi.stubGlobal('CloseEvent', FakeCloseEvent);
    const document = new EventTarget();
    let bridge: MessagePort | undefined;
    document.addEventListener(HANDSHAKE, (event) => {
      if (event instanceof MessageEvent) bridge = event.ports[0];
    });
    const scope = Object.create(globalThis, { document: { value: document } });
    const channel = openChannel(scope, captureNatives(globalThis));
    if (bridge === undefined) throw new Error('no port');
    ports.push(bridge);
    return { channel, bridge };
  }

  it('hands its other end over once, in one event', async () => {
    const { channel, bridge } = open();
    const got: unknown[] = [];
    bridge.onmessage = ({ data }) => void got.push(data);
    channel.post({ t: 'closed', s: 1 });
    await vi.waitFor(() => expect(got).toEqual([{ t: 'closed', s: 1 }]));
  });

  it('brings what the bridge says and nothing else', async () => {
    const { channel, bridge } = open();
    const got: unknown[] = [];
    channel.listen((message) => void got.push(message));
    for (const message of [{ t: 'nonsense' }, { t: 'ids', prefix: 'abc' }, 7, { t: 'off' }]) {
      bridge.postMessage(message);
    }
    await vi.waitFor(() => expect(got).toEqual([{ t: 'ids', prefix: 'abc' }, { t: 'off' }]));
  });

  it('knows that nobody is there, and that somebody is', () => {
    const { channel, bridge } = open();
    expect(channel.isGone()).toBe(true);
    const answer = (event: Event) => event.preventDefault();
    bridge.addEventListener(ALIVE, answer);
    expect(channel.isGone()).toBe(false);
    bridge.removeEventListener(ALIVE, answer);
    expect(channel.isGone()).toBe(true);
  });

  it('does not use what the page put in its place', async () => {
    const { channel, bridge } = open();
    const stolen: unknown[] = [];
    vi.spyOn(MessagePort.prototype, 'postMessage').mockImplementation((message) => {
      stolen.push(message);
    });
    const got: unknown[] = [];
    bridge.onmessage = ({ data }) => void got.push(data);
    channel.post({ t: 'closed', s: 1 });
    await vi.waitFor(() => expect(got).toHaveLength(1));
    expect(stolen).toEqual([]);
    vi.restoreAllMocks();
  });
});
