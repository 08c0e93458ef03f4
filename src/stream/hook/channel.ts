// The page world's end of the private port to the bridge, handed over in one event before any script of the page runs.
import type {
  BridgeMessage,
  Direction,
  HookMessage,
  HttpCommand,
  HttpMessage,
} from '../../rpc/page-api';
import { HANDSHAKE } from './handshake';
import { apply, isArray, type Natives } from './natives';

export interface HookChannel {
  post(message: HookMessage | HttpMessage): void;
  listen(handler: (message: BridgeMessage | HttpCommand) => void): void;
}

function isDirection(value: unknown): value is Direction {
  return value === 'out' || value === 'in';
}

function isTexts(value: unknown): value is readonly string[] {
  if (!isArray(value)) return false;
  for (let index = 0; index < value.length; index++) {
    if (typeof value[index] !== 'string') return false;
  }
  return true;
}

function readCommand(t: 'send' | 'answer', data: object): HttpCommand | undefined {
  const r = 'r' in data ? data.r : undefined;
  const body = 'body' in data ? data.body : undefined;
  if (typeof r !== 'number') return undefined;
  if (typeof body === 'string') return { t, r, body };
  return t === 'answer' && body === null ? { t, r, body } : undefined;
}

/** The bridge is ours, but the page may have patched `Object.prototype`: read only what is there and has its type. */
export function readBridgeMessage(data: unknown): BridgeMessage | HttpCommand | undefined {
  if (typeof data !== 'object' || data === null || !('t' in data)) return undefined;
  const { t } = data;
  if (t === 'off') return { t };
  if (t === 'ids' && 'prefix' in data) {
    const { prefix } = data;
    return typeof prefix === 'string' && prefix !== '' ? { t, prefix } : undefined;
  }
  if (t === 'send' || t === 'answer') return readCommand(t, data);
  if (!('s' in data && 'dir' in data)) return undefined;
  const { s, dir } = data;
  if (typeof s !== 'number' || !isDirection(dir)) return undefined;
  if (t === 'release' && 'frames' in data) {
    const { frames } = data;
    return isTexts(frames) ? { t, s, dir, frames } : undefined;
  }
  if (t === 'inject' && 'id' in data && 'text' in data) {
    const { id, text } = data;
    if (typeof id === 'string' && typeof text === 'string') return { t, s, dir, id, text };
  }
  return undefined;
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
  };
}
