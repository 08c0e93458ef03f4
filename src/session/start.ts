// Connects the bridge's channel, the vault and the streams of one document.
import { createClient, type PortLike } from '../rpc/port';
import type { ContentApi } from '../rpc/vault-api';
import { findBridge } from '../stream/bridge/channel';
import type { StreamMemory } from './observe';
import { StreamSession } from './stream-session';
import { UnsentMessages } from './unsent';

function isWake(message: unknown): boolean {
  return (
    typeof message === 'object' &&
    message !== null &&
    'omnemo' in message &&
    message.omnemo === 'wake'
  );
}

/** In place of a stream's number, which begin at 1. */
const WORKER = 0;

/** What the session needs of the browser. */
export interface Surroundings {
  /** Opens a port to the vault; throws once the extension is gone. */
  connect(): PortLike;
  /** Calls back with every message of the background, which waits for the answer. */
  onMessage(listener: (message: unknown) => Promise<void>): void;
  /** Calls back when the document comes back from the browser's back/forward cache. */
  onRestored(listener: () => void): void;
}

/** Takes over the document's streams. */
export function startSession({ connect, onMessage, onRestored }: Surroundings): void {
  const channel = findBridge(globalThis);
  if (channel === undefined) return;
  const vault = createClient<ContentApi>(connect);
  const streams = new Map<number, StreamSession>();
  const memory: StreamMemory = new Map();
  const unsent = new UnsentMessages();
  const post = channel.post;
  /** The last the page tried was a stream in a worker, which was refused. */
  let isInWorker = false;
  const reportWorker = (state: 'in-worker' | 'gone' = 'in-worker') => {
    vault.request('report', { stream: WORKER, endpoint: '', state }).catch(() => undefined);
  };

  channel.take((message) => {
    if (message.t === 'worker') {
      isInWorker = true;
      return reportWorker();
    }
    if (message.t === 'opened') {
      const { s: stream, url, sid } = message;
      const parts = { stream, url, sid, vault, memory, unsent, post };
      streams.set(stream, new StreamSession(parts));
      // The page found another way, which we can reach.
      if (isInWorker) reportWorker('gone');
      isInWorker = false;
      return;
    }
    streams.get(message.s)?.handle(message);
    if (message.t === 'closed') streams.delete(message.s);
  });
  const wake = (): Promise<unknown> => {
    if (isInWorker) reportWorker();
    return Promise.allSettled([...streams.values()].map((stream) => stream.wake()));
  };
  vault.onEvent(() => void wake());
  // The new port wakes the streams that are left.
  onRestored(() => vault.renew());
  onMessage(async (message) => {
    if (isWake(message)) await wake();
  });
}
