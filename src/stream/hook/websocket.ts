// The WebSocket of the page: the native one, whose XMPP sockets (negotiated subprotocol `xmpp`) hold, release and put in
// frames as the bridge says. All other sockets are left alone. Every replaced function is a proxy of the native, so that
// name, length, source text, subclassing, `instanceof` and all errors stay the browser's own.
//
// Not hidden: `isTrusted` is false on an event that was held and had to be dispatched again; another realm's
// Function.prototype.toString sees a nameless native function.
import type { HookChannel } from './channel';
import { checkCloseArguments } from './close-arguments';
import {
  apply,
  construct,
  disguise,
  replaceGetter,
  replaceMethod,
  replaceValue,
  toNumber,
  type Natives,
} from './natives';
import { rootName } from './peek';
import { createStreams, type Stream, type Streams } from './streams';
import { utf8Length } from './utf8';

const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** Follows one socket that may become an XMPP stream; its listeners are the first the socket gets. */
function watch(socket: object, natives: Natives, streams: Streams): void {
  let stream: Stream | undefined;

  /** Events made by the page itself or dispatched again by us are not trusted and go their way. */
  const receive = (event: Event, text: string | undefined, forward: () => void): boolean => {
    if (stream === undefined || stream.in.tryPass(text)) return true;
    natives.stop(event);
    stream.in.hold({ text, bytes: 0, forward });
    return false;
  };
  const onMessage = (event: Event) => {
    if (stream === undefined || !natives.isTrusted(event)) return;
    const data = natives.dataOf(event);
    const text = typeof data === 'string' ? data : undefined;
    receive(event, text, () => natives.dispatch(socket, natives.messageEvent(data, origin())));
  };
  const onError = (event: Event) => {
    if (natives.isTrusted(event))
      receive(event, undefined, () => natives.dispatch(socket, natives.event('error')));
  };
  const onClose = (event: Event) => {
    if (stream === undefined || !natives.isTrusted(event)) return;
    const ended = stream;
    ended.isEndHeld = true;
    const isPassing = receive(event, undefined, () => {
      streams.end(ended);
      natives.dispatch(socket, natives.closeEvent(event));
    });
    if (isPassing) streams.end(ended);
  };
  const onOpen = (event: Event) => {
    if (!natives.isTrusted(event)) return;
    natives.forget(socket, 'open', onOpen);
    if (natives.protocol(socket) === 'xmpp') stream = streams.start(socket);
    if (stream !== undefined) return;
    natives.forget(socket, 'message', onMessage);
    natives.forget(socket, 'error', onError);
    natives.forget(socket, 'close', onClose);
  };
  const origin = () => natives.originOf(natives.url(socket));

  natives.listen(socket, 'open', onOpen);
  natives.listen(socket, 'message', onMessage);
  natives.listen(socket, 'error', onError);
  natives.listen(socket, 'close', onClose);
}

/**
 * Whether these arguments of the constructor may ask for `xmpp`. Lists are not read: that could be seen, and could give
 * the browser something else afterwards. What was negotiated decides as the socket opens.
 */
function mayAskForXmpp(args: readonly unknown[]): boolean {
  if (args.length < 2) return false;
  const protocols = args[1];
  if (typeof protocols === 'string') return protocols === 'xmpp';
  return typeof protocols === 'object' || typeof protocols === 'function';
}

function sendThrough(stream: Stream, natives: Natives, value: unknown): void {
  const { socket, out } = stream;
  if (natives.isBinary(value)) {
    if (!stream.isClosing && out.tryPass(undefined)) return natives.send(socket, value);
    const { copy, bytes } = natives.copyBinary(value);
    if (stream.isClosing) stream.lostBytes += bytes;
    else out.hold({ text: undefined, bytes, forward: () => natives.send(socket, copy) });
    return;
  }
  // No conversion: the native throws its own error.
  if (typeof value === 'symbol') return natives.send(socket, value);
  const text = `${value}`;
  if (stream.isClosing) stream.lostBytes += utf8Length(text);
  else if (out.tryPass(text)) sendText(stream, natives, text);
  else out.hold({ text, bytes: utf8Length(text), forward: () => sendText(stream, natives, text) });
}

function sendText(stream: Stream, natives: Natives, text: string): void {
  if (rootName(text) === 'close') stream.isOver = true;
  natives.send(stream.socket, text);
}

function closeThrough(stream: Stream, natives: Natives, given: readonly unknown[]): void {
  const { socket, out } = stream;
  if (out.isIdle()) return natives.close(socket, given);
  const { args, isValid } = checkCloseArguments(given);
  if (!isValid) return natives.close(socket, args);
  if (stream.isClosing) return;
  stream.isClosing = true;
  out.hold({ text: undefined, bytes: 0, forward: () => natives.close(socket, args) });
}

/** Puts the hook in place. Must run before any script of the page. */
export function installWebSocket(
  scope: typeof globalThis,
  natives: Natives,
  channel: HookChannel,
): void {
  const streams = createStreams(natives, channel);
  const { prototype } = natives.WebSocket;
  /** The stream while frames can still leave; before and after that the native answers for itself. */
  const sending = (socket: unknown) => {
    const stream = streams.of(socket);
    return stream !== undefined && natives.readyState(stream.socket) === OPEN ? stream : undefined;
  };

  replaceMethod(prototype, 'send', (native, self, args) => {
    const stream = args.length > 0 ? sending(self) : undefined;
    return stream === undefined ? apply(native, self, args) : sendThrough(stream, natives, args[0]);
  });
  replaceMethod(prototype, 'close', (native, self, args) => {
    const stream = sending(self);
    return stream === undefined ? apply(native, self, args) : closeThrough(stream, natives, args);
  });
  replaceGetter(prototype, 'readyState', (native, self, args) => {
    const state = apply(native, self, args);
    const stream = streams.of(self);
    if (stream === undefined) return state;
    const isEnding = (state === OPEN && stream.isClosing) || (state === CLOSED && stream.isEndHeld);
    return isEnding ? CLOSING : state;
  });
  replaceGetter(prototype, 'bufferedAmount', (native, self, args) => {
    const amount = apply(native, self, args);
    const stream = streams.of(self);
    return stream === undefined ? amount : toNumber(amount) + stream.out.bytes() + stream.lostBytes;
  });

  const replacement = disguise(natives.WebSocket, {
    construct: (native, args, newTarget) => {
      const socket: object = construct(native, args, newTarget);
      if (mayAskForXmpp(args)) watch(socket, natives, streams);
      return socket;
    },
  });
  replaceValue(prototype, 'constructor', replacement);
  replaceValue(scope, 'WebSocket', replacement);
}
