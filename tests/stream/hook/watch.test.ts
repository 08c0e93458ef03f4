// A bridge that is gone (I-126): what waits for it is refused, and nothing waits for ever.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { REASONS } from '../../../src/rpc/reasons';
import type {
  BridgeMessage,
  HookMessage,
  HttpCommand,
  HttpMessage,
} from '../../../src/rpc/page-api';
import { captureNatives } from '../../../src/stream/hook/natives';
import { EXTENSION_GONE, MAX_SILENT, PING_MS, watchBridge } from '../../../src/stream/hook/watch';
import { FakeCloseEvent, FakeSocket } from './fake-socket';

const at = { page: 0, wire: 0 };
const frame = (text: string, dir: 'out' | 'in' = 'out', s = 1): HookMessage => ({
  t: 'frame',
  s,
  dir,
  text,
  at,
});
const MESSAGE =
  "<message id='1' to='b@example.org' from='a@example.org/x'><body>hi</body></message>";
/** From the first question on: as many as may stay silent, and one turn more. */
const GONE_MS = PING_MS * (MAX_SILENT + 1);

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', FakeSocket);
  vi.stubGlobal('CloseEvent', FakeCloseEvent);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function setUp() {
  const asked: (HookMessage | HttpMessage)[] = [];
  const heard: (BridgeMessage | HttpCommand)[] = [];
  let say = (_message: BridgeMessage | HttpCommand): void => undefined;
  const channel = watchBridge(
    { post: (message) => void asked.push(message), listen: (handler) => void (say = handler) },
    captureNatives(globalThis),
  );
  channel.listen((message) => void heard.push({ ...message }));
  const pings = () => asked.filter(({ t }) => t === 'ping').length;
  return {
    channel,
    asked,
    heard,
    pings,
    say: (message: BridgeMessage | HttpCommand) => say(message),
  };
}

const release = (frames: string[], dir: 'out' | 'in' = 'out', s = 1): BridgeMessage => ({
  t: 'release',
  s,
  dir,
  frames,
});

describe('a bridge that answers', () => {
  it('is asked nothing while nothing waits', () => {
    const { channel, heard, pings, say } = setUp();
    channel.post(frame(MESSAGE));
    say(release(['<message/>']));
    vi.advanceTimersByTime(10 * GONE_MS);
    expect(pings()).toBe(0);
    expect(heard).toEqual([release(['<message/>'])]);
  });

  it('may take as long as it likes for a frame', () => {
    const { channel, heard, pings, say } = setUp();
    channel.post(frame(MESSAGE));
    for (let turn = 0; turn < 20; turn++) {
      vi.advanceTimersByTime(PING_MS);
      say({ t: 'alive' });
    }
    expect(pings()).toBe(20);
    expect(heard).toEqual([]);
    say(release(['<message/>']));
    expect(heard).toEqual([release(['<message/>'])]);
  });

  it('is not given up for one late answer', () => {
    const { channel, heard, say } = setUp();
    channel.post(frame(MESSAGE));
    vi.advanceTimersByTime(PING_MS * MAX_SILENT);
    say({ t: 'alive' });
    vi.advanceTimersByTime(PING_MS * MAX_SILENT);
    expect(heard).toEqual([]);
  });
});

describe('a bridge that is gone', () => {
  it('lets no message out, and the page is told in the words of the others', () => {
    const { channel, heard } = setUp();
    channel.post(frame(MESSAGE));
    vi.advanceTimersByTime(GONE_MS);
    expect(heard[0]).toEqual(release([]));
    expect(heard[1]).toMatchObject({ t: 'inject', s: 1, dir: 'in' });
    const { text = '' } = heard[1]?.t === 'inject' ? heard[1] : {};
    expect(text).toMatch(
      /^<message xmlns='jabber:client' type='error' id='1' from='b@example.org' to='a@example.org\/x'>/,
    );
    expect(text).toContain(EXTENSION_GONE);
    expect(EXTENSION_GONE).toBe(REASONS['extension-gone']);
    expect(heard).toHaveLength(2);
  });

  it.each([
    ['out', "<presence xmlns='jabber:client'/>"],
    ['out', "<iq type='get' id='1'><query node='message'/></iq>"],
    ['in', MESSAGE],
  ] as const)('lets go on what is no message of the page: %s %s', (dir, text) => {
    const { channel, heard } = setUp();
    channel.post(frame(text, dir));
    vi.advanceTimersByTime(GONE_MS);
    expect(heard).toEqual([release([text], dir)]);
  });

  it.each([
    ["<message id='1' type='error' to='b@example.org'/>", undefined],
    [`<presence xmlns='jabber:client'/>${MESSAGE}`, EXTENSION_GONE],
    ['<message', EXTENSION_GONE],
    ["<resume xmlns='urn:xmpp:sm:3' previd='x' h='1'/>", '<item-not-found'],
    ["<enable xmlns='urn:xmpp:sm:3'/>", '<unexpected-request'],
  ])('does not let out %s', (text, told) => {
    const { channel, heard } = setUp();
    channel.post(frame(text));
    vi.advanceTimersByTime(GONE_MS);
    const [first, ...others] = heard;
    expect(first).toEqual(release([]));
    expect(others.map((message) => (message.t === 'inject' ? message.text : ''))).toEqual(
      told === undefined ? [] : [expect.stringContaining(told)],
    );
  });

  it('fails a request of BOSH that it did not let out, and no other', () => {
    const { channel, heard, say } = setUp();
    const request = (r: number): HttpMessage => ({ t: 'request', r, url: '/bosh', body: MESSAGE });
    for (const r of [1, 2, 3]) channel.post(request(r));
    say({ t: 'send', r: 1, body: '<body/>' });
    channel.post({ t: 'aborted', r: 2 });
    heard.length = 0;
    vi.advanceTimersByTime(GONE_MS);
    expect(heard).toEqual([{ t: 'answer', r: 3, body: null }]);
  });

  it('is heard by all who listen', () => {
    const { channel, heard } = setUp();
    const other: unknown[] = [];
    channel.listen((message) => void other.push({ ...message }));
    channel.post(frame(MESSAGE));
    vi.advanceTimersByTime(GONE_MS);
    expect(other).toEqual(heard);
    expect(other).toHaveLength(2);
  });

  it('is not waited for again, and says nothing any more', () => {
    const { channel, asked, heard, say } = setUp();
    channel.post(frame(MESSAGE));
    vi.advanceTimersByTime(GONE_MS);
    const count = heard.length;
    const questions = asked.length;
    say(release([MESSAGE]));
    expect(heard).toHaveLength(count);
    channel.post(frame(MESSAGE, 'out', 2));
    expect(heard).toHaveLength(count);
    vi.advanceTimersByTime(0);
    expect(heard.slice(count)).toMatchObject([release([], 'out', 2), { t: 'inject', s: 2 }]);
    expect(asked).toHaveLength(questions);
  });
});
