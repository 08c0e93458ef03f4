import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { VaultError, vaultErrorFrom, type VaultErrorCode } from '../../src/rpc/errors';
import { createClient, serve, type PortLike } from '../../src/rpc/port';
import { portPair, type PortPair } from '../vault/fake-port';

interface Api {
  echo: { arg: unknown; result: unknown };
  fail: { arg: unknown; result: null };
  wait: { arg: unknown; result: unknown };
}

type Handle = (name: string, arg: unknown) => Promise<unknown>;

const echo: Handle = (name, arg) => Promise.resolve({ name, arg });

/** A client whose ports are answered by the handler of the moment, or by nobody. */
function setUp(handle: Handle | undefined = echo, stayConnected = false) {
  const pairs: PortPair[] = [];
  const state: { handle: Handle | undefined; isGone: boolean } = { handle, isGone: false };
  const connect = (): PortLike => {
    if (state.isGone) throw new Error('Extension context invalidated.');
    const pair = portPair();
    pairs.push(pair);
    if (state.handle !== undefined) serve(pair.far, state.handle);
    return pair.near;
  };
  const client = createClient<Api>(connect, stayConnected);
  const last = (): PortPair => {
    const pair = pairs.at(-1);
    if (pair === undefined) throw new Error('no port');
    return pair;
  };
  return { client, pairs, state, last };
}

const settled = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a request', () => {
  it('gets its reply, on one port, bytes included', async () => {
    const { client, pairs } = setUp();
    const arg = { bytes: Uint8Array.of(1, 2), text: 'x' };
    expect(await client.request('echo', arg)).toEqual({ name: 'echo', arg });
    expect(await client.request('echo', 2)).toEqual({ name: 'echo', arg: 2 });
    expect(pairs).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('opens no port before there is one', () => {
    expect(setUp().pairs).toHaveLength(0);
  });

  it('gets its own reply when they come in another order', async () => {
    const waiting: ((result: unknown) => void)[] = [];
    const { client } = setUp(() => new Promise((resolve) => waiting.push(resolve)));
    const one = client.request('wait', 1);
    const two = client.request('wait', 2);
    await settled();
    waiting[1]?.('second');
    waiting[0]?.('first');
    expect(await Promise.all([one, two])).toEqual(['first', 'second']);
  });

  it.each<VaultErrorCode>([
    'bad-request',
    'forbidden',
    'not-granted',
    'no-account',
    'bad-bundle',
    'stale',
    'limit',
    'storage',
    'timeout',
    'disconnected',
    'internal',
  ])('fails with the code %s the vault gave', async (code) => {
    const { client } = setUp(() => Promise.reject(new VaultError(code, { cause: 'secret' })));
    const error: unknown = await client.request('fail', 1).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(VaultError);
    expect(error).toMatchObject({ code, message: `vault: ${code}` });
    expect(error).toHaveProperty('retry', code === 'storage' || code === 'timeout');
    expect(error).not.toHaveProperty('cause');
  });

  it('fails with internal for any other error, and nothing of it crosses the port', async () => {
    const { client, last } = setUp(() => Promise.reject(new Error('secret text')));
    await expect(client.request('fail', 1)).rejects.toMatchObject({ code: 'internal' });
    expect(JSON.stringify(last().near.received)).not.toContain('secret');
  });

  it('fails with timeout when there is no answer in time, and a late answer does nothing', async () => {
    const waiting: ((result: unknown) => void)[] = [];
    const { client } = setUp(() => new Promise((resolve) => waiting.push(resolve)));
    const failing = client.request('wait', 1, 500).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(499);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await failing).toMatchObject({ code: 'timeout', retry: true });
    waiting[0]?.('late');
    await settled();
    const next = client.request('wait', 2);
    await settled();
    waiting[1]?.('in time');
    expect(await next).toBe('in time');
  });

  it('is asked again after a moment where the vault is busy with the site, and answered then', async () => {
    const asked: unknown[] = [];
    const { client, pairs } = setUp((_name, arg) => {
      asked.push(arg);
      if (asked.length < 3) return Promise.reject(new VaultError('busy'));
      return Promise.resolve('at last');
    });
    const answer = client.request('wait', 'x', 10_000);
    await vi.advanceTimersByTimeAsync(499);
    expect(asked).toEqual(['x']);
    await vi.advanceTimersByTimeAsync(501);
    expect(await answer).toBe('at last');
    expect(asked).toEqual(['x', 'x', 'x']);
    expect(pairs).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('fails with busy where that goes on for half of its time, and is not asked any more', async () => {
    let asked = 0;
    const { client } = setUp(() => {
      asked += 1;
      return Promise.reject(new VaultError('busy'));
    });
    const failing = client.request('wait', 1, 10_000).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(4999);
    expect(asked).toBe(10);
    await vi.advanceTimersByTimeAsync(1);
    expect(await failing).toMatchObject({ code: 'busy', retry: true });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(asked).toBe(11);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waits 30 seconds unless told otherwise', async () => {
    const { client } = setUp(() => new Promise(() => undefined));
    const failing = client.request('wait', 1).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(29_999);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await failing).toMatchObject({ code: 'timeout' });
  });
});

describe('a worker that dies', () => {
  it('is asked again on a new port: every pending request, under its id, in order (I-125)', async () => {
    const { client, pairs, state, last } = setUp(() => new Promise(() => undefined));
    const asked = [client.request('echo', 1), client.request('echo', 2)];
    await settled();
    const before = last().far.received;
    state.handle = echo;
    last().die();
    await vi.advanceTimersByTimeAsync(50);
    expect(await Promise.all(asked)).toEqual([
      { name: 'echo', arg: 1 },
      { name: 'echo', arg: 2 },
    ]);
    expect(pairs).toHaveLength(2);
    expect(last().far.received).toEqual(before);
  });

  it('is not asked again what it has answered', async () => {
    const { client, pairs, last } = setUp();
    await client.request('echo', 1);
    last().die();
    await vi.advanceTimersByTimeAsync(1000);
    expect(pairs).toHaveLength(1);
    expect(await client.request('echo', 2)).toEqual({ name: 'echo', arg: 2 });
    expect(last().far.received).toEqual([{ id: 2, name: 'echo', arg: 2 }]);
  });

  it('is asked again when its port is found closed while sending', async () => {
    const { client, pairs, last } = setUp();
    await client.request('echo', 1);
    last().near.isOpen = false;
    const asked = client.request('echo', 2);
    await vi.advanceTimersByTimeAsync(50);
    expect(await asked).toEqual({ name: 'echo', arg: 2 });
    expect(pairs).toHaveLength(2);
  });

  it('four times without one answer is gone for good', async () => {
    const { client, pairs, last } = setUp(() => new Promise(() => undefined));
    const failing = client.request('echo', 1).catch((error: unknown) => error);
    for (let round = 0; round < 4; round++) {
      expect(pairs).toHaveLength(round + 1);
      last().die();
      await vi.advanceTimersByTimeAsync(200);
    }
    expect(await failing).toMatchObject({ code: 'disconnected' });
    expect(pairs).toHaveLength(4);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('again and again with answers in between is asked on', async () => {
    const { client, last } = setUp();
    for (let round = 0; round < 10; round++) {
      const asked = client.request('echo', round);
      last().die();
      await vi.advanceTimersByTimeAsync(50);
      expect(await asked).toEqual({ name: 'echo', arg: round });
    }
  });
});

describe('a port that died without a word', () => {
  it('is replaced when the client is told to: what is pending is asked again, and the listeners hear of it (I-128)', async () => {
    const { client, pairs, state } = setUp(() => new Promise(() => undefined));
    let events = 0;
    client.onEvent(() => (events += 1));
    const asked = client.request('echo', 1);
    await settled();
    state.handle = echo;
    client.renew();
    expect(await asked).toEqual({ name: 'echo', arg: 1 });
    expect(pairs[0]?.near.isOpen).toBe(false);
    expect([pairs.length, events]).toEqual([2, 1]);
  });

  it('is not opened for a client that never asked, nor for one that is closed', () => {
    const { client, pairs } = setUp();
    client.renew();
    client.close();
    client.renew();
    expect(pairs).toHaveLength(0);
  });
});

describe('an extension that is gone', () => {
  it('is disconnected at once', async () => {
    const { client, state } = setUp();
    state.isGone = true;
    await expect(client.request('echo', 1)).rejects.toMatchObject({
      code: 'disconnected',
      retry: false,
    });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('fails what was pending when its worker died', async () => {
    const { client, state, last } = setUp(() => new Promise(() => undefined));
    const failing = client.request('echo', 1).catch((error: unknown) => error);
    state.isGone = true;
    last().die();
    await vi.advanceTimersByTimeAsync(50);
    expect(await failing).toMatchObject({ code: 'disconnected' });
  });
});

describe('a client', () => {
  it('that stays connected connects at once, again after the worker died, and says so', async () => {
    const { client, pairs, last } = setUp(echo, true);
    expect(pairs).toHaveLength(1);
    let events = 0;
    client.onEvent(() => (events += 1));
    last().die();
    await vi.advanceTimersByTimeAsync(50);
    expect([pairs.length, events]).toEqual([2, 1]);
    last().far.postMessage({ event: 'changed' });
    await settled();
    expect(events).toBe(2);
    expect(await client.request('echo', 1)).toEqual({ name: 'echo', arg: 1 });
  });

  it('hears of events until it ends listening, and of no other event', async () => {
    const { client, last } = setUp(echo, true);
    let events = 0;
    const end = client.onEvent(() => (events += 1));
    last().far.postMessage({ event: 'changed' });
    last().far.postMessage({ event: 'other' });
    last().far.postMessage('changed');
    last().far.postMessage(null);
    await settled();
    expect(events).toBe(1);
    end();
    last().far.postMessage({ event: 'changed' });
    await settled();
    expect(events).toBe(1);
  });

  it('that is closed fails what is pending and everything asked later', async () => {
    const { client, pairs, last } = setUp(() => new Promise(() => undefined), true);
    const failing = client.request('echo', 1).catch((error: unknown) => error);
    await settled();
    client.close();
    expect(await failing).toMatchObject({ code: 'disconnected' });
    expect(last().near.isOpen).toBe(false);
    await expect(client.request('echo', 2)).rejects.toMatchObject({ code: 'disconnected' });
    await vi.advanceTimersByTimeAsync(1000);
    expect(pairs).toHaveLength(1);
  });
});

describe('the answering end', () => {
  it('ignores what is no request', async () => {
    const { near, far } = portPair();
    const handle = vi.fn(echo);
    serve(far, handle);
    const odd = [null, 7, 'x', {}, { id: 1 }, { name: 'echo' }, { id: '1', name: 'echo' }, []];
    for (const message of odd) near.postMessage(message);
    near.postMessage({ id: 1, name: 7 });
    await settled();
    expect(handle).not.toHaveBeenCalled();
    expect(near.received).toEqual([]);
  });

  it('does not answer a port that is gone', async () => {
    const pair = portPair();
    const waiting: ((result: unknown) => void)[] = [];
    serve(pair.far, () => new Promise((resolve) => waiting.push(resolve)));
    pair.near.postMessage({ id: 1, name: 'echo' });
    await settled();
    const post = vi.spyOn(pair.far, 'postMessage');
    pair.die();
    waiting[0]?.('late');
    await settled();
    expect(post).not.toHaveBeenCalled();
  });
});

describe('the wire form of an error', () => {
  it.each([undefined, null, 7, 'no-such-code', 'constructor', {}])('%s is internal', (code) => {
    expect(vaultErrorFrom(code).code).toBe('internal');
  });
});
