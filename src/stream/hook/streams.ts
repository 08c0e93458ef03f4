// The XMPP streams of one document: two lanes each, and what the bridge asks of them.
import type { BridgeMessage, HookMessage } from '../../rpc/page-api';
import type { HookChannel } from './channel';
import { createLane, type Lane } from './lane';
import { orphanAnswer } from './orphan';
import { bare, createTable, type Natives } from './natives';
import { isInteresting, rootName, type Prefixes } from './peek';

/** WebSocket.OPEN */
const OPEN = 1;

export interface Stream {
  readonly s: number;
  readonly socket: object;
  readonly out: Lane;
  readonly in: Lane;
  /** The page called `close()`, which waits behind frames it sent before. */
  isClosing: boolean;
  /** The socket is closed, but the page does not know yet: frames before that wait. */
  isEndHeld: boolean;
  /** The page sent `<close/>`, behind which nothing may follow (RFC 7395 §3.6, I-57). */
  isOver: boolean;
  /** Bytes the page sent after `close()`: never sent, but counted as buffered for ever. */
  lostBytes: number;
}

export interface Streams {
  of(socket: unknown): Stream | undefined;
  /** `undefined`: this document is not protected. */
  start(socket: object): Stream | undefined;
  end(stream: Stream): void;
}

export function createStreams(natives: Natives, channel: HookChannel): Streams {
  const bySocket = createTable<Stream>();
  const byNumber = bare<Record<number, Stream>>({});
  let prefixes: Prefixes | undefined;
  let count = 0;
  let isOff = false;
  let will: string | undefined;
  const post = (message: HookMessage) => {
    if (!isOff) channel.post(message);
  };

  const { isGone } = channel;
  /** Nobody is there to decide: a message of the page does not leave and it gets an error, most else goes on. */
  const settle = (stream: Stream, dir: 'out' | 'in', text: string) => {
    const error = orphanAnswer(dir, text, will);
    stream[dir].release(error === undefined ? [text] : []);
    if (error) stream.in.inject(error, () => undefined);
  };

  const start = (socket: object): Stream | undefined => {
    if (isOff) return undefined;
    const s = ++count;
    const url = natives.url(socket);
    const origin = natives.originOf(url);
    const lane = (dir: 'out' | 'in', emit: (text: string) => void) =>
      createLane({
        dir,
        isInteresting: (text) => isInteresting(dir, text, prefixes),
        post: (text, at) => {
          if (isGone()) settle(stream, dir, text);
          else post({ t: 'frame', s, dir, text, at });
        },
        isGone,
        emit,
      });
    const stream: Stream = {
      s,
      socket,
      out: lane('out', (text) => natives.send(socket, text)),
      in: lane('in', (text) => natives.dispatch(socket, natives.messageEvent(text, origin))),
      isClosing: false,
      isEndHeld: false,
      isOver: false,
      lostBytes: 0,
    };
    bySocket.set(socket, stream);
    byNumber[s] = stream;
    post({ t: 'opened', s, url });
    return stream;
  };

  const inject = (stream: Stream, { s, dir, id, text }: BridgeMessage & { t: 'inject' }) => {
    const isOver = stream.isOver || natives.readyState(stream.socket) !== OPEN;
    if (dir === 'out' && isOver) return;
    stream[dir].inject(text, (at) => post({ t: 'injected', s, dir, id, at }));
    // RFC 7395 §3.6: nothing may follow `<close/>`, and the page does not know that we sent it.
    if (dir === 'out' && rootName(text) === 'close') natives.close(stream.socket, []);
  };

  const turnOff = () => {
    isOff = true;
    for (const s in byNumber) {
      byNumber[s]?.out.open();
      byNumber[s]?.in.open();
    }
  };

  channel.listen((message) => {
    if (isOff) return;
    if (message.t === 'off') return turnOff();
    if (message.t === 'will') will = message.text;
    if (message.t === 'ids') {
      prefixes = { prefix: message.prefix, next: prefixes };
      return;
    }
    if (message.t !== 'inject' && message.t !== 'release') return;
    const stream = byNumber[message.s];
    if (stream === undefined) return;
    if (message.t === 'inject') return inject(stream, message);
    const { dir, frames } = message;
    // A closed socket takes frames and drops them. Held, the original is told as unsent when the page hears of the end.
    const isLost = dir === 'out' && natives.readyState(stream.socket) !== OPEN;
    if (!isLost || frames.length === 0) stream[dir].release(frames);
  });

  return {
    of: (socket) => bySocket.get(socket),
    start,
    end: (stream) => {
      stream.isEndHeld = false;
      stream.out.drop((text) => post({ t: 'unsent', s: stream.s, text }));
      delete byNumber[stream.s];
      post({ t: 'closed', s: stream.s });
    },
  };
}
