// The BOSH requests of one document, by number: what the page wants to send waits here for the bridge, which says what goes
// on the network and what the page gets for it. Decides nothing.
import type { HttpMessage } from '../../rpc/page-api';
import type { HookChannel } from './channel';
import { bare, includes, matchIn } from './natives';
import type { HttpNatives } from './natives-http';
import { rootName } from './peek';

const OK = 200;
const HTTPBIND = 'http://jabber.org/protocol/httpbind';
const START_TAG =
  /^\s*(?:<\?xml[^>]*>\s*)?(<[^\s<>/]+(?:\s+[^\s=<>/]+\s*=\s*(?:'[^'<]*'|"[^"<]*"))*)\s*\/?>/;

/** XEP-0124 §6: a `<body/>` as text. */
export function isBosh(body: unknown): body is string {
  return typeof body === 'string' && rootName(body) === 'body' && includes(body, HTTPBIND);
}

/** The body without what it holds; `undefined`: it does not begin as one. */
export function emptied(body: string): string | undefined {
  const head = matchIn(START_TAG, body);
  return head === undefined ? undefined : `${head}/>`;
}

/**
 * What of a body may leave when nobody can be asked: all of it if it holds no message, an end of the session without what
 * it held. `undefined`: nothing.
 */
export function withoutMessages(body: string): string | undefined {
  if (!includes(body, 'message')) return body;
  const rest = emptied(body);
  return rest !== undefined && includes(rest, 'terminate') ? rest : undefined;
}

/** One request of the page, however it was made. */
export interface Held {
  /** Puts it on the network with this body, perhaps once more. */
  send(body: string): void;
  /** Gives the page this body; null: what the network gave. */
  answer(body: string | null): void;
}

export interface Requests {
  /** This document is not protected. */
  isOff(): boolean;
  /** Asks the bridge; answers the number of the request. */
  ask(url: string, body: string, held: Held): number;
  /** The network answered; status 0: it did not. */
  answered(r: number, status: number, body: string): void;
  aborted(r: number): void;
  /** A body left without asking. */
  passed(body: string): void;
}

interface Waiting extends Held {
  readonly url: string;
  readonly body: string;
  isSent: boolean;
  isReplied: boolean;
  isAnswered: boolean;
}

export function createRequests(channel: HookChannel, http: HttpNatives): Requests {
  const waiting = bare<Record<number, Waiting>>({});
  let count = 0;
  let isOff = false;
  const post = (message: HttpMessage) => channel.post(message);
  /** What the page has may still be fetched again where the network failed. */
  const forgetIfDone = (r: number, { isReplied, isAnswered }: Waiting) => {
    if (isReplied && isAnswered) delete waiting[r];
  };

  channel.listen((message) => {
    if (message.t === 'off') isOff = true;
    if (message.t !== 'send' && message.t !== 'answer') return;
    const request = waiting[message.r];
    if (request === undefined) return;
    if (message.t === 'answer') {
      request.isAnswered = true;
      forgetIfDone(message.r, request);
      return request.answer(message.body);
    }
    request.isSent = true;
    request.send(message.body);
  });
  // The page goes: what waits can no longer be encrypted, but a server that misses a number ends the session.
  http.onLeave(() => {
    for (const r in waiting) {
      const request = waiting[r];
      if (request === undefined || request.isSent) continue;
      const rest = includes(request.body, 'message') ? emptied(request.body) : request.body;
      if (rest !== undefined) http.beacon(request.url, rest);
    }
  });
  return {
    isOff: () => isOff,
    ask: (url, body, held) => {
      const r = ++count;
      waiting[r] = {
        url,
        body,
        send: held.send,
        answer: held.answer,
        isSent: false,
        isReplied: false,
        isAnswered: false,
      };
      if (channel.isGone()) {
        const rest = withoutMessages(body);
        if (rest === undefined) held.answer(null);
        else held.send(rest);
      } else post({ t: 'request', r, url, body });
      return r;
    },
    answered: (r, status, body) => {
      const request = waiting[r];
      if (request !== undefined && status === OK) {
        request.isReplied = true;
        forgetIfDone(r, request);
      }
      if (channel.isGone()) request?.answer(null);
      else post({ t: 'response', r, status, body });
    },
    aborted: (r) => post({ t: 'aborted', r }),
    passed: (body) => post({ t: 'passed', body }),
  };
}
