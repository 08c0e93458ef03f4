// Originals around fetch, captured as those in natives.ts and for the same reasons.
import { apply, bare, construct, getterOf, methodOf, toNumber } from './natives';

export interface FetchNatives {
  readonly Request: typeof Request;
  /** Throws what the browser throws for these arguments. */
  request(input: unknown, init: unknown): object;
  url(request: object): string;
  method(request: object): string;
  signal(request: object): object;
  isAborted(signal: object): boolean;
  reason(signal: object): unknown;
  /** Sends it with this body instead of its own, whatever becomes of its signal; text and status of the answer, or why there is none. */
  send(
    request: object,
    body: string,
    good: (answer: Answer) => void,
    bad: (why: unknown) => void,
  ): void;
  response(body: string, type: string): object;
  failure(): TypeError;
  promise(
    run: (resolve: (value: unknown) => void, reject: (why: unknown) => void) => void,
  ): unknown;
}

/** What the network gave; `response` is unread. */
export interface Answer {
  readonly response: object;
  readonly status: number;
  readonly text: string;
}

/** Must run before any script of the page. */
export function captureFetch(scope: typeof globalThis): FetchNatives {
  const { Request, Response, AbortSignal, Promise, TypeError } = scope;
  const fetch = methodOf(scope, 'fetch');
  const then = methodOf(Promise.prototype, 'then');
  const clone = methodOf(Response.prototype, 'clone');
  const text = methodOf(Response.prototype, 'text');
  const status = getterOf(Response.prototype, 'status');
  const url = getterOf(Request.prototype, 'url');
  const method = getterOf(Request.prototype, 'method');
  const signal = getterOf(Request.prototype, 'signal');
  const aborted = getterOf(AbortSignal.prototype, 'aborted');
  const when = (promise: unknown, good: (value: object) => void, bad: (why: unknown) => void) =>
    void apply(then, promise, [good, bad]);
  return {
    Request,
    request: (input, init) => construct(Request, [input, init]),
    url: (request) => `${url(request)}`,
    method: (request) => `${method(request)}`,
    signal: (request) => signal(request) as object, // never null on a request that was made
    isAborted: (of) => aborted(of) === true,
    reason: getterOf(AbortSignal.prototype, 'reason'),
    send: (request, body, good, bad) => {
      const inner = construct(Request, [request, bare({ body, signal: null })]);
      when(
        apply(fetch, scope, [inner]),
        (response) =>
          when(
            apply(text, apply(clone, response, []), []),
            (read) => good({ response, status: toNumber(status(response)), text: `${read}` }),
            bad,
          ),
        bad,
      );
    },
    response: (body, type) =>
      construct(Response, [body, bare({ status: 200, headers: bare({ 'content-type': type }) })]),
    failure: () => new TypeError('Failed to fetch'),
    promise: (run) => new Promise(run),
  };
}
