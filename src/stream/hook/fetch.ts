// The fetch and sendBeacon of the page: the native ones, whose POSTs of a BOSH body go through the bridge, as those of xhr.ts.
// A beacon cannot wait, and nobody hears whether it arrived: what may leave without asking leaves.
//
// Not hidden: the `url` of an answer of ours is empty, and it has no header but its type.
import type { HttpNatives } from './natives-http';
import type { FetchNatives } from './natives-fetch';
import {
  apply,
  construct,
  createTable,
  disguise,
  isObject,
  ownValue,
  replaceMethod,
  replaceValue,
  type Natives,
} from './natives';
import { isBosh, withoutMessages, type Requests } from './requests';

const TYPE = 'text/xml; charset=utf-8';

interface Parts {
  readonly natives: Natives;
  readonly fetches: FetchNatives;
  readonly requests: Requests;
}

/** The request with its body as the bridge wants it, and the answer the bridge gives. */
function fetchThrough(
  { natives, fetches, requests }: Parts,
  request: object,
  body: string,
): unknown {
  return fetches.promise((resolve, reject) => {
    const signal = fetches.signal(request);
    if (fetches.isAborted(signal)) return reject(fetches.reason(signal));
    let got: object | undefined;
    let why: unknown;
    const send = (text: string) =>
      fetches.send(
        request,
        text,
        ({ response, status, text: answer }) => {
          got = response;
          requests.answered(r, status, answer);
        },
        (error) => {
          got = undefined;
          why = error;
          requests.answered(r, 0, '');
        },
      );
    const answer = (text: string | null) => {
      if (text !== null) resolve(fetches.response(text, TYPE));
      else if (got !== undefined) resolve(got);
      else reject(why ?? fetches.failure());
    };
    const r = requests.ask(fetches.url(request), body, { send, answer });
    natives.listen(signal, 'abort', () => {
      requests.aborted(r);
      reject(fetches.reason(signal));
    });
  });
}

/** Puts the hook in place. Must run before any script of the page. */
export function installFetch(
  scope: typeof globalThis,
  natives: Natives,
  fetches: FetchNatives,
  requests: Requests,
): void {
  const { prototype } = fetches.Request;
  /** The bodies of requests that were made first and are sent later. */
  const bodies = createTable<string>();
  const bodyOf = (input: unknown, init: unknown): string | undefined => {
    const body = ownValue(init, 'body');
    if (body === undefined || body === null) return bodies.get(input);
    return isBosh(body) ? body : undefined;
  };

  replaceMethod(scope, 'fetch', (native, self, args) => {
    const body = args.length === 0 || requests.isOff() ? undefined : bodyOf(args[0], args[1]);
    if (body === undefined) return apply(native, self, args);
    let request: object;
    try {
      request = fetches.request(args[0], args[1]);
    } catch {
      return apply(native, self, args); // which rejects
    }
    if (fetches.method(request) !== 'POST') return apply(native, self, [request]);
    return fetchThrough({ natives, fetches, requests }, request, body);
  });
  replaceMethod(prototype, 'clone', (native, self, args) => {
    const copy = apply(native, self, args);
    const body = bodies.get(self);
    if (body !== undefined && isObject(copy)) bodies.set(copy, body);
    return copy;
  });
  const replacement = disguise(fetches.Request, {
    construct: (native, args, newTarget) => {
      const request: object = construct(native, args, newTarget);
      const body = bodyOf(args[0], args[1]);
      if (body !== undefined) bodies.set(request, body);
      return request;
    },
  });
  replaceValue(prototype, 'constructor', replacement);
  replaceValue(scope, 'Request', replacement);
}

/** Puts the hook in place. Must run before any script of the page. */
export function installBeacon(http: HttpNatives, requests: Requests): void {
  replaceMethod(http.navigator, 'sendBeacon', (native, self, args) => {
    const body = args[1];
    if (requests.isOff() || !isBosh(body)) return apply(native, self, args);
    const rest = withoutMessages(body);
    if (rest === undefined) return false;
    requests.passed(rest);
    return apply(native, self, [args[0], rest]);
  });
}
