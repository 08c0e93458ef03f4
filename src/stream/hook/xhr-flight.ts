// What becomes of one BOSH request of an XMLHttpRequest: the page's own is never sent. Another goes in its place with the body
// the bridge says, and the page's own is made to show what the bridge answers (interception I-22).
import { createTable, type Natives } from './natives';
import type { HttpNatives, Opened, Progress } from './natives-http';
import type { Requests } from './requests';
import { utf8Length } from './utf8';

const OPENED = 1;
const HEADERS_RECEIVED = 2;
const LOADING = 3;
const DONE = 4;
const NO_PROGRESS: Progress = { lengthComputable: false, loaded: 0, total: 0 };
const TYPE = 'text/xml; charset=utf-8';

/** From `send()` until the page opens the request anew. */
export interface Flight {
  r: number;
  /** `readyState` as the page sees it. */
  state: number;
  /** On the network in its place, the newest. */
  inner: object | undefined;
  hasReply: boolean;
  isTimedOut: boolean;
  /** What the page reads: nothing, what the network gave to `inner`, or a text of the bridge. */
  shows: 'nothing' | 'inner' | 'text';
  text: string;
  progress: Progress;
  /** Of what the network gave. */
  reply: Progress;
  document: unknown;
}

export interface Flights {
  of(xhr: unknown): Flight | undefined;
  begin(xhr: object, opened: Opened, body: string): void;
  abort(xhr: object, flight: Flight): void;
  /** The page opened it anew. */
  forget(xhr: object): void;
  document(flight: Flight): unknown;
  response(xhr: object, flight: Flight): unknown;
}

export function createFlights(natives: Natives, http: HttpNatives, requests: Requests): Flights {
  const flights = createTable<Flight | undefined>();

  /** Says the page's events one after the other; stops where it opens the request anew in one of them. */
  const events = (xhr: object, flight: Flight) => {
    const isCurrent = () => flights.get(xhr) === flight;
    return {
      isCurrent,
      to: (state: number) => {
        if (!isCurrent()) return;
        flight.state = state;
        natives.dispatch(xhr, natives.event('readystatechange'));
      },
      fire: (type: string) => {
        if (isCurrent()) natives.dispatch(xhr, http.progress(type, flight.progress));
      },
    };
  };

  const finish = (xhr: object, flight: Flight) => {
    const isGood = flight.shows !== 'nothing';
    const { isCurrent, to, fire } = events(xhr, flight);
    if (isGood) {
      to(HEADERS_RECEIVED);
      to(LOADING);
      fire('progress');
    }
    to(DONE);
    if (!isCurrent()) return;
    fire(isGood ? 'load' : flight.isTimedOut ? 'timeout' : 'error');
    // Comes also where the page opened the request anew in that event.
    if (isCurrent()) fire('loadend');
    else natives.dispatch(xhr, http.progress('loadend', NO_PROGRESS));
  };

  const send = (xhr: object, opened: Opened, flight: Flight, body: string) => {
    const inner = http.open(xhr, opened);
    flight.inner = inner;
    flight.hasReply = false;
    flight.isTimedOut = false;
    natives.listen(inner, 'timeout', () => {
      flight.isTimedOut = true;
    });
    natives.listen(inner, 'loadend', (event) => {
      if (flight.inner !== inner) return;
      const status = http.status(inner);
      flight.hasReply = status !== 0;
      flight.reply = http.progressOf(event);
      requests.answered(flight.r, status, flight.hasReply ? http.text(inner) : '');
    });
    http.send(inner, body);
  };

  const answer = (xhr: object, flight: Flight, text: string | null) => {
    if (flight.state !== OPENED) return;
    if (text !== null) {
      const loaded = utf8Length(text);
      flight.shows = 'text';
      flight.text = text;
      flight.progress = { lengthComputable: true, loaded, total: loaded };
    } else if (flight.hasReply && flight.inner !== undefined) {
      flight.shows = 'inner';
      flight.text = http.text(flight.inner);
      flight.progress = flight.reply;
    }
    finish(xhr, flight);
  };

  const documentOf = (flight: Flight): unknown => {
    if (flight.shows === 'inner' && flight.inner !== undefined) return http.document(flight.inner);
    flight.document ??= http.parse(flight.text);
    return flight.document;
  };

  return {
    of: (xhr) => flights.get(xhr),
    begin: (xhr, opened, body) => {
      const flight: Flight = {
        r: 0,
        state: OPENED,
        inner: undefined,
        hasReply: false,
        isTimedOut: false,
        shows: 'nothing',
        text: '',
        progress: NO_PROGRESS,
        reply: NO_PROGRESS,
        document: undefined,
      };
      flights.set(xhr, flight);
      flight.r = requests.ask(`${opened.args[1]}`, body, {
        send: (text) => send(xhr, opened, flight, text),
        answer: (text) => answer(xhr, flight, text),
      });
      natives.dispatch(xhr, http.progress('loadstart', NO_PROGRESS));
    },
    // XMLHttpRequest §4.5.8
    abort: (xhr, flight) => {
      const { isCurrent, to, fire } = events(xhr, flight);
      const isUnderWay = flight.state !== 0 && flight.state < DONE;
      flight.shows = 'nothing';
      flight.progress = NO_PROGRESS;
      if (isUnderWay) {
        requests.aborted(flight.r);
        to(DONE);
        fire('abort');
        fire('loadend');
      }
      if (isCurrent()) flight.state = 0;
    },
    forget: (xhr) => {
      const flight = flights.get(xhr);
      if (flight === undefined) return;
      flights.set(xhr, undefined);
      if (flight.state === OPENED) requests.aborted(flight.r);
      // The native was never anything else than opened and says nothing.
      else natives.dispatch(xhr, natives.event('readystatechange'));
    },
    document: documentOf,
    response: (xhr, flight) => {
      const type = http.responseType(xhr);
      if (type === 'document') return documentOf(flight);
      if (type === 'blob') return http.blob(flight.text, TYPE);
      if (type === 'arraybuffer') return http.buffer(flight.text);
      return type === 'json' ? null : flight.text;
    },
  };
}
