// BOSH in small: a page like strophe's, a server like Prosody's mod_bosh and a session that takes its time, around the real
// adapter. Every step is one choice of the test, so that any order of events can be played.
import { expect } from 'vitest';
import type { Direction, HookMessage, HttpCommand } from '../../../src/rpc/page-api';
import { Bosh } from '../../../src/stream/bridge/bosh';
import { readBody } from '../../../src/stream/bridge/bosh-body';

const NS = "xmlns='http://jabber.org/protocol/httpbind'";
const FIRST_RID = 1000;
/** What XEP-0124 calls requests and hold. */
const REQUESTS = 2;
const HOLD = 1;

interface PageRequest {
  readonly rid: number;
  readonly text: string;
  r: number;
  state: 'open' | 'failed';
}

interface Connection {
  readonly r: number;
  readonly rid: number;
}

export class World {
  readonly bosh: Bosh;
  readonly #frames: (HookMessage & { t: 'frame' })[] = [];
  /** Connections the server has and has not answered. */
  #held: Connection[] = [];
  /** What is on its way back, by connection. */
  readonly #replies: { r: number; rid: number; status: number; text: string }[] = [];
  #r = 0;
  #rid = FIRST_RID;
  #serverRid = FIRST_RID - 1;
  #pageOpen: PageRequest[] = [];
  #buffer: string[] = [];
  readonly #cache = new Map<number, string>();
  /** What the network gave, by attempt. */
  readonly #network = new Map<number, string>();
  readonly #sentByRid = new Map<number, string>();
  /** Requests of the page a body was sent for and that the adapter waits for. */
  readonly #atServer = new Set<number>();
  #serial = 0;
  #stream: number | undefined;
  readonly pageWrote: string[] = [];
  readonly serverGot: string[] = [];
  readonly serverWrote: string[] = [];
  readonly pageGot: string[] = [];
  readonly injected: string[] = [];
  readonly notices: string[] = [];
  swallowed = 0;
  readonly states: string[] = [];

  constructor() {
    this.bosh = new Bosh({
      toHook: (command) => this.#command(command),
      toSession: (message) => this.#hear(message),
      resolve: (url) => url,
    });
    this.bosh.tell({ t: 'ids', prefix: 'ours' });
    this.#ask('', "to='example.org' hold='1' wait='60'");
    this.settle();
  }

  // ── the page ──

  #ask(inner: string, attributes = "sid='s'"): void {
    const rid = this.#rid++;
    const text = `<body rid='${rid}' ${attributes} ${NS}>${inner}</body>`;
    const request: PageRequest = { rid, text, r: ++this.#r, state: 'open' };
    this.#pageOpen.push(request);
    this.bosh.handle({ t: 'request', r: request.r, url: 'https://example.org/bind', body: text });
  }

  /** The page sends stanzas: `!` are held by the session. Strophe has at most two requests open. */
  pageSends(kinds: readonly ('message' | 'iq')[]): boolean {
    if (this.#pageOpen.length >= REQUESTS) return false;
    const stanzas = kinds.map((kind) => this.#stanza(kind, 'page'));
    this.pageWrote.push(...stanzas);
    this.#ask(stanzas.join(''));
    return true;
  }

  /** Strophe polls when nothing is open. */
  pagePolls(): boolean {
    if (this.#pageOpen.length > 0) return false;
    this.#ask('');
    return true;
  }

  /** Sends again what failed, with the same number. */
  pageRepeats(): boolean {
    const failed = this.#pageOpen.find(({ state }) => state === 'failed');
    if (failed === undefined) return false;
    this.#sendAgain(failed);
    return true;
  }

  /** Loses patience with its oldest request. */
  pageRestarts(): boolean {
    const [first] = this.#pageOpen;
    if (first === undefined || first.state !== 'open') return false;
    this.bosh.handle({ t: 'aborted', r: first.r });
    this.#sendAgain(first);
    return true;
  }

  #sendAgain(request: PageRequest): void {
    request.r = ++this.#r;
    request.state = 'open';
    const { r, text } = request;
    this.bosh.handle({ t: 'request', r, url: 'https://example.org/bind', body: text });
  }

  #stanza(kind: 'message' | 'iq', from: string): string {
    const id = `${from}${++this.#serial}`;
    return kind === 'message'
      ? `<message xmlns='jabber:client' id='${id}'><body>clear</body></message>`
      : `<iq xmlns='jabber:client' id='${id}' type='get'/>`;
  }

  // ── the network and the server ──

  #command(command: HttpCommand): void {
    if (command.t === 'answer') return this.#answer(command.r, command.body);
    const { r, body } = command;
    const rid = Number(readBody(body)?.attributes.get('rid'));
    const before = this.#sentByRid.get(rid);
    if (before !== undefined) expect(body, 'a repeated request has the same bytes').toBe(before);
    else if (this.#sentByRid.size > 0) {
      expect(rid, 'requests leave in order').toBe(Math.max(...this.#sentByRid.keys()) + 1);
    }
    this.#sentByRid.set(rid, body);
    this.#atServer.add(rid);
    expect(this.#atServer.size, 'requests open at once').toBeLessThanOrEqual(REQUESTS);
    this.#arrive({ r, rid }, body);
  }

  #arrive(connection: Connection, text: string): void {
    const { r, rid } = connection;
    const cached = this.#cache.get(rid);
    if (cached !== undefined) {
      this.#replies.push({ r, rid, status: 200, text: cached });
      return;
    }
    this.#held = this.#held.filter((each) => each.rid !== rid);
    this.#held.push(connection);
    if (rid > this.#serverRid) {
      this.#serverRid = rid;
      const frames = readBody(text)?.frames ?? [];
      this.serverGot.push(...frames);
      for (const frame of frames) this.#replyTo(frame);
    }
    this.#held.sort((left, right) => left.rid - right.rid);
    if (rid === FIRST_RID) {
      this.#reply(`<body ${NS} sid='s' requests='${REQUESTS}' hold='${HOLD}' inactivity='60'>`);
    } else if (this.#buffer.length > 0 || this.#held.length > HOLD) this.#reply();
  }

  /** Answers to the session's questions are not for the page. */
  #replyTo(frame: string): void {
    const id = /id='(ours\d+)'/.exec(frame)?.[1];
    if (id === undefined) return;
    this.#buffer.push(`<iq xmlns='jabber:client' id='${id}' type='result'/>`);
  }

  #reply(head = `<body ${NS} sid='s'>`): void {
    const oldest = this.#held.shift();
    if (oldest === undefined) return;
    const text = `${head}${this.#buffer.splice(0).join('')}</body>`;
    this.#cache.set(oldest.rid, text);
    this.#replies.push({ ...oldest, status: 200, text });
  }

  /** The server has something to say. */
  serverSends(kind: 'message' | 'iq'): boolean {
    const stanza = this.#stanza(kind, 'server');
    this.serverWrote.push(stanza);
    this.#buffer.push(stanza);
    if (this.#held.length > 0) this.#reply();
    return true;
  }

  /** One reply arrives, not always the oldest. */
  replyArrives(choice: number): boolean {
    const [reply] = this.#replies.splice(choice % Math.max(1, this.#replies.length), 1);
    if (reply === undefined) return false;
    const { r, rid, status, text } = reply;
    this.#atServer.delete(rid);
    this.#network.set(r, text);
    this.bosh.handle({ t: 'response', r, status, body: text });
    return true;
  }

  /** A reply is lost, or a connection before the server answered on it. */
  connectionBreaks(choice: number): boolean {
    const [reply] = this.#replies.splice(choice % Math.max(1, this.#replies.length), 1);
    const broken = reply ?? this.#held.shift();
    if (broken === undefined || broken.rid === FIRST_RID) return false;
    this.#atServer.delete(broken.rid);
    this.bosh.handle({ t: 'response', r: broken.r, status: 0, body: '' });
    return true;
  }

  #answer(r: number, body: string | null): void {
    const index = this.#pageOpen.findIndex((request) => request.r === r);
    const request = this.#pageOpen[index];
    // The page gave this attempt up.
    if (request === undefined) return;
    const text = body ?? this.#network.get(r);
    if (text === undefined) {
      request.state = 'failed';
      return;
    }
    this.#pageOpen.splice(index, 1);
    const read = readBody(text);
    if (request.rid === FIRST_RID) expect(read?.attributes.get('requests')).toBe('2');
    this.pageGot.push(...(read?.frames ?? []));
  }

  // ── the session ──

  #hear(message: HookMessage): void {
    if (message.t === 'frame') this.#frames.push(message);
    else this.states.push(message.t);
    if (message.t === 'opened') this.#stream = message.s;
  }

  /** The session is done with the frame that waits. */
  releases(dir: Direction): boolean {
    const index = this.#frames.findIndex((frame) => frame.dir === dir);
    const [frame] = index < 0 ? [] : this.#frames.splice(index, 1);
    if (frame === undefined) return false;
    const text = dir === 'out' ? encrypt(frame.text) : decrypt(frame.text);
    const isOurs = text.includes("'ours");
    if (isOurs) this.swallowed += 1;
    this.bosh.tell({ t: 'release', s: frame.s, dir, frames: isOurs ? [] : [text] });
    return true;
  }

  /** The session asks something itself. */
  injects(): boolean {
    if (this.#stream === undefined) return false;
    const text = this.#stanza('iq', 'ours');
    this.injected.push(text);
    this.bosh.tell({ t: 'inject', s: this.#stream, dir: 'out', id: text, text });
    return true;
  }

  /** The session says something to the page. */
  notifies(): boolean {
    if (this.#stream === undefined) return false;
    const text = this.#stanza('message', 'notice');
    this.notices.push(text);
    this.bosh.tell({ t: 'inject', s: this.#stream, dir: 'in', id: text, text });
    return true;
  }

  // ── all of it ──

  /** Goes on until nothing is left to do but to wait for each other, then through some turns of the server's patience. */
  settle(): void {
    for (let turn = 0; turn < 5; turn++) {
      let rounds = 0;
      while (this.#goOn()) if (++rounds > 500) throw new Error('it never comes to rest');
      this.#reply();
    }
    while (this.#goOn());
  }

  #goOn(): boolean {
    return (
      this.releases('out') ||
      this.releases('in') ||
      this.replyArrives(0) ||
      this.pageRepeats() ||
      this.pagePolls()
    );
  }
}

export const encrypt = (text: string): string => text.replace('clear', 'secret');
export const decrypt = (text: string): string => text.replace('clear', 'opened');
