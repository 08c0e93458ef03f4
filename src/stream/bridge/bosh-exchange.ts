// A request of the page in a BOSH session with its reply, and what its body says about the session.
import type { Body } from './bosh-body';

/** `held`: not sent yet. `sent`: at the server. `replied`: its reply is on the way to the page. `failed`: to be sent again. */
export type Stage = 'held' | 'sent' | 'replied' | 'failed' | 'done';

/** A request of the page with everything that becomes of it. */
export interface Exchange {
  readonly rid: number;
  readonly text: string;
  readonly body: Body;
  /** The hook's number of the latest attempt. */
  r: number;
  stage: Stage;
  /** All of its stanzas went their way. */
  isComplete: boolean;
  /** The page waits for its answer. */
  isAwaited: boolean;
  /** What was sent, to be repeated byte for byte. */
  sent?: string;
  reply?: Reply;
  /** What the page got, for a repeated request. */
  answer?: string;
  /** It failed and is sent again as soon as the server may have one more. */
  isDue: boolean;
  tries: number;
}

export interface Reply {
  readonly r: number;
  readonly text: string;
  readonly body: Body;
  isTaken: boolean;
}

export const isSame = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((text, index) => text === right[index]);

/** Page or server end the session with it. */
export const isEnd = ({ attributes }: Body): boolean => attributes.get('type') === 'terminate';

/** A body after which the page may have one request more than allowed (XEP-0124 §11). */
export const isExtra = ({ attributes }: Body): boolean =>
  attributes.get('type') === 'terminate' || attributes.has('pause');
