// First-in first-out queue of one direction of one stream: what is uninteresting passes at once while nothing waits, the
// rest is held until the session releases it. Counts the stanzas on both sides (stream management needs the difference).
import type { Direction, Position } from '../../rpc/page-api';
import { isStanza } from './peek';

export interface LaneOptions {
  readonly dir: Direction;
  isInteresting(text: string): boolean;
  /** Shows the head of the queue to the bridge; the lane then waits for `release`. */
  post(text: string, at: Position): void;
  /** Nobody hears `post`, nor answers what it was shown before. */
  isGone(): unknown;
  /** Lets a frame of the session go on in this direction. */
  emit(text: string): void;
}

export interface LaneItem {
  /** `undefined`: not for the bridge (binary frames, closing, errors), only kept in order. */
  readonly text: string | undefined;
  /** Bytes the page must see as buffered while this waits. */
  readonly bytes: number;
  /** Lets the original go on, later than it came. */
  forward(): void;
}

export interface Lane {
  /** Whether the next item can pass at once; if so it is counted as gone and the caller lets it pass. */
  tryPass(text: string | undefined): boolean;
  hold(item: LaneItem): void;
  /** Replaces the head by these frames and goes on. Ignored if no head is shown. */
  release(frames: readonly string[]): void;
  /** Counts and lets a frame of ours go on at once; answers the position before it. */
  inject(text: string, before: (at: Position) => void): void;
  /** Everything that waits goes on unchanged; from then on all passes. */
  open(): void;
  /** Forgets what waits: the socket is gone. `lost` gets what the bridge was, or would have been, shown of it, in order. */
  drop(lost: (text: string) => void): void;
  bytes(): number;
  isIdle(): boolean;
}

interface Node {
  readonly item: LaneItem;
  next: Node | undefined;
}

export function createLane({ dir, isInteresting, post, isGone, emit }: LaneOptions): Lane {
  let head: Node | undefined;
  let tail: Node | undefined;
  let isShown = false;
  let isOpen = false;
  let isDraining = false;
  let held = 0;
  let page = 0;
  let wire = 0;

  const countPage = (text: string) => void (isStanza(text) && page++);
  const countWire = (text: string) => void (isStanza(text) && wire++);
  const countSource = dir === 'out' ? countPage : countWire;
  const countTarget = dir === 'out' ? countWire : countPage;
  const countBoth = (text: string) => {
    countPage(text);
    countWire(text);
  };
  const mustShow = (text: string | undefined): text is string =>
    !isOpen && text !== undefined && isInteresting(text);

  const shift = (node: Node) => {
    head = node.next;
    if (head === undefined) tail = undefined;
    held -= node.item.bytes;
  };

  const drain = () => {
    if (isDraining || isShown) return;
    isDraining = true;
    try {
      while (head !== undefined && !isShown) step(head);
    } finally {
      isDraining = false;
    }
  };
  const step = (node: Node) => {
    const { item } = node;
    if (mustShow(item.text)) {
      isShown = true;
      return post(item.text, { page, wire });
    }
    shift(node);
    // Counted first: what the page does as it gets the frame must already find it counted.
    if (item.text !== undefined) countBoth(item.text);
    item.forward();
  };

  const releaseHead = (node: Node, frames: readonly string[]) => {
    const { text } = node.item;
    isShown = false;
    shift(node);
    if (text !== undefined) countSource(text);
    isDraining = true;
    try {
      for (let index = 0; index < frames.length; index++) {
        const frame = frames[index];
        if (frame === undefined) continue;
        countTarget(frame);
        emit(frame);
      }
    } finally {
      isDraining = false;
    }
    drain();
  };

  return {
    tryPass: (text) => {
      if (head !== undefined || isDraining || mustShow(text)) return false;
      if (text !== undefined) countBoth(text);
      return true;
    },
    hold: (item) => {
      const node: Node = { item, next: undefined };
      if (tail === undefined) head = node;
      else tail.next = node;
      tail = node;
      held += item.bytes;
      if (isShown && head !== undefined && isGone()) step(head);
      drain();
    },
    release: (frames) => {
      if (isShown && head !== undefined) releaseHead(head, frames);
    },
    inject: (text, before) => {
      before({ page, wire });
      countTarget(text);
      emit(text);
    },
    open: () => {
      isOpen = true;
      isShown = false;
      drain();
    },
    drop: (lost) => {
      for (let node = head; node !== undefined; node = node.next) {
        if (mustShow(node.item.text)) lost(node.item.text);
      }
      head = undefined;
      tail = undefined;
      isShown = false;
    },
    bytes: () => held,
    isIdle: () => head === undefined && !isDraining,
  };
}
