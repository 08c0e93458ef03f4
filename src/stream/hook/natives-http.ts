// Originals around HTTP, captured as those in natives.ts and for the same reasons.
import {
  apply,
  bare,
  construct,
  getterOf,
  methodOf,
  setterOf,
  toNumber,
  type Natives,
} from './natives';

/** A list without array methods, the last one first. */
export interface Headers {
  readonly args: readonly unknown[];
  readonly before: Headers | undefined;
}

/** What a page told a request before `send()`. */
export interface Opened {
  /** Arguments of `open()`. */
  readonly args: readonly unknown[];
  readonly headers: Headers | undefined;
  readonly mime: unknown;
}

/** What a ProgressEvent says. */
export interface Progress {
  readonly lengthComputable: boolean;
  readonly loaded: number;
  readonly total: number;
}

export interface HttpNatives {
  /** Of XMLHttpRequest. */
  readonly prototype: object;
  /** Prototype of `navigator`. */
  readonly navigator: object;
  responseType(xhr: object): unknown;
  status(xhr: object): number;
  /** Of a request whose `responseType` is ''. */
  text(xhr: object): string;
  document(xhr: object): unknown;
  /** A request like the page's own, opened and with all that the page set. */
  open(like: object, opened: Opened): object;
  send(xhr: object, body: string): void;
  /** Throws what the browser throws where `open()` was not called. */
  refuse(method: 'send' | 'setRequestHeader', args: readonly unknown[]): never;
  parse(text: string): unknown;
  blob(text: string, type: string): Blob;
  buffer(text: string): unknown;
  progress(type: string, facts: Progress): Event;
  /** The facts of an event of the browser. */
  progressOf(event: Event): Progress;
  networkError(message: string): DOMException;
  /** Calls back as the document goes for good. */
  onLeave(leave: () => void): void;
  beacon(url: string, body: string): void;
}

/** Must run before any script of the page. */
export function captureHttp(scope: typeof globalThis, natives: Natives): HttpNatives {
  const { XMLHttpRequest, DOMParser, TextEncoder, Blob, ProgressEvent, DOMException } = scope;
  const { navigator, Navigator, PageTransitionEvent } = scope;
  const lengthComputable = getterOf(ProgressEvent.prototype, 'lengthComputable');
  const loaded = getterOf(ProgressEvent.prototype, 'loaded');
  const total = getterOf(ProgressEvent.prototype, 'total');
  const beacon = methodOf(Navigator.prototype, 'sendBeacon');
  const persisted = getterOf(PageTransitionEvent.prototype, 'persisted');
  const { prototype } = XMLHttpRequest;
  const open = methodOf(prototype, 'open');
  const setHeader = methodOf(prototype, 'setRequestHeader');
  const setMime = methodOf(prototype, 'overrideMimeType');
  const send = methodOf(prototype, 'send');
  const responseText = getterOf(prototype, 'responseText');
  const status = getterOf(prototype, 'status');
  const withCredentials = getterOf(prototype, 'withCredentials');
  const setWithCredentials = setterOf(prototype, 'withCredentials');
  const timeout = getterOf(prototype, 'timeout');
  const setTimeout = setterOf(prototype, 'timeout');
  const parse = methodOf(DOMParser.prototype, 'parseFromString');
  const encode = methodOf(TextEncoder.prototype, 'encode');
  const buffer = getterOf(Reflect.getPrototypeOf(Uint8Array.prototype) ?? {}, 'buffer');
  const fresh = (): object => construct(XMLHttpRequest, []);
  const setHeaders = (xhr: object, headers: Headers | undefined): void => {
    if (headers === undefined) return;
    setHeaders(xhr, headers.before);
    apply(setHeader, xhr, headers.args);
  };
  return {
    prototype,
    navigator: Navigator.prototype,
    responseType: getterOf(prototype, 'responseType'),
    status: (xhr) => toNumber(status(xhr)),
    text: (xhr) => `${responseText(xhr)}`,
    document: getterOf(prototype, 'responseXML'),
    open: (like, { args, headers, mime }) => {
      const xhr = fresh();
      apply(open, xhr, args);
      setHeaders(xhr, headers);
      if (mime !== undefined) apply(setMime, xhr, [mime]);
      setWithCredentials(xhr, withCredentials(like));
      setTimeout(xhr, timeout(like));
      return xhr;
    },
    send: (xhr, body) => void apply(send, xhr, [body]),
    refuse: (method, args) => {
      apply(method === 'send' ? send : setHeader, fresh(), args);
      throw new DOMException('', 'InvalidStateError');
    },
    parse: (text) => apply(parse, new DOMParser(), [text, 'application/xml']),
    blob: (text, type) => new Blob([text], bare({ type })),
    buffer: (text) => buffer(apply(encode, new TextEncoder(), [text])),
    progress: (type, { lengthComputable, loaded, total }) =>
      new ProgressEvent(type, bare({ lengthComputable, loaded, total })),
    progressOf: (event) => ({
      lengthComputable: lengthComputable(event) === true,
      loaded: toNumber(loaded(event)),
      total: toNumber(total(event)),
    }),
    networkError: (message) => new DOMException(message, 'NetworkError'),
    onLeave: (leave) =>
      natives.listen(scope, 'pagehide', (event) => {
        if (natives.isTrusted(event) && persisted(event) !== true) leave();
      }),
    beacon: (url, body) => void apply(beacon, navigator, [url, body]),
  };
}
