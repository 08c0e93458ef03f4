// The page world's end of the private port to the bridge, handed over in one event before any script of the page runs.
import type {
  BridgeMessage,
  HookMessage,
  HttpCommand,
  HttpMessage,
  Will,
} from '../../rpc/page-api';
import { ALIVE, HANDSHAKE } from './handshake';
import { apply, bare, isArray, type Natives } from './natives';

/** What messages are made of. */
interface Fields {
  readonly [name: string]: unknown;
}

export interface HookChannel {
  post(message: HookMessage | HttpMessage): void;
  listen(handler: (message: BridgeMessage | HttpCommand | Will) => void): void;
  /** Nobody hears what is posted. */
  isGone(): unknown;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isTexts(value: unknown): value is readonly string[] {
  if (!isArray(value)) return false;
  for (let index = 0; index < value.length; index++) {
    if (!isText(value[index])) return false;
  }
  return true;
}

/** The bridge is ours, but the page may have patched `Object.prototype`: read only what is there and has its type. */
export function readBridgeMessage(data: unknown): BridgeMessage | HttpCommand | Will | undefined {
  if (!isFields(data)) return undefined;
  const { t, s, dir, r, id, text, prefix, frames, body } = bare(data);
  if (t === 'off') return { t };
  if (t === 'will') return isText(text) ? { t, text } : undefined;
  if (t === 'ids') return isText(prefix) && prefix !== '' ? { t, prefix } : undefined;
  if (typeof r === 'number') {
    if (t === 'send') return isText(body) ? { t, r, body } : undefined;
    return t === 'answer' && (isText(body) || body === null) ? { t, r, body } : undefined;
  }
  if (typeof s !== 'number' || (dir !== 'out' && dir !== 'in')) return undefined;
  if (t === 'release') return isTexts(frames) ? { t, s, dir, frames } : undefined;
  return t === 'inject' && isText(id) && isText(text) ? { t, s, dir, id, text } : undefined;
}

/** Must run before any script of the page. */
export function openChannel(scope: typeof globalThis, natives: Natives): HookChannel {
  const { port1: port, port2 } = new scope.MessageChannel();
  const postMessage: (this: MessagePort, message: unknown) => void =
    scope.MessagePort.prototype.postMessage;
  scope.document.dispatchEvent(new scope.MessageEvent(HANDSHAKE, { ports: [port2] }));
  return {
    post: (message) => void apply(postMessage, port, [message]),
    listen: (handler) => {
      natives.listen(port, 'message', (event) => {
        const message = readBridgeMessage(natives.dataOf(event));
        if (message !== undefined) handler(message);
      });
      port.start();
    },
    isGone: () => natives.dispatch(port2, natives.event(ALIVE, true)),
  };
}
