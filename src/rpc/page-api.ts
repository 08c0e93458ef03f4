// Frames between hook (page world) and bridge (isolated world), over one private MessagePort per document. Only strings
// and numbers; the page may forge any of it, so it carries nothing a page could not do to its own stream anyway.

/** Direction of a frame as the page sees it. */
export type Direction = 'out' | 'in';

/**
 * Position of a frame in its direction: stanzas (message, presence, iq) counted since the socket opened, on the page's
 * side and on the wire's side, just before this frame. They differ once a stanza was injected, swallowed or refused.
 */
export interface Position {
  readonly page: number;
  readonly wire: number;
}

/** Hook → bridge. `s` numbers the streams of one document. */
export type HookMessage =
  /** An XMPP WebSocket (negotiated subprotocol `xmpp`) is open. */
  | { readonly t: 'opened'; readonly s: number; readonly url: string }
  /** The frame at the head of a lane; the lane waits for `release`. */
  | {
      readonly t: 'frame';
      readonly s: number;
      readonly dir: Direction;
      readonly text: string;
      readonly at: Position;
    }
  /** A stanza of ours was put in; `at` is the position just before it. */
  | {
      readonly t: 'injected';
      readonly s: number;
      readonly dir: Direction;
      readonly id: string;
      readonly at: Position;
    }
  /** Is anybody there: asked while a frame waits, answered at once by `alive`. */
  | { readonly t: 'ping'; readonly s: number }
  /** The page tried to open a stream in a worker and was refused; `s` counts the attempts. */
  | { readonly t: 'worker'; readonly s: number }
  /** A frame of the page that waited as its socket closed: it never left. Told before `closed`, in order. */
  | { readonly t: 'unsent'; readonly s: number; readonly text: string }
  | { readonly t: 'closed'; readonly s: number };

/** Bridge → hook. */
export type BridgeMessage =
  /** Answers `ping`. */
  | { readonly t: 'alive' }
  /** This document is not protected: give every stream back to the page at once. */
  | { readonly t: 'off' }
  /** Prefix of the ids of our own IQs: their replies must reach the bridge. */
  | { readonly t: 'ids'; readonly prefix: string }
  /** Replace the held head frame by these frames (none: swallow), then go on. */
  | {
      readonly t: 'release';
      readonly s: number;
      readonly dir: Direction;
      readonly frames: readonly string[];
    }
  /** Put a frame of ours in at once: to the server (`out`) or to the page (`in`). */
  | {
      readonly t: 'inject';
      readonly s: number;
      readonly dir: Direction;
      readonly id: string;
      readonly text: string;
    };
