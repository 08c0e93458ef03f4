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
  /** An XMPP stream is open. `sid`: a BOSH session of this id, begun before this document was there. */
  | { readonly t: 'opened'; readonly s: number; readonly url: string; readonly sid?: string }
  /** The server gave the BOSH session this id. */
  | { readonly t: 'session'; readonly s: number; readonly sid: string }
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
  /** The page tried to open a stream in a worker and was refused; `s` counts the attempts. */
  | { readonly t: 'worker'; readonly s: number }
  /** A frame of the page that waited as its socket closed: it never left. Told before `closed`, in order. */
  | { readonly t: 'unsent'; readonly s: number; readonly text: string }
  | { readonly t: 'closed'; readonly s: number };

/** Hook → bridge: BOSH as HTTP sees it. `r` numbers the requests of one document; one sent again has a new number. */
export type HttpMessage =
  /** The page wants to send this body; it waits for `send`. */
  | { readonly t: 'request'; readonly r: number; readonly url: string; readonly body: string }
  /** What the network answered to the last `send`; status 0: nothing. */
  | { readonly t: 'response'; readonly r: number; readonly status: number; readonly body: string }
  /** The page does not wait for the answer any more. */
  | { readonly t: 'aborted'; readonly r: number }
  /** This body left without asking, because the page could not wait. */
  | { readonly t: 'passed'; readonly body: string };

/** Bridge → hook: BOSH as HTTP sees it. */
export type HttpCommand =
  /** Put the request on the network with this body, perhaps once more. */
  | { readonly t: 'send'; readonly r: number; readonly body: string }
  /** The page gets this body with status 200; null: what the network gave, or an error if it gave nothing. */
  | { readonly t: 'answer'; readonly r: number; readonly body: string | null };

/** Bridge → hook, first of all: how the error ends that the page gets for a message once the bridge is gone. */
export interface Will {
  readonly t: 'will';
  readonly text: string;
}

/** Bridge → hook. */
export type BridgeMessage =
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
