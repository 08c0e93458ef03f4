import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BridgeMessage, HookMessage, Will } from '../../../src/rpc/page-api';
import { startBridge } from '../../../src/stream/bridge/bridge';
import { findBridge, readHookMessage } from '../../../src/stream/bridge/channel';
import { loadSession } from '../../../src/stream/bridge/load-session';
import { ALIVE, HANDSHAKE } from '../../../src/stream/hook/handshake';

const OPENED: HookMessage = { t: 'opened', s: 1, url: 'wss://xmpp.example.org/ws' };
const at = { page: 0, wire: 0 };
const frame = (text: string, dir: 'out' | 'in' = 'out'): HookMessage => ({
  t: 'frame',
  s: 1,
  dir,
  text,
  at,
});

const ports: MessagePort[] = [];
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout'] }));
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
  vi.useRealTimers();
});

function setUp(answer: () => Promise<boolean>) {
  const scope = {};
  const document = Object.assign(new EventTarget(), { baseURI: 'https://chat.example.org/' });
  const asked = vi.fn(answer);
  startBridge({ scope, document, loadSession: asked });
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  const all: (BridgeMessage | Will)[] = [];
  const posted: BridgeMessage[] = [];
  port1.addEventListener('message', ({ data }) => {
    all.push(data);
    if (data.t !== 'will') posted.push(data);
  });
  port1.start();
  const offer = () => document.dispatchEvent(new MessageEvent(HANDSHAKE, { ports: [port2] }));
  const say = (...messages: unknown[]) => messages.forEach((each) => port1.postMessage(each));
  const take = () => {
    const taken: HookMessage[] = [];
    findBridge(scope)?.take((message) => taken.push(message));
    return taken;
  };
  /** Does the bridge say that it is there. */
  const isAlive = () => !port2.dispatchEvent(new Event(ALIVE, { cancelable: true }));
  return { scope, document, asked, all, posted, offer, say, take, isAlive };
}

const never = () => new Promise<boolean>(() => undefined);

describe('the bridge', () => {
  it('asks for the session once, as the first stream opens', async () => {
    const { offer, say, asked, take } = setUp(never);
    offer();
    say({ t: 'closed', s: 1 });
    const taken = take();
    await vi.waitFor(() => expect(taken).toHaveLength(1));
    expect(asked).not.toHaveBeenCalled();
    say(OPENED, { ...OPENED, s: 2 });
    await vi.waitFor(() => expect(taken).toHaveLength(3));
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it('tells the hook first how a refusal ends, and says as long as it is there that it is (I-126)', async () => {
    const { all, offer, isAlive } = setUp(never);
    expect(isAlive()).toBe(false);
    offer();
    expect(isAlive()).toBe(true);
    await vi.waitFor(() => expect(all).toHaveLength(1));
    expect(all[0]).toMatchObject({ t: 'will' });
    const [will] = all;
    expect(will?.t === 'will' && will.text).toMatch(
      /^<error type='cancel'>.*Omnemo was updated or switched off.*<\/error><\/message>$/,
    );
  });

  it('asks for it also where a stream was refused in a worker (I-12)', async () => {
    const { offer, say, asked } = setUp(never);
    offer();
    say({ t: 'worker', s: 1 });
    await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(1));
  });

  it('keeps what came before the session, in order', async () => {
    const { offer, say, asked, take } = setUp(never);
    offer();
    say(OPENED, frame('<iq/>'));
    await vi.waitFor(() => expect(asked).toHaveBeenCalled());
    const taken = take();
    say(frame('<message/>'));
    await vi.waitFor(() => expect(taken).toHaveLength(3));
    expect(taken).toEqual([OPENED, frame('<iq/>'), frame('<message/>')]);
  });

  it('hides the offered port from other listeners and takes only the first', async () => {
    const { document, offer, asked, say } = setUp(never);
    const other = vi.fn();
    document.addEventListener(HANDSHAKE, other);
    offer();
    expect(other).not.toHaveBeenCalled();
    const forged = new MessageChannel();
    ports.push(forged.port1, forged.port2);
    document.dispatchEvent(new MessageEvent(HANDSHAKE, { ports: [forged.port2] }));
    say(OPENED);
    await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(1));
  });

  it('does nothing in a document that has one', () => {
    const { scope, document } = setUp(never);
    const first = findBridge(scope);
    startBridge({ scope, document, loadSession: never });
    expect(findBridge(scope)).toBe(first);
    expect(Object.keys(scope)).toEqual([]);
  });

  it('gives an unprotected document back', async () => {
    const { offer, say, posted } = setUp(async () => false);
    offer();
    say(OPENED, frame('<message/>'));
    await vi.waitFor(() => expect(posted).toEqual([{ t: 'off' }]));
  });
});

describe('without a session', () => {
  async function refused(...texts: string[]): Promise<BridgeMessage[]> {
    const { offer, say, posted } = setUp(() => Promise.reject(new Error('gone')));
    offer();
    say(OPENED, ...texts.map((text) => frame(text)), frame('<presence/>', 'in'));
    await vi.waitFor(() => expect(posted.at(-1)).toMatchObject({ dir: 'in', t: 'release' }));
    return posted.slice(0, -1);
  }

  it('a message does not leave and the page is told', async () => {
    const posted = await refused(
      `<message xmlns='jabber:client' id="a'1" to='b@example.org' type='chat'><body id='x'>top secret</body></message>`,
    );
    expect(posted[0]).toEqual({ t: 'release', s: 1, dir: 'out', frames: [] });
    expect(posted[1]).toMatchObject({ t: 'inject', s: 1, dir: 'in' });
    const text = posted[1]?.t === 'inject' ? posted[1].text : '';
    expect(text).toMatch(
      /^<message xmlns='jabber:client' type='error' id="a'1" from='b@example.org'><error type='cancel'>/,
    );
    expect(text).toContain('Reload this page.');
    expect(text).not.toContain('top secret');
    expect(posted).toHaveLength(2);
  });

  it.each(['<!-- x --><message/>', "<x:message xmlns:x='jabber:client'/>"])(
    'no way of writing a message leaves: %s',
    async (text) => {
      expect((await refused(text))[0]).toMatchObject({ t: 'release', frames: [] });
    },
  );

  it('an error is not answered by an error', async () => {
    expect(await refused(`<message type='error' to='b@example.org'/>`)).toEqual([
      { t: 'release', s: 1, dir: 'out', frames: [] },
    ]);
  });

  it('everything else goes on unchanged', async () => {
    const iq = "<iq type='get' id='1'><query node='message'/></iq>";
    expect(await refused(iq)).toEqual([{ t: 'release', s: 1, dir: 'out', frames: [iq] }]);
  });

  it.each(['enable', 'resume'])('stream management is refused: %s', async (name) => {
    const posted = await refused(`<${name} xmlns='urn:xmpp:sm:3'/>`);
    expect(posted[0]).toMatchObject({ frames: [] });
    expect(posted[1]).toMatchObject({ t: 'inject', dir: 'in' });
    expect(posted[1]).toHaveProperty(
      'text',
      expect.stringMatching(/^<failed xmlns='urn:xmpp:sm:3'>/),
    );
  });

  it('the same holds when no answer comes in time, and a late session gets nothing', async () => {
    const { offer, say, asked, posted, take } = setUp(never);
    offer();
    say(OPENED, frame('<message/>'));
    await vi.waitFor(() => expect(asked).toHaveBeenCalled());
    vi.advanceTimersByTime(60_000);
    await vi.waitFor(() => expect(posted).toHaveLength(2));
    expect(take()).toEqual([]);
  });
});

describe('readHookMessage', () => {
  it.each([
    OPENED,
    frame('<iq/>'),
    { t: 'injected', s: 1, dir: 'in', id: 'x', at },
    { t: 'unsent', s: 1, text: '<message/>' },
    { t: 'worker', s: 1 },
    { t: 'closed', s: 1 },
    { t: 'request', r: 1, url: '/bind', body: '<body/>' },
    { t: 'response', r: 1, status: 200, body: '' },
    { t: 'aborted', r: 1 },
    { t: 'passed', body: '<body/>' },
  ])('rebuilds %j and drops what does not belong', (message) => {
    expect(readHookMessage({ ...message, extra: 1 })).toEqual(message);
  });

  it.each([
    null,
    'opened',
    {},
    { t: 'opened', s: 1 },
    { t: 'opened', s: '1', url: 'x' },
    { t: 'opened', s: -1, url: 'x' },
    { t: 'closed', s: 0.5 },
    { t: 'unsent', s: 1 },
    { t: 'unsent', s: 1, text: 1 },
    { t: 'frame', s: 1, dir: 'up', text: 'x', at },
    { t: 'frame', s: 1, dir: 'in', text: 1, at },
    { t: 'frame', s: 1, dir: 'in', text: 'x', at: { page: 1 } },
    { t: 'frame', s: 1, dir: 'in', text: 'x', at: { page: 1, wire: NaN } },
    { t: 'injected', s: 1, dir: 'in', at },
    { t: 'other', s: 1, dir: 'in', at },
    { t: 'request', r: 1, url: '/bind' },
    { t: 'request', r: 1, url: 7, body: '<body/>' },
    { t: 'request', r: -1, url: '/bind', body: '<body/>' },
    { t: 'response', r: 1, status: '200', body: '' },
    { t: 'response', r: 1, status: 200 },
    { t: 'aborted' },
    { t: 'passed', body: null },
    { t: 'other', r: 1, body: '<body/>' },
  ])('refuses %j', (data) => {
    expect(readHookMessage(data)).toBeUndefined();
  });
});

describe('loadSession', () => {
  const scopeWith = (answer: unknown) => ({
    chrome: { runtime: { sendMessage: async () => answer } },
  });
  it.each([true, false])('reads the answer %s', async (protect) => {
    expect(await loadSession(scopeWith({ protect }))).toBe(protect);
  });
  it.each([undefined, {}, { protect: 'no' }, false])('refuses the answer %j', async (answer) => {
    await expect(loadSession(scopeWith(answer))).rejects.toThrow('no answer');
  });
  it.each([{}, { chrome: {} }, { chrome: { runtime: {} } }])(
    'throws where the extension is gone: %j',
    async (scope) => {
      await expect(loadSession(scope)).rejects.toThrow('gone');
    },
  );
});
