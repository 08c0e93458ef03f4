// The BOSH sessions of one document, between the hook, which moves bodies, and the session, which knows frames only.
import type { BridgeMessage, HookMessage, HttpCommand, HttpMessage } from '../../rpc/page-api';
import type { Prefixes } from '../hook/peek';
import { readBody, type Body } from './bosh-body';
import { BoshStream } from './bosh-stream';

/** Numbers of BOSH streams begin here, so that they are no WebSocket's. */
const FIRST_STREAM = 1_000_000;

export interface BoshOptions {
  toHook(command: HttpCommand): void;
  toSession(message: HookMessage): void;
  /** The URL as the document means it. */
  resolve(url: string): string;
}

/** All BOSH of a document. */
export class Bosh {
  readonly #options: BoshOptions;
  readonly #byNumber = new Map<number, BoshStream>();
  /** Every request of a page belongs to a stream, also after the page has its answer. */
  readonly #byRequest = new Map<number, BoshStream>();
  #prefixes: Prefixes | undefined;
  #count = 0;
  #isOpen = false;

  constructor(options: BoshOptions) {
    this.#options = options;
  }

  /** A message of the hook about its requests. */
  handle(message: HttpMessage): void {
    if (message.t === 'request') this.#request(message.r, message.url, message.body);
    else if (message.t === 'passed') this.#passed(message.body);
    else if (message.t === 'aborted') this.#byRequest.get(message.r)?.aborted(message.r);
    else this.#byRequest.get(message.r)?.response(message.r, message.status, message.body);
  }

  /** A message of the session; true: it was for a stream of ours. */
  tell(message: BridgeMessage): boolean {
    if (message.t === 'ids') this.#prefixes = { prefix: message.prefix, next: this.#prefixes };
    if (message.t === 'off') this.#open();
    if (message.t === 'ids' || message.t === 'off') return false;
    this.#byNumber.get(message.s)?.tell(message);
    return message.s >= FIRST_STREAM;
  }

  #open(): void {
    this.#isOpen = true;
    for (const stream of this.#byNumber.values()) stream.open();
  }

  #request(r: number, url: string, text: string): void {
    const body = readBody(text);
    // The hook took it for a body of BOSH and we cannot say what is in it: it fails.
    if (body === undefined) return this.#options.toHook({ t: 'answer', r, body: null });
    const stream = this.#streamOf(body, text) ?? this.#start(url, body.attributes.get('sid'));
    this.#byRequest.set(r, stream);
    stream.request(r, text, body);
  }

  #passed(text: string): void {
    const body = readBody(text);
    if (body !== undefined) this.#streamOf(body, text)?.passed(body);
  }

  #streamOf({ attributes }: Body, text: string): BoshStream | undefined {
    const sid = attributes.get('sid');
    return [...this.#byNumber.values()].find((stream) =>
      sid === undefined ? stream.isRepeated(text) : stream.sid === sid,
    );
  }

  #start(url: string, sid: string | undefined): BoshStream {
    const s = FIRST_STREAM + this.#count++;
    const { toHook, toSession } = this.#options;
    const stream = new BoshStream(
      {
        s,
        toHook,
        toSession,
        prefixes: () => this.#prefixes,
        named: (id) => toSession({ t: 'session', s, sid: id }),
        ended: () => this.#end(s, stream),
      },
      sid,
    );
    this.#byNumber.set(s, stream);
    toSession({
      t: 'opened',
      s,
      url: this.#options.resolve(url),
      ...(sid !== undefined && { sid }),
    });
    if (this.#isOpen) stream.open();
    return stream;
  }

  #end(s: number, stream: BoshStream): void {
    this.#byNumber.delete(s);
    for (const [r, owner] of this.#byRequest) if (owner === stream) this.#byRequest.delete(r);
  }
}
