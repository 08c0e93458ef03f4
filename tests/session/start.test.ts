import '../support/dom';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { BridgeMessage, HookMessage } from '../../src/rpc/page-api';
import { serve } from '../../src/rpc/port';
import { startSession } from '../../src/session/start';
import { BRIDGE } from '../../src/stream/bridge/channel';
import { portPair } from '../vault/fake-port';

afterEach(() => void Reflect.deleteProperty(globalThis, BRIDGE));

const at = { page: 0, wire: 0 };

/** A document with a bridge, and a worker that answers what the test says. */
function setUp(answer: (name: string, arg: unknown) => unknown = () => null) {
  let say = (_message: HookMessage): void => undefined;
  const posted: BridgeMessage[] = [];
  const asked: { name: string; arg: unknown }[] = [];
  const channel = {
    post: (message: BridgeMessage) => void posted.push(message),
    take: (handler: typeof say) => void (say = handler),
  };
  Reflect.defineProperty(globalThis, BRIDGE, { value: channel, configurable: true });
  let deliver = (_message: unknown): Promise<void> => Promise.resolve();
  let restore = (): void => undefined;
  startSession({
    connect: () => {
      const pair = portPair();
      serve(pair.far, async (name, arg) => {
        asked.push({ name, arg });
        return answer(name, arg);
      });
      return pair.near;
    },
    onMessage: (listener) => void (deliver = listener),
    onRestored: (listener) => void (restore = listener),
  });
  const named = (name: string) => asked.filter((call) => call.name === name).map(({ arg }) => arg);
  return {
    posted,
    named,
    say: (message: HookMessage) => say(message),
    wake: (message: unknown) => deliver(message),
    restore: () => restore(),
  };
}

const opened = (s: number): HookMessage => ({ t: 'opened', s, url: `wss://host-${s}.example/ws` });
const frame = (s: number, text: string): HookMessage => ({ t: 'frame', s, dir: 'in', text, at });
const WAKE = { omnemo: 'wake' };

describe('the session of a document', () => {
  it('without a bridge does nothing', () => {
    const connect = vi.fn();
    const unreachable = () => expect.unreachable();
    startSession({ connect, onMessage: unreachable, onRestored: unreachable });
    expect(connect).not.toHaveBeenCalled();
  });

  it('tells the vault of a stream in a worker until one opens outside (I-12)', async () => {
    const { named, say, wake } = setUp(() => ({ protect: true }));
    const worker = { stream: 0, endpoint: '', state: 'in-worker' };
    say({ t: 'worker', s: 1 });
    await vi.waitFor(() => expect(named('report')).toEqual([worker]));
    await wake(WAKE);
    await vi.waitFor(() => expect(named('report')).toEqual([worker, worker]));
    say(opened(1));
    await vi.waitFor(() => expect(named('report')).toContainEqual({ ...worker, state: 'gone' }));
    const count = named('report').length;
    await wake(WAKE);
    await vi.waitFor(() => expect(named('report').length).toBeGreaterThan(count));
    expect(named('report').slice(count)).not.toContainEqual(worker);
  });

  it('keeps its streams apart by number', async () => {
    const { posted, named, say } = setUp();
    say(opened(1));
    say(opened(2));
    say(frame(2, '<iq id="b"/>'));
    say(frame(1, '<iq id="a"/>'));
    await vi.waitFor(() => expect(posted.filter(({ t }) => t === 'release')).toHaveLength(2));
    expect(posted.filter(({ t }) => t === 'release')).toEqual([
      { t: 'release', s: 2, dir: 'in', frames: ['<iq id="b"/>'] },
      { t: 'release', s: 1, dir: 'in', frames: ['<iq id="a"/>'] },
    ]);
    await vi.waitFor(() => expect(named('report')).toHaveLength(2));
    expect(named('report')).toMatchObject([
      { stream: 1, endpoint: 'host-1.example' },
      { stream: 2, endpoint: 'host-2.example' },
    ]);
  });

  it('ignores frames of streams it does not know or that ended', async () => {
    const { posted, named, say } = setUp();
    say(frame(3, '<iq/>'));
    say(opened(1));
    say({ t: 'closed', s: 1 });
    say(frame(1, '<iq/>'));
    await vi.waitFor(() => expect(named('report')).toHaveLength(2));
    expect(named('report').at(-1)).toMatchObject({ stream: 1, state: 'gone' });
    expect(posted.some(({ t }) => t === 'release')).toBe(false);
  });

  it('woken asks for all streams, and is done when each of them is', async () => {
    const { named, say, wake } = setUp((name) => (name === 'hello' ? { protect: true } : null));
    say(opened(1));
    say(opened(2));
    await wake(WAKE);
    expect(named('hello')).toHaveLength(2);
  });

  it('woken on a site that is no longer protected ends every stream', async () => {
    const { posted, say, wake } = setUp((name) => (name === 'hello' ? { protect: false } : null));
    say(opened(1));
    say(opened(2));
    await wake(WAKE);
    const ended = posted.filter((message) => message.t === 'inject');
    expect(ended.map(({ s, dir, text }) => [s, dir, text.slice(0, 6)])).toEqual([
      [1, 'out', '<close'],
      [2, 'out', '<close'],
    ]);
  });

  it('that comes back from the cache of the browser tells the vault again what there is (I-128)', async () => {
    const { named, say, restore } = setUp((name) => (name === 'hello' ? { protect: true } : null));
    say(opened(1));
    await vi.waitFor(() => expect(named('report')).toHaveLength(1));
    restore();
    await vi.waitFor(() => expect(named('report')).toHaveLength(2));
    expect(named('report').at(-1)).toMatchObject({ stream: 1, state: 'connecting' });
  });

  it('woken by a vault that fails ends nothing and throws nothing', async () => {
    const { posted, say, wake } = setUp((name) => {
      if (name === 'hello') throw new Error('no');
      return null;
    });
    say(opened(1));
    await expect(wake(WAKE)).resolves.toBeUndefined();
    expect(posted.some(({ t }) => t === 'inject')).toBe(false);
  });

  it.each([undefined, null, 'wake', {}, { omnemo: 'other' }])(
    'is not woken by %j',
    async (message) => {
      const { named, say, wake } = setUp();
      say(opened(1));
      await wake(message);
      expect(named('hello')).toEqual([]);
    },
  );
});
