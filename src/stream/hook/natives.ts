// Originals captured at document_start and called by reference ever after: what the page patches later (prototypes,
// Reflect, iterators) can neither break the hook nor read what passes through it. For the same reason the hook uses no
// array methods, no spread and no `for…of` after its start, and every object it reads a missing field of has no prototype.

export const { apply, construct } = Reflect;
const { defineProperty, getOwnPropertyDescriptor, setPrototypeOf } = Reflect;
const { includes: nativeIncludes, charCodeAt: nativeCharCodeAt } = String.prototype;
const { exec: nativeExec } = RegExp.prototype;
const { get: nativeGet, set: nativeSet } = WeakMap.prototype;

/** The page can replace globals too. */
export const { isArray } = Array;
export const toNumber = Number;

type Method = (...args: readonly unknown[]) => unknown;

export const includes = (text: string, part: string): boolean =>
  apply(nativeIncludes, text, [part]);

export const codeAt = (text: string, index: number): number =>
  apply(nativeCharCodeAt, text, [index]);

/** First group of the first match. The pattern must have no flags: `exec` then touches nothing but the pattern. */
export const matchIn = (pattern: RegExp, text: string): string | undefined =>
  apply(nativeExec, pattern, [text])?.[1];

/** The object without prototype, so that fields it does not have are not looked up in what the page patched. */
export function bare<T extends object>(object: T): T {
  setPrototypeOf(object, null);
  return object;
}

export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** The own value of a property, without running code of the page for it. */
export function ownValue(owner: unknown, key: string): unknown {
  if (!isObject(owner)) return undefined;
  const found = getOwnPropertyDescriptor(owner, key);
  // Made of its own fields only, but those an accessor has not are looked up in what the page patched.
  return found === undefined ? undefined : bare(found).value;
}

/** A WeakMap whose methods the page cannot replace. Anything may be asked for; only objects are ever found. */
export interface Table<V> {
  get(key: unknown): V | undefined;
  set(key: object, value: V): void;
}

export function createTable<V>(): Table<V> {
  const map = new WeakMap<object, V>();
  return {
    get: (key) => (isObject(key) ? apply(nativeGet, map, [key]) : undefined),
    set: (key, value) => void apply(nativeSet, map, [key, value]),
  };
}

function isMethod(value: unknown): value is Method {
  return typeof value === 'function';
}

export function methodOf(owner: object, key: string): Method {
  const value: unknown = Reflect.get(owner, key);
  if (!isMethod(value)) throw new TypeError(`${key}: want a function`);
  return value;
}

/** One half of an accessor. */
function halfOf(owner: object, key: string, half: 'get' | 'set'): Method {
  return methodOf(getOwnPropertyDescriptor(owner, key) ?? {}, half);
}

/** A function that reads `key` of an instance with the native getter of its prototype. */
export function getterOf(owner: object, key: string): (self: unknown) => unknown {
  const getter = halfOf(owner, key, 'get');
  return (self) => apply(getter, self, []);
}

/** A function that writes `key` of an instance with the native setter of its prototype. */
export function setterOf(owner: object, key: string): (self: unknown, value: unknown) => void {
  const setter = halfOf(owner, key, 'set');
  return (self, value) => void apply(setter, self, [value]);
}

export type Listener = (event: Event) => void;

/** The platform functions the hook needs, bound to nothing the page can reach. */
export interface Natives {
  readonly WebSocket: typeof WebSocket;
  /** Not everywhere: Chromium on Android has no SharedWorker. */
  readonly Worker: typeof Worker | undefined;
  readonly SharedWorker: typeof SharedWorker | undefined;
  portOf(sharedWorker: object): object;
  notSupported(sentence: string): Error;
  send(socket: object, data: unknown): void;
  close(socket: object, args: readonly unknown[]): void;
  readyState(socket: object): number;
  url(socket: object): string;
  protocol(socket: object): string;
  originOf(url: string): string;
  listen(target: object, type: string, listener: Listener): void;
  forget(target: object, type: string, listener: Listener): void;
  stop(event: Event): void;
  /** False where a listener cancelled it. */
  dispatch(target: object, event: Event): unknown;
  isTrusted(event: Event): boolean;
  dataOf(event: Event): unknown;
  messageEvent(data: unknown, origin: string): Event;
  event(type: string, cancelable?: boolean): Event;
  /** An untrusted close event with the code, reason and cleanness of `event`. */
  closeEvent(event: Event): Event;
  /** Whether `send` takes the value as bytes. */
  isBinary(data: unknown): data is BlobPart;
  /** The bytes as they are now: the page may change its buffer after `send`. */
  copyBinary(data: BlobPart): { readonly copy: Blob; readonly bytes: number };
}

/** Must run before any script of the page. */
export function captureNatives(scope: typeof globalThis): Natives {
  const { WebSocket, MessageEvent, CloseEvent, Event, Blob, URL, DOMException } = scope;
  const {
    Worker,
    SharedWorker,
  }: { Worker?: typeof scope.Worker; SharedWorker?: typeof scope.SharedWorker } = scope;
  const port = SharedWorker === undefined ? undefined : getterOf(SharedWorker.prototype, 'port');
  const socket = WebSocket.prototype;
  const send = methodOf(socket, 'send');
  const close = methodOf(socket, 'close');
  const add = methodOf(socket, 'addEventListener');
  const remove = methodOf(socket, 'removeEventListener');
  const dispatch = methodOf(socket, 'dispatchEvent');
  const stop = methodOf(Event.prototype, 'stopImmediatePropagation');
  const readyState = getterOf(socket, 'readyState');
  const url = getterOf(socket, 'url');
  const protocol = getterOf(socket, 'protocol');
  const origin = getterOf(URL.prototype, 'origin');
  const data = getterOf(MessageEvent.prototype, 'data');
  const code = getterOf(CloseEvent.prototype, 'code');
  const reason = getterOf(CloseEvent.prototype, 'reason');
  const wasClean = getterOf(CloseEvent.prototype, 'wasClean');
  const size = getterOf(Blob.prototype, 'size');
  const length = getterOf(ArrayBuffer.prototype, 'byteLength');
  const { isView } = ArrayBuffer;
  const has = (getter: (self: unknown) => unknown, value: unknown) => {
    try {
      getter(value);
      return true;
    } catch {
      // The native brand check: this value is of another kind.
      return false;
    }
  };
  return {
    WebSocket,
    Worker,
    SharedWorker,
    portOf: (self) => {
      const found = port?.(self);
      if (!isObject(found)) throw new TypeError('port: want an object');
      return found;
    },
    notSupported: (sentence) => new DOMException(sentence, 'NotSupportedError'),
    send: (self, value) => void apply(send, self, [value]),
    close: (self, args) => void apply(close, self, args),
    readyState: (self) => toNumber(readyState(self)),
    url: (self) => `${url(self)}`,
    protocol: (self) => `${protocol(self)}`,
    originOf: (address) => `${origin(new URL(address))}`,
    // Capturing: runs before every listener that does not capture, and before capturing ones added later.
    listen: (target, type, listener) => void apply(add, target, [type, listener, true]),
    forget: (target, type, listener) => void apply(remove, target, [type, listener, true]),
    stop: (event) => void apply(stop, event, []),
    dispatch: (target, event) => apply(dispatch, target, [event]),
    // An own, unforgeable property of every event: reading it reaches nothing of the page.
    isTrusted: (event) => event.isTrusted,
    dataOf: (event) => data(event),
    messageEvent: (value, from) => new MessageEvent('message', bare({ data: value, origin: from })),
    event: (type, cancelable = false) => new Event(type, bare({ cancelable })),
    closeEvent: (event) =>
      new CloseEvent(
        'close',
        bare({
          code: toNumber(code(event)),
          reason: `${reason(event)}`,
          wasClean: wasClean(event) === true,
        }),
      ),
    isBinary: (value): value is BlobPart =>
      typeof value === 'object' &&
      value !== null &&
      (isView(value) || has(length, value) || has(size, value)),
    copyBinary: (value) => {
      const copy = new Blob([value]);
      return { copy, bytes: toNumber(size(copy)) };
    },
  };
}

/** A trap: what to do instead of the native function. */
export type Instead = (native: Method, self: unknown, args: readonly unknown[]) => unknown;

const originals = createTable<object>();

/** A proxy of a native that shows the native's own source text, name and length. */
export function disguise<
  T extends Method | typeof WebSocket | typeof SharedWorker | typeof Request,
>(native: T, handler: ProxyHandler<T>): T {
  const proxy = new Proxy(native, bare(handler));
  originals.set(proxy, native);
  return proxy;
}

/** Puts `value` in the place of a property and leaves its flags and its place in the order as they are. */
export function replaceValue(owner: object, key: string, value: unknown): void {
  defineProperty(owner, key, { value });
}

function replacement(native: Method, instead: Instead): Method {
  return disguise(native, { apply: instead });
}

export function replaceMethod(owner: object, key: string, instead: Instead): void {
  replaceValue(owner, key, replacement(methodOf(owner, key), instead));
}

export function replaceGetter(owner: object, key: string, instead: Instead): void {
  defineProperty(owner, key, { get: replacement(halfOf(owner, key, 'get'), instead) });
}

/** A proxy's source text lacks the function's name; this gives the text of the native behind it. */
export function hideProxies(scope: typeof globalThis): void {
  replaceMethod(scope.Function.prototype, 'toString', (native, self, args) =>
    apply(native, originals.get(self) ?? self, args),
  );
}
