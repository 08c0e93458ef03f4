// What a hostile page has in hand: a client of a few lines that logs in where it likes, and, for the attacker that took over
// the renderer, the isolated world of our own content script, from which the vault can be asked anything.
import type { CDPSession, Page } from 'puppeteer-core';
import { until } from './wait';

export interface LogIn {
  readonly url: string;
  readonly jid: string;
  readonly password: string;
  /** Expression for the constructor of the socket; `WebSocket` unless given. */
  readonly socket?: string;
}

export interface HostileClient {
  send(frame: string): Promise<void>;
  /** Frames the page got so far. */
  frames(): Promise<readonly string[]>;
  /** The first frame of the page that holds this text. */
  sees(part: string, timeoutMs?: number): Promise<string>;
}

/** Logs in as the page's own script would; ends when a resource is bound. */
export async function logIn(page: Page, { url, jid, password, socket }: LogIn) {
  const [name = '', domain = ''] = jid.split('@');
  const plain = Buffer.from(`\0${name}\0${password}`).toString('base64');
  const framing = `xmlns='urn:ietf:params:xml:ns:xmpp-framing'`;
  const open = `<open ${framing} to='${domain}' version='1.0'/>`;
  const frames = [
    [open, 'features'],
    [
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`,
      '<success',
    ],
    [open, 'xmpp-bind'],
    [
      `<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>`,
      '<jid>',
    ],
  ] as const;
  // Text, not a function: the page may have replaced what a function would be called with.
  await page.evaluate(`{
    const Socket = ${socket ?? 'WebSocket'};
    const socket = new Socket(${JSON.stringify(url)}, 'xmpp');
    const frames = [];
    socket.onmessage = ({ data }) => { frames[frames.length] = data; };
    document.attack = { socket, frames };
    void 0;
  }`);
  const client: HostileClient = {
    send: async (frame) => {
      await page.evaluate(`document.attack.socket.send(${JSON.stringify(frame)}), undefined`);
    },
    frames: async () => {
      const got: unknown = await page.evaluate('document.attack.frames');
      return Array.isArray(got) ? got.map(String) : [];
    },
    sees: (part, timeoutMs = 10_000) =>
      until(
        `the page to see ${part}`,
        async () => (await client.frames()).find((frame) => frame.includes(part)),
        { timeoutMs },
      ),
  };
  await until('the socket to open', () =>
    page.evaluate('document.attack.socket.readyState === 1').then(Boolean),
  );
  let seen = 0;
  for (const [frame, answer] of frames) {
    await client.send(frame);
    await until(`an answer with ${answer}`, async () => {
      const fresh = (await client.frames()).slice(seen);
      const at = fresh.findIndex((each) => each.includes(answer));
      if (at >= 0) seen += at + 1;
      return at >= 0;
    });
  }
  return client;
}

/** Answer of the vault to one request. */
export interface Answer {
  readonly ok?: boolean;
  readonly code?: string;
  readonly result?: unknown;
  /** The port was closed, the request could not be sent, or nothing came in time. */
  readonly end?: string;
}

export interface ContentWorld {
  /** Runs a function in the isolated world. */
  run<T>(task: (arg: never) => T | Promise<T>, arg?: unknown): Promise<T>;
  /** Sends requests over one port that names itself so, and gathers the answers in order. */
  ask(
    requests: readonly (readonly [name: string, arg: unknown])[],
    portName?: string,
  ): Promise<readonly Answer[]>;
  close(): Promise<void>;
}

async function evaluateIn(session: CDPSession, contextId: number, expression: string) {
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
    ...{ expression, contextId },
    ...{ awaitPromise: true, returnByValue: true },
  });
  if (exceptionDetails !== undefined)
    throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}

/** Where a request and its answer live; written for the isolated world, where nothing of the test can be reached. */
const ASK = `async ({ requests, portName }) => {
  const port = chrome.runtime.connect({ name: portName });
  const answers = [];
  await new Promise((resolve) => {
    const finish = () => answers.filter(Boolean).length === requests.length && resolve();
    port.onMessage.addListener(({ id, ...answer }) => { answers[id] = answer; finish(); });
    port.onDisconnect.addListener(() => {
      requests.forEach((_, id) => { answers[id] ??= { end: 'disconnected' }; });
      finish();
    });
    setTimeout(() => {
      requests.forEach((_, id) => { answers[id] ??= { end: 'silence' }; });
      finish();
    }, 5000);
    requests.forEach(([name, arg], id) => port.postMessage({ id, name, arg }));
  });
  port.disconnect();
  return answers;
}`;

/** The isolated world of the extension in the page's top document. */
export async function contentWorld(page: Page): Promise<ContentWorld> {
  const session = await page.createCDPSession();
  let contextId: number | undefined;
  session.on('Runtime.executionContextCreated', ({ context }) => {
    if (context.name === 'Omnemo') contextId = context.id;
  });
  await session.send('Runtime.enable');
  const id = await until('the isolated world', () => contextId);
  const evaluate = (task: string, arg: unknown) =>
    evaluateIn(session, id, `(${task})(${JSON.stringify(arg) ?? ''})`);
  return {
    run: (task, arg) => evaluate(String(task), arg),
    ask: (requests, portName = 'session') => evaluate(ASK, { requests, portName }),
    close: () => session.detach(),
  };
}
