// The XMLHttpRequest of the page: the native one, whose POSTs of a BOSH body go through the bridge. All others are left alone.
// Every replaced function is a proxy of the native, as in websocket.ts.
//
// Not hidden: `isTrusted` is false on the events of such a request, its `upload` has none, and an answer of ours has no header
// but its type.
import {
  apply,
  createTable,
  isObject,
  matchIn,
  replaceGetter,
  replaceMethod,
  type Natives,
} from './natives';
import type { Headers, HttpNatives } from './natives-http';
import { isBosh, withoutMessages, type Requests } from './requests';
import { createFlights, type Flight, type Flights } from './xhr-flight';

const HEADERS_RECEIVED = 2;
const LOADING = 3;
const DONE = 4;
const TYPE = 'text/xml; charset=utf-8';

/** What the page did since it opened a request. */
interface Call {
  readonly args: readonly unknown[];
  readonly isAsync: boolean;
  headers: Headers | undefined;
}

/** The call, its address converted once as the native does; undefined: this cannot become a BOSH request. */
function readCall(args: readonly unknown[]): Call | undefined {
  const [method, url] = [args[0], args[1]];
  if (args.length < 2 || typeof method !== 'string' || typeof url === 'symbol') return undefined;
  if (matchIn(/^([Pp][Oo][Ss][Tt])$/, method) === undefined) return undefined;
  const address = `${url}`;
  const given =
    args.length === 2
      ? [method, address]
      : [method, address, args[2], args[3] ?? null, args[4] ?? null];
  return { args: given, isAsync: args.length === 2 || Boolean(args[2]), headers: undefined };
}

/** Nobody can be asked: only what holds no message leaves. */
function withoutAsking(http: HttpNatives, requests: Requests, body: string): string {
  const rest = withoutMessages(body);
  if (rest === undefined) throw http.networkError('The request was blocked.');
  requests.passed(rest);
  return rest;
}

/** What the page reads of an answer. */
function replaceReading(http: HttpNatives, flights: Flights): void {
  const { prototype } = http;
  /** Before `state` the native answers for itself, as one that waits. */
  const readable = (self: unknown, state: number): Flight | undefined => {
    const flight = flights.of(self);
    return flight !== undefined && flight.state >= state && flight.shows !== 'nothing'
      ? flight
      : undefined;
  };
  const replaceFact = (key: string, ofText: unknown) =>
    replaceGetter(prototype, key, (native, self, args) => {
      const flight = readable(self, HEADERS_RECEIVED);
      if (flight?.shows === 'text') return ofText;
      return apply(native, flight?.inner ?? self, args);
    });
  const isText = (type: unknown) => type === '' || type === 'text';
  const replaceContent = (
    key: string,
    isRight: (type: unknown, state: number) => boolean,
    give: (self: object, flight: Flight) => unknown,
  ) =>
    replaceGetter(prototype, key, (native, self, args) => {
      const flight = readable(self, LOADING);
      // Too early, or of the wrong type: the native has nothing, or throws.
      if (flight === undefined || !isObject(self)) return apply(native, self, args);
      if (!isRight(http.responseType(self), flight.state)) return apply(native, self, args);
      return give(self, flight);
    });
  replaceFact('status', 200);
  replaceFact('statusText', 'OK');
  replaceFact('responseURL', '');
  replaceContent('responseText', isText, (_, flight) => flight.text);
  replaceContent(
    'responseXML',
    (type, state) => state === DONE && (type === '' || type === 'document'),
    (_, flight) => flights.document(flight),
  );
  replaceContent(
    'response',
    (type, state) => state === DONE || isText(type),
    (self, flight) => flights.response(self, flight),
  );
  replaceGetter(prototype, 'readyState', (native, self, args) => {
    const state = apply(native, self, args);
    return flights.of(self)?.state ?? state;
  });
  replaceMethod(prototype, 'getResponseHeader', (native, self, args) => {
    const flight = readable(self, HEADERS_RECEIVED);
    if (flight?.shows !== 'text') return apply(native, flight?.inner ?? self, args);
    return matchIn(/^([Cc]ontent-[Tt]ype)$/, `${args[0]}`) === undefined ? null : TYPE;
  });
  replaceMethod(prototype, 'getAllResponseHeaders', (native, self, args) => {
    const flight = readable(self, HEADERS_RECEIVED);
    if (flight?.shows !== 'text') return apply(native, flight?.inner ?? self, args);
    return `content-type: ${TYPE}\r\n`;
  });
}

/** Puts the hook in place. Must run before any script of the page. */
export function installXhr(natives: Natives, http: HttpNatives, requests: Requests): void {
  const { prototype } = http;
  const calls = createTable<Call | undefined>();
  const mimes = createTable<unknown>();
  const flights = createFlights(natives, http, requests);

  replaceMethod(prototype, 'open', (native, self, args) => {
    const call = readCall(args);
    const result = apply(native, self, call?.args ?? args);
    if (isObject(self)) {
      calls.set(self, call);
      flights.forget(self);
    }
    return result;
  });
  replaceMethod(prototype, 'setRequestHeader', (native, self, args) => {
    if (flights.of(self) !== undefined) return http.refuse('setRequestHeader', args);
    const call = calls.get(self);
    if (call === undefined || args.length < 2) return apply(native, self, args);
    const header = [`${args[0]}`, `${args[1]}`];
    apply(native, self, header);
    call.headers = { args: header, before: call.headers };
  });
  replaceMethod(prototype, 'overrideMimeType', (native, self, args) => {
    const result = apply(native, self, args);
    if (isObject(self)) mimes.set(self, args[0]);
    return result;
  });
  replaceMethod(prototype, 'send', (native, self, args) => {
    if (flights.of(self) !== undefined) return http.refuse('send', args);
    const call = calls.get(self);
    const body = args[0];
    if (call === undefined || requests.isOff() || !isBosh(body) || !isObject(self)) {
      return apply(native, self, args);
    }
    if (!call.isAsync) return apply(native, self, [withoutAsking(http, requests, body)]);
    const { args: opened, headers } = call;
    flights.begin(self, { args: opened, headers, mime: mimes.get(self) }, body);
  });
  replaceMethod(prototype, 'abort', (native, self, args) => {
    const flight = flights.of(self);
    if (flight === undefined || !isObject(self)) return apply(native, self, args);
    flights.abort(self, flight);
  });
  replaceReading(http, flights);
}
