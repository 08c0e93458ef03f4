// Both ends of a runtime port: messages are cloned and come later, as in a browser.
import type { PortLike } from '../../src/rpc/port';

class End implements PortLike {
  readonly received: unknown[] = [];
  isOpen = true;
  #other: End | undefined;
  readonly #messages: ((message: unknown) => void)[] = [];
  readonly #ends: (() => void)[] = [];
  readonly onMessage = {
    addListener: (listener: (message: unknown) => void) => void this.#messages.push(listener),
  };
  readonly onDisconnect = {
    addListener: (listener: () => void) => void this.#ends.push(listener),
  };

  join(other: End): void {
    this.#other = other;
  }

  postMessage(message: unknown): void {
    if (!this.isOpen) throw new Error('Attempting to use a disconnected port object');
    const cloned = structuredClone(message);
    const other = this.#other;
    queueMicrotask(() => other?.receive(cloned));
  }

  receive(message: unknown): void {
    if (!this.isOpen) return;
    this.received.push(message);
    for (const listener of this.#messages) listener(message);
  }

  /** As in a browser, only the other end hears of it. */
  disconnect(): void {
    this.isOpen = false;
    this.#other?.end();
  }

  end(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    for (const listener of this.#ends) listener();
  }
}

export interface PortPair {
  readonly near: End;
  readonly far: End;
  /** Both ends hear that the connection is gone, as when the worker dies. */
  die(): void;
}

/** A port with its two ends. */
export function portPair(): PortPair {
  const near = new End();
  const far = new End();
  near.join(far);
  far.join(near);
  return {
    near,
    far,
    die() {
      near.end();
      far.end();
    },
  };
}
