// Request and reply over a runtime Port. Every request of the vault is safe to repeat, so a request that the worker took
// to its grave is simply asked again on a new port (design D5, I-125).
import { VaultError, vaultErrorFrom } from './errors';

/** What we need of `runtime.Port`. */
export interface PortLike {
  postMessage(message: unknown): void;
  disconnect(): void;
  readonly onMessage: { addListener(listener: (message: unknown) => void): void };
  readonly onDisconnect: { addListener(listener: () => void): void };
}

interface Exchange {
  readonly arg: unknown;
  readonly result: unknown;
}

type Exchanges<A> = { readonly [N in keyof A]: Exchange };

/** The asking end of a port. */
export interface Client<A extends Exchanges<A>> {
  /**
   * Asks and waits. Repeated on a new port when the worker died, and after a moment when it is busy with this site, for half of the time.
   * @param timeoutMs default 30 s
   * @throws VaultError
   */
  request<N extends keyof A & string>(
    name: N,
    arg: A[N]['arg'],
    timeoutMs?: number,
  ): Promise<A[N]['result']>;
  /** Calls back whenever the vault says that something changed, or had to be reached anew. Returns the function that ends this. */
  onEvent(listener: () => void): () => void;
  /**
   * Asks what is pending again on a new port: the present one may be dead. Chromium closes the port of a page it puts into its
   * back/forward cache and tells the page nothing, neither then nor when it comes back.
   */
  renew(): void;
  close(): void;
}

interface Pending {
  readonly frame: { readonly id: number; readonly name: string; readonly arg: unknown };
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: VaultError) => void;
  readonly timer: ReturnType<typeof setTimeout>;
  /** When it is no longer asked again of a busy vault; the rest of its time is for who asked. */
  readonly putOffUntil: number;
}

const TIMEOUT_MS = 30_000;
/** A queue of the vault moves on by some hundred requests in this time. */
const ASK_AGAIN_MS = 500;
/** Ports in a row that died without one answer: then the worker is not merely asleep. */
const MAX_SILENT_PORTS = 4;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/**
 * Makes a client that connects when there is something to ask.
 * @param connect opens a port; may throw once the extension is gone
 * @param stayConnected also listens while nothing is asked (our own pages)
 */
export function createClient<A extends Exchanges<A>>(
  connect: () => PortLike,
  stayConnected = false,
): Client<A> {
  const pending = new Map<number, Pending>();
  const listeners = new Set<() => void>();
  let port: PortLike | undefined;
  let nextId = 1;
  let silentPorts = 0;
  let hasOpened = false;
  let isClosed = false;

  function settle(id: number): Pending | undefined {
    const entry = pending.get(id);
    if (entry !== undefined) clearTimeout(entry.timer);
    pending.delete(id);
    return entry;
  }

  function failAll(): void {
    for (const id of [...pending.keys()]) settle(id)?.reject(new VaultError('disconnected'));
  }

  /** Nothing was done for this request: it is asked again for half of the time it has. */
  function putOff(id: number): void {
    const entry = pending.get(id);
    if (entry === undefined) return;
    if (Date.now() >= entry.putOffUntil) return void settle(id)?.reject(new VaultError('busy'));
    setTimeout(() => {
      if (pending.get(id) === entry) post(entry);
    }, ASK_AGAIN_MS);
  }

  /** Where there is no port, the next one sends everything pending. */
  function post({ frame }: Pending): void {
    const current = port;
    if (current === undefined) return;
    try {
      current.postMessage(frame);
    } catch {
      lost(current);
    }
  }

  function receive(message: unknown): void {
    if (!isRecord(message)) return;
    if (message['event'] === 'changed') return listeners.forEach((listener) => listener());
    if (typeof message['id'] !== 'number') return;
    silentPorts = 0;
    if (message['code'] === 'busy') return putOff(message['id']);
    const entry = settle(message['id']);
    if (message['ok'] === true) entry?.resolve(message['result']);
    else entry?.reject(vaultErrorFrom(message['code']));
  }

  function lost(dead: PortLike): void {
    if (dead !== port) return;
    port = undefined;
    silentPorts += 1;
    if (isClosed || (pending.size === 0 && !stayConnected)) return;
    if (silentPorts >= MAX_SILENT_PORTS) return failAll();
    setTimeout(open, 50 * silentPorts);
  }

  function open(): void {
    if (port !== undefined || isClosed) return;
    try {
      const opened = connect();
      port = opened;
      opened.onMessage.addListener(receive);
      opened.onDisconnect.addListener(() => lost(opened));
      for (const { frame } of pending.values()) opened.postMessage(frame);
      // A worker that was asleep has forgotten what it was told about the moment.
      if (hasOpened) queueMicrotask(() => listeners.forEach((listener) => listener()));
      hasOpened = true;
    } catch {
      port = undefined; // the extension was updated or switched off under the page
      failAll();
    }
  }

  function ask(name: string, arg: unknown, timeoutMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (isClosed) return reject(new VaultError('disconnected'));
      const frame = { id: nextId++, name, arg };
      const expire = (): void => settle(frame.id)?.reject(new VaultError('timeout'));
      const timer = setTimeout(expire, timeoutMs);
      const entry: Pending = {
        frame,
        resolve,
        reject,
        timer,
        putOffUntil: Date.now() + timeoutMs / 2,
      };
      pending.set(frame.id, entry);
      if (port !== undefined) post(entry);
      else open();
    });
  }

  if (stayConnected) open();
  return {
    // The vault is our own code in our own process: its answers are taken at their type.
    request: (name, arg, timeoutMs = TIMEOUT_MS) => ask(name, arg, timeoutMs) as never,
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    renew() {
      const before = port;
      port = undefined;
      before?.disconnect();
      if (hasOpened) open();
    },
    close() {
      isClosed = true;
      port?.disconnect();
      port = undefined;
      failAll();
    },
  };
}

/**
 * The answering end: calls `handle` for every request and sends its result or the code of its VaultError.
 * Anything that is no request is ignored.
 */
export function serve(
  port: PortLike,
  handle: (name: string, arg: unknown) => Promise<unknown>,
): void {
  let isOpen = true;
  port.onDisconnect.addListener(() => (isOpen = false));
  port.onMessage.addListener((message) => {
    if (!isRecord(message)) return;
    const { id, name, arg } = message;
    if (typeof id !== 'number' || typeof name !== 'string') return;
    const answer = (reply: object): void => {
      if (isOpen) port.postMessage({ id, ...reply });
    };
    handle(name, arg).then(
      (result) => answer({ ok: true, result }),
      (error: unknown) =>
        answer({ ok: false, code: error instanceof VaultError ? error.code : 'internal' }),
    );
  });
}
