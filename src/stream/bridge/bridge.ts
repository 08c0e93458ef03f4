// Isolated world, document_start: takes the hook's port and keeps what comes until the session is loaded, which happens
// only when an XMPP stream opens. Without an answer the document is refused to send, never given free.
import type { BridgeMessage, HookMessage } from '../../rpc/page-api';
import { ALIVE, HANDSHAKE } from '../hook/handshake';
import { Bosh } from './bosh';
import { BRIDGE, isHttp, readHookMessage, type BridgeChannel } from './channel';
import { createRefuser, WILL } from './refuse';

/** The worker may have to start and the session to be read from disk; a login waits for this. */
const DEADLINE_MS = 20_000;

type Handler = (message: HookMessage) => void;

export interface BridgeOptions {
  /** The isolated world's globalThis. */
  readonly scope: object;
  readonly document: EventTarget & { readonly baseURI: string };
  /** Asks the worker for the session; false: this document is not protected. */
  loadSession(): Promise<boolean>;
}

/** Does nothing in a document that has a bridge. */
export function startBridge({ scope, document, loadSession }: BridgeOptions): void {
  if (Reflect.has(scope, BRIDGE)) return;
  let port: MessagePort | undefined;
  let backlog: HookMessage[] = [];
  let handler: Handler | undefined;
  let isAsked = false;

  const bosh = new Bosh({
    toHook: (command) => port?.postMessage(command),
    toSession: (message) => receive(message),
    resolve: (url) => new URL(url, document.baseURI).href,
  });
  const post = (message: BridgeMessage) => {
    if (!bosh.tell(message)) port?.postMessage(message);
  };
  const hand = (next: Handler) => {
    handler = next;
    const waiting = backlog;
    backlog = [];
    waiting.forEach(next);
  };
  const refuse = () => {
    if (handler === undefined) hand(createRefuser(post));
  };
  const turnOff = () => {
    if (handler !== undefined) return;
    hand(() => undefined);
    post({ t: 'off' });
  };
  const ask = async () => {
    setTimeout(refuse, DEADLINE_MS);
    try {
      if (!(await loadSession())) turnOff();
    } catch {
      // The extension is gone or its worker failed: fail closed.
      refuse();
    }
  };
  const receive = (message: HookMessage) => {
    if (handler === undefined) backlog.push(message);
    else handler(message);
    if (isAsked || (message.t !== 'opened' && message.t !== 'worker')) return;
    isAsked = true;
    void ask();
  };

  const channel: BridgeChannel = {
    post,
    // A session that comes after the refuser has missed frames and could only guess.
    take: (next) => {
      if (handler === undefined) hand(next);
    },
  };
  Object.defineProperty(scope, BRIDGE, { value: Object.freeze(channel) });

  const accept = (event: Event) => {
    if (!(event instanceof MessageEvent)) return;
    const [offered] = event.ports;
    if (offered === undefined) return;
    event.stopImmediatePropagation();
    document.removeEventListener(HANDSHAKE, accept, true);
    port = offered;
    port.addEventListener('message', ({ data }) => {
      const message = readHookMessage(data);
      if (message === undefined) return;
      if (isHttp(message)) bosh.handle(message);
      else receive(message);
    });
    port.addEventListener(ALIVE, (asked) => asked.preventDefault());
    port.start();
    port.postMessage({ t: 'will', text: WILL });
  };
  document.addEventListener(HANDSHAKE, accept, true);
}
