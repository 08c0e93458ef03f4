// The isolated world's end of the private port from the hook. The session is loaded later into the same world and finds
// the channel by one property of its globalThis.
import type {
  BridgeMessage,
  Direction,
  HookMessage,
  HttpMessage,
  Position,
} from '../../rpc/page-api';

export interface BridgeChannel {
  post(message: BridgeMessage): void;
  /** The handler gets everything that came so far, in order, and then all that follows. */
  take(handler: (message: HookMessage) => void): void;
}

export const BRIDGE = Symbol.for('omnemo.bridge');

function isChannel(value: unknown): value is BridgeChannel {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'post') === 'function' &&
    typeof Reflect.get(value, 'take') === 'function'
  );
}

/** The channel of this document; `undefined` where no bridge runs. */
export function findBridge(scope: object): BridgeChannel | undefined {
  const found: unknown = Reflect.get(scope, BRIDGE);
  return isChannel(found) ? found : undefined;
}

function isDirection(value: unknown): value is Direction {
  return value === 'out' || value === 'in';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function readPosition(value: unknown): Position | undefined {
  if (typeof value !== 'object' || value === null || !('page' in value && 'wire' in value)) {
    return undefined;
  }
  const { page, wire } = value;
  return isCount(page) && isCount(wire) ? { page, wire } : undefined;
}

export function isHttp(message: HookMessage | HttpMessage): message is HttpMessage {
  return !('s' in message);
}

function readHttpMessage(data: object & { readonly t: unknown }): HttpMessage | undefined {
  const { t } = data;
  const body: unknown = Reflect.get(data, 'body');
  if (t === 'passed') return typeof body === 'string' ? { t, body } : undefined;
  const r: unknown = Reflect.get(data, 'r');
  if (!isCount(r)) return undefined;
  if (t === 'aborted') return { t, r };
  if (typeof body !== 'string') return undefined;
  const status: unknown = Reflect.get(data, 'status');
  if (t === 'response') return isCount(status) ? { t, r, status, body } : undefined;
  const url: unknown = Reflect.get(data, 'url');
  return t === 'request' && typeof url === 'string' ? { t, r, url, body } : undefined;
}

/** Rebuilds a message field by field: a page without hook may offer a port of its own. `undefined`: nothing of ours. */
export function readHookMessage(data: unknown): HookMessage | HttpMessage | undefined {
  if (typeof data !== 'object' || data === null || !('t' in data)) return undefined;
  if (!('s' in data)) return readHttpMessage(data);
  const { t, s } = data;
  if (!isCount(s)) return undefined;
  if (t === 'closed' || t === 'worker') return { t, s };
  if (t === 'opened' && 'url' in data) {
    const { url } = data;
    return typeof url === 'string' ? { t, s, url } : undefined;
  }
  if (t === 'unsent' && 'text' in data) {
    const { text } = data;
    return typeof text === 'string' ? { t, s, text } : undefined;
  }
  if (!('dir' in data && 'at' in data)) return undefined;
  const { dir } = data;
  const at = readPosition(data.at);
  if (!isDirection(dir) || at === undefined) return undefined;
  if (t === 'frame' && 'text' in data) {
    const { text } = data;
    return typeof text === 'string' ? { t, s, dir, text, at } : undefined;
  }
  if (t === 'injected' && 'id' in data) {
    const { id } = data;
    return typeof id === 'string' ? { t, s, dir, id, at } : undefined;
  }
  return undefined;
}
