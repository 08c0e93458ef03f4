// One BOSH session (XEP-0124) as a stream of frames: takes the page's bodies apart into two lanes and uses its requests as
// carriers for what comes out of them (interception I-15 to I-21). No request is invented: frames of ours ride in the page's
// next body, and a request the server holds is answered early by an empty body, so that the page makes that next one.
import type { BridgeMessage, HookMessage, HttpCommand } from '../../rpc/page-api';
import { createLane, type Lane } from '../hook/lane';
import { isInteresting, rootName, type Prefixes } from '../hook/peek';
import { HTTPBIND, readBody, writeBody, type Body } from './bosh-body';
import { isEnd, isExtra, isSame, type Exchange, type Reply, type Stage } from './bosh-exchange';

/** XEP-0124 §11: requests a client may have open where the server did not say. */
const DEFAULT_REQUESTS = 2;
/** XEP-0124 §7.1: longest silence of a client in seconds, where the server did not say. */
const DEFAULT_INACTIVITY = 60;
/** The server may know of the end later than we think. */
const INACTIVITY_SLACK = 30;
/** XEP-0124 §14.3 asks for as many as may be open; pages retry more than that. */
const KEPT = 8;
/** How often a reply is fetched at once that the page no longer waits for. */
const MAX_TRIES = 3;

export interface BoshParts {
  readonly s: number;
  prefixes(): Prefixes | undefined;
  toHook(command: HttpCommand): void;
  toSession(message: HookMessage): void;
  /** The server gave the session an id. */
  named(sid: string): void;
  ended(): void;
}

/** From its first request to its end. */
export class BoshStream {
  readonly #parts: BoshParts;
  readonly #out: Lane;
  readonly #in: Lane;
  readonly #exchanges: Exchange[] = [];
  /** Ready to go to the server, with the next body; `of`: what the page sent, where it was changed. */
  #outgoing: { readonly frame: string; readonly of: string | undefined }[] = [];
  /** The page's frame the session looks at, and the one it has just released. */
  #shown: string | undefined;
  #released: string | undefined;
  /** Something in `#outgoing` must not wait for the stanzas of a held request. */
  #isUrgent = false;
  /** Ready to go to the page, with the next answer. */
  #incoming: string[] = [];
  /** The server ended the session in a reply to a request that was answered already. */
  #ending: Body | undefined;
  #requests = DEFAULT_REQUESTS;
  /** The server said so; else the page knows better than we do. */
  #isLimitTold = false;
  #inactivity = DEFAULT_INACTIVITY;
  #sid: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Page or server ended the session: what is open is still answered. */
  #isOver = false;
  #isEnded = false;

  constructor(parts: BoshParts, sid: string | undefined) {
    this.#parts = parts;
    this.#sid = sid;
    const { s } = parts;
    const lane = (dir: 'out' | 'in', emit: (text: string) => void): Lane =>
      createLane({
        dir,
        isInteresting: (text) => isInteresting(dir, text, parts.prefixes()),
        post: (text, at) => {
          if (dir === 'out') this.#shown = text;
          parts.toSession({ t: 'frame', s, dir, text, at });
        },
        isGone: () => false,
        emit,
      });
    this.#out = lane('out', (text) => this.#leave(text, this.#released));
    this.#in = lane('in', (text) => void this.#incoming.push(text));
  }

  get sid(): string | undefined {
    return this.#sid;
  }

  // ── of the page ──

  /** The page sends a body, for the first time or again. */
  request(r: number, text: string, body: Body): void {
    const rid = Number(body.attributes.get('rid'));
    const known = this.#exchanges.find((exchange) => exchange.rid === rid);
    if (known === undefined) this.#begin(r, rid, text, body);
    else this.#repeat(known, r);
    for (const exchange of this.#exchanges) {
      if (exchange.stage === 'failed' && exchange.answer !== undefined) exchange.isDue = true;
    }
    this.#flush();
  }

  /** Has the page sent this before. */
  isRepeated(text: string): boolean {
    return this.#exchanges.some((exchange) => exchange.text === text);
  }

  /** The page does not wait any more; it may ask again. */
  aborted(r: number): void {
    const exchange = this.#exchanges.find((each) => each.r === r);
    if (exchange !== undefined) exchange.isAwaited = false;
    this.#flush();
  }

  /** The page sent this without us. */
  passed(body: Body): void {
    if (isEnd(body)) this.#isOver = true;
    this.#flush();
  }

  #begin(r: number, rid: number, text: string, body: Body): void {
    const state = { stage: 'held', isComplete: false, isAwaited: true, isDue: false } as const;
    const exchange: Exchange = { rid, text, body, r, ...state, tries: 0 };
    this.#exchanges.push(exchange);
    const open = this.#exchanges.filter(({ isAwaited }) => isAwaited).length;
    if (!this.#isLimitTold && !isExtra(body)) this.#requests = Math.max(this.#requests, open);
    this.#push(
      this.#out,
      body,
      (frame) => this.#leave(frame),
      () => {
        exchange.isComplete = true;
        this.#flush();
      },
    );
  }

  #repeat(exchange: Exchange, r: number): void {
    exchange.r = r;
    if (exchange.answer !== undefined) {
      this.#parts.toHook({ t: 'answer', r, body: exchange.answer });
      return;
    }
    exchange.isAwaited = true;
    // The server has one copy and counts the other as the same.
    if (exchange.stage === 'sent') this.#sendAgain(exchange);
    if (exchange.stage === 'failed') exchange.isDue = true;
  }

  /** Frames of a body into a lane; `end` when they all went their way. */
  #push(lane: Lane, body: Body, pass: (frame: string) => void, end: () => void): void {
    for (const frame of body.frames) {
      const forward = (): void => pass(frame);
      if (lane.tryPass(frame)) forward();
      else lane.hold({ text: frame, bytes: 0, forward });
    }
    if (lane.tryPass(undefined)) end();
    else lane.hold({ text: undefined, bytes: 0, forward: end });
  }

  // ── to the server ──

  #leave(frame: string, of?: string): void {
    this.#outgoing.push({ frame, of });
    const current = this.#exchanges.find(({ isComplete }) => !isComplete);
    // Its own request has gone ahead already.
    if (current?.stage !== 'held') this.#isUrgent = true;
  }

  #count(stage: Stage): number {
    return this.#exchanges.filter((exchange) => exchange.stage === stage).length;
  }

  #sendNext(): boolean {
    const next = this.#exchanges.find(({ stage }) => stage === 'held');
    if (next === undefined) return false;
    // Without a request to answer on, the server cannot say what the held stanzas may be waiting for.
    const isNeeded = this.#isUrgent || this.#count('sent') === 0;
    const mayBeEarly = isNeeded && !isExtra(next.body);
    if (!next.isComplete && !mayBeEarly) return false;
    if (this.#count('sent') >= this.#requests && !isExtra(next.body)) return false;
    const frames = this.#outgoing.splice(0).map(({ frame }) => frame);
    this.#isUrgent = false;
    const isUntouched = next.isComplete && isSame(frames, next.body.frames);
    next.sent = isUntouched ? next.text : writeBody(next.body, frames);
    this.#send(next);
    return true;
  }

  #send(exchange: Exchange): void {
    exchange.stage = 'sent';
    this.#parts.toHook({ t: 'send', r: exchange.r, body: exchange.sent ?? exchange.text });
  }

  #sendAgain(exchange: Exchange): void {
    exchange.tries += 1;
    exchange.isDue = false;
    this.#send(exchange);
  }

  #sendDue(): void {
    for (const exchange of this.#exchanges) {
      if (exchange.isDue && this.#count('sent') < this.#requests) this.#sendAgain(exchange);
    }
  }

  /** What can go, goes. */
  #flush(): void {
    if (this.#isEnded) return;
    this.#sendDue();
    while (this.#sendNext());
    if (this.#outgoing.length > 0 && !this.#isOver) this.#askForCarrier();
    if (!this.#isOver) this.#deliverRest();
    this.#watch();
  }

  /** Makes the page send its next request. The server may have it open beside those it has. */
  #askForCarrier(): void {
    if (this.#count('held') > 0 || this.#count('sent') >= this.#requests) return;
    const awaited = this.#exchanges.filter(({ isAwaited }) => isAwaited);
    // One whose reply is here already is answered any moment.
    if (awaited.some(({ stage, body }) => stage !== 'sent' || isExtra(body))) return;
    for (const exchange of awaited) this.#answerEarly(exchange, []);
  }

  // ── of the server ──

  /** The network answered attempt `r`. */
  response(r: number, status: number, text: string): void {
    const exchange = this.#exchanges.find((each) => each.r === r);
    if (exchange === undefined || exchange.stage !== 'sent') return;
    const body = status === 200 ? readBody(text) : undefined;
    // A repeated request whose first copy arrived is unknown to some servers; the session goes on.
    const isOurs = exchange.answer !== undefined && exchange.tries > 0;
    if (body === undefined) this.#fail(exchange, status);
    else if (isOurs && isEnd(body)) exchange.stage = 'done';
    else {
      exchange.stage = 'replied';
      exchange.reply = { r, text, body, isTaken: false };
    }
    this.#takeReplies();
    this.#flush();
  }

  #fail(exchange: Exchange, status: number): void {
    exchange.stage = 'failed';
    if (exchange.isAwaited) {
      exchange.isAwaited = false;
      this.#parts.toHook({ t: 'answer', r: exchange.r, body: null });
      return;
    }
    // The page has an answer of ours and does not ask again: what the server said is fetched for it.
    const isOurs = exchange.answer !== undefined && (status === 0 || status >= 500);
    exchange.isDue = isOurs && exchange.tries < MAX_TRIES;
  }

  /** In the order of the requests, whatever the network did; a server that ended the session may answer no other. */
  #takeReplies(): void {
    const isEnding = this.#exchanges.some(({ reply }) => reply !== undefined && isEnd(reply.body));
    for (const exchange of this.#exchanges.slice()) {
      const { stage, reply } = exchange;
      if (!isEnding && (stage === 'held' || stage === 'sent')) return;
      if (reply !== undefined && !reply.isTaken) this.#take(exchange, reply);
    }
  }

  #take(exchange: Exchange, reply: Reply): void {
    reply.isTaken = true;
    const { attributes } = reply.body;
    this.#learn(attributes);
    const pass = (frame: string): void => void this.#incoming.push(frame);
    this.#push(this.#in, reply.body, pass, () => this.#deliver(exchange, reply));
  }

  #learn(attributes: ReadonlyMap<string, string>): void {
    const number = (name: string): number => Number(attributes.get(name));
    if (number('requests') > 0) {
      this.#requests = number('requests');
      this.#isLimitTold = true;
    }
    if (number('inactivity') > 0) this.#inactivity = number('inactivity');
    const sid = attributes.get('sid');
    if (this.#sid !== undefined || sid === undefined) return;
    this.#sid = sid;
    this.#parts.named(sid);
  }

  // ── to the page ──

  #deliver(exchange: Exchange, { r, text, body }: Reply): void {
    exchange.stage = 'done';
    if (exchange.isAwaited) {
      const frames = this.#incoming.splice(0);
      const isUntouched = isSame(frames, body.frames);
      const answer = isUntouched ? text : writeBody(body, frames);
      this.#answer(exchange, answer, isUntouched && r === exchange.r);
    } else {
      // Given up by the page and perhaps asked for again: what came goes with whatever it asks for next.
      if (isEnd(body) || !exchange.body.attributes.has('sid'))
        exchange.answer ??= writeBody(body, this.#incoming.splice(0));
      exchange.answer ??= this.#emptyBody();
      if (isEnd(body)) this.#ending = body;
    }
    if (isEnd(exchange.body) || (isEnd(body) && this.#ending === undefined)) this.#isOver = true;
    this.#flush();
  }

  #answer(exchange: Exchange, answer: string, isUntouched: boolean): void {
    exchange.isAwaited = false;
    exchange.answer = answer;
    this.#parts.toHook({ t: 'answer', r: exchange.r, body: isUntouched ? null : answer });
    this.#forgetOld();
  }

  /** Before the server replied: that reply will be delivered with a later one. */
  #answerEarly(exchange: Exchange, frames: readonly string[]): void {
    const body = this.#ending ?? readBody(this.#emptyBody());
    if (body !== undefined) this.#answer(exchange, writeBody(body, frames), false);
  }

  #emptyBody(): string {
    const sid = this.#sid === undefined ? '' : ` sid='${this.#sid.replaceAll("'", '&apos;')}'`;
    return `<body xmlns='${HTTPBIND}'${sid}/>`;
  }

  /** What came for requests the page no longer waits for, and what we have to say ourselves. */
  #deliverRest(): void {
    if (this.#incoming.length === 0 && this.#ending === undefined) return;
    const next = this.#exchanges.find(({ isAwaited }) => isAwaited);
    // One whose reply is here takes it along.
    if (next === undefined || next.stage === 'replied') return;
    const isLast = this.#ending !== undefined;
    if (!isLast && (this.#count('sent') >= this.#requests || isExtra(next.body))) return;
    this.#answerEarly(next, this.#incoming.splice(0));
    if (isLast) this.#isOver = true;
  }

  #forgetOld(): void {
    const isOld = ({ stage, isAwaited, isComplete }: Exchange): boolean =>
      stage === 'done' && !isAwaited && isComplete;
    const excess = this.#exchanges.length - KEPT;
    for (let index = 0; index < excess; index++) {
      const [first] = this.#exchanges;
      if (first === undefined || !isOld(first)) return;
      this.#exchanges.shift();
    }
  }

  // ── of the session ──

  /** What the session says about this stream. */
  tell(message: BridgeMessage & { readonly t: 'release' | 'inject' }): void {
    const { s, dir } = message;
    const lane = dir === 'out' ? this.#out : this.#in;
    // Ends a WebSocket that the page would resume without us. Here it keeps no counts, and no server takes this in a body.
    if (message.t === 'inject' && rootName(message.text) === 'close') return;
    if (message.t === 'release') {
      this.#released = dir === 'out' ? this.#shown : undefined;
      lane.release(message.frames);
      this.#released = undefined;
    } else {
      const { id, text } = message;
      if (dir === 'out') this.#isUrgent = true;
      lane.inject(text, (at) => this.#parts.toSession({ t: 'injected', s, dir, id, at }));
    }
    this.#flush();
  }

  /** The document is not protected: all that waits goes on unchanged. */
  open(): void {
    this.#out.open();
    this.#in.open();
    this.#flush();
  }

  // ── its end ──

  /** A page that gave up says nothing. */
  #watch(): void {
    clearTimeout(this.#timer);
    const isBusy = this.#exchanges.some(
      ({ stage, isAwaited }) => (stage !== 'done' && stage !== 'failed') || isAwaited,
    );
    if (isBusy) return;
    if (this.#isOver) return this.#end();
    const limit = (this.#inactivity + INACTIVITY_SLACK) * 1000;
    this.#timer = setTimeout(() => this.#end(), limit);
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearTimeout(this.#timer);
    const { s, toSession } = this.#parts;
    const unsent = (text: string): void => toSession({ t: 'unsent', s, text });
    for (const { of } of this.#outgoing) if (of !== undefined) unsent(of);
    this.#out.drop(unsent);
    this.#in.drop(() => undefined);
    toSession({ t: 'closed', s });
    this.#parts.ended();
  }
}
