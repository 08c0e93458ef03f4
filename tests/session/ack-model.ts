// A page, the hook, our session and a server that count stanzas as XEP-0198 says, with every check a real peer would make.
import { expect } from 'vitest';
import type { Position } from '../../src/rpc/page-api';
import type { SmEvent, SmRecord } from '../../src/rpc/vault-api';
import {
  ackFromPage,
  ackFromServer,
  recordOf,
  smEnable,
  smEnabled,
  smNote,
  smResume,
  smResumed,
  smStart,
  type SmState,
} from '../../src/session/ack';

const MODULUS = 2 ** 32;

interface Stanza {
  readonly id: number;
  /** Of the page: refused by us. Of the server: swallowed by us. */
  readonly isTaken: boolean;
}

type Frame =
  | { readonly kind: 'page' | 'server'; readonly stanza: Stanza }
  | { readonly kind: 'ours' }
  | { readonly kind: 'a'; readonly h: number; readonly got: ReadonlySet<number> };

/** Where the counters of a session stand when the model begins. */
export interface Start {
  readonly out: Position;
  readonly in: Position;
}

export class Model {
  #sm: SmState = smStart();
  #stored: SmRecord | undefined;
  #raw = { out: { page: 0, wire: 0 }, in: { page: 0, wire: 0 } };
  #toServer: Frame[] = [];
  #toPage: Frame[] = [];
  #nextId = 1;
  readonly #sent: Stanza[] = [];
  readonly #offered: Stanza[] = [];
  readonly #swallowed = new Set<number>();
  readonly #page: { queue: Stanza[]; acked: number; count: number; told: number; got: number[] };
  readonly #server: { got: number[]; count: number; queue: Stanza[]; sent: number; acked: number };

  constructor(start: Start | undefined) {
    const { out, in: into } = start ?? { out: { page: 0, wire: 0 }, in: { page: 0, wire: 0 } };
    this.#page = { queue: [], acked: out.page, count: into.page, told: into.page, got: [] };
    this.#server = { got: [], count: out.wire, queue: [], sent: into.wire, acked: into.wire };
    if (start === undefined) this.#enable();
    else {
      this.#stored = {
        jid: 'me@example.org/a',
        out: [{ kind: 'o', page: out.page, wire: out.wire - 1 }],
        in: [{ kind: 's', page: into.page, wire: into.wire - 1 }],
      };
      this.reconnect(0, 0);
    }
  }

  #enable(): void {
    this.#countBoth('out', 2);
    this.#note('o');
    this.#sm = smEnable(this.#sm, { ...this.#raw.out });
    this.#countBoth('in', 3);
    this.#note('s');
    this.#sm = smEnabled(this.#sm, { ...this.#raw.in }, 'id', 'me@example.org/a');
    this.#store();
  }

  #countBoth(dir: 'out' | 'in', by: number): void {
    this.#raw[dir].page += by;
    this.#raw[dir].wire += by;
  }

  #store(): void {
    const record = recordOf(this.#sm);
    if (record !== undefined) this.#stored = JSON.parse(JSON.stringify(record));
  }

  /** An event at the hook; `at` only when the frame was held for a while. */
  #note(kind: SmEvent['kind'], at?: Position): void {
    const raw = this.#raw[kind === 'o' || kind === 'd' ? 'out' : 'in'];
    this.#sm = smNote(this.#sm, kind, at ?? { ...raw });
    this.#store();
    raw[kind === 'o' || kind === 's' ? 'wire' : 'page'] += 1;
  }

  injectToServer(): void {
    this.#note('o');
    this.#toServer.push({ kind: 'ours' });
  }

  injectToPage(): void {
    this.#note('y');
    this.#page.count += 1;
  }

  /** `held`: so many injections of ours overtake the stanza. */
  send(isTaken: boolean, held: number): void {
    const stanza = { id: this.#nextId++, isTaken };
    this.#sent.push(stanza);
    this.#write(stanza, held);
  }

  #write(stanza: Stanza, held: number): void {
    this.#page.queue.push(stanza);
    const at = { ...this.#raw.out };
    for (let i = 0; i < held; i += 1) this.injectToServer();
    if (stanza.isTaken) {
      this.#note('d', at);
      this.injectToPage();
      return;
    }
    this.#countBoth('out', 1);
    this.#toServer.push({ kind: 'page', stanza });
  }

  offer(isTaken: boolean): void {
    const stanza = { id: this.#nextId++, isTaken };
    this.#offered.push(stanza);
    this.#server.queue.push(stanza);
    this.#server.sent += 1;
    this.#toPage.push({ kind: 'server', stanza });
  }

  pageAcks(): void {
    const { state, h } = ackFromPage(this.#sm, this.#page.count % MODULUS);
    this.#sm = state;
    this.#page.told = this.#page.count;
    this.#toServer.push({ kind: 'a', h, got: new Set() });
  }

  serverAcks(): void {
    const got = new Set(this.#server.got);
    this.#toPage.push({ kind: 'a', h: this.#server.count % MODULUS, got });
  }

  deliverToServer(): void {
    const frame = this.#toServer.shift();
    if (frame === undefined) return;
    if (frame.kind === 'a') return this.#serverReads(frame.h);
    this.#server.count += 1;
    if (frame.kind === 'page') this.#server.got.push(frame.stanza.id);
  }

  /** `held`: so many notices of ours overtake the stanza. */
  deliverToPage(held: number): void {
    const frame = this.#toPage.shift();
    if (frame?.kind === 'a') {
      const { state, h } = ackFromServer(this.#sm, frame.h);
      this.#sm = state;
      this.#pageReads(h, frame.got);
    } else if (frame?.kind === 'server') {
      this.#receive(frame.stanza, held);
    }
  }

  #receive(stanza: Stanza, held: number): void {
    const at = { ...this.#raw.in };
    for (let i = 0; i < held; i += 1) this.injectToPage();
    if (stanza.isTaken) {
      this.#swallowed.add(stanza.id);
      this.#note('s', at);
      return;
    }
    this.#countBoth('in', 1);
    this.#page.count += 1;
    this.#page.got.push(stanza.id);
  }

  #serverReads(h: number): void {
    const newly = (h - (this.#server.acked % MODULUS) + MODULUS) % MODULUS;
    expect(newly).toBeLessThanOrEqual(this.#server.sent - this.#server.acked);
    this.#server.acked += newly;
    for (const stanza of this.#server.queue.splice(0, newly)) {
      const isHandled = stanza.isTaken
        ? this.#swallowed.has(stanza.id)
        : this.#page.got.includes(stanza.id);
      expect(isHandled).toBe(true);
    }
  }

  #pageReads(h: number, got: ReadonlySet<number>): void {
    const { queue } = this.#page;
    const newly = (h - (this.#page.acked % MODULUS) + MODULUS) % MODULUS;
    expect(newly).toBeLessThanOrEqual(queue.length);
    this.#page.acked += newly;
    for (const stanza of queue.splice(0, newly)) {
      expect(stanza.isTaken || got.has(stanza.id)).toBe(true);
    }
    expect(queue.some((stanza) => got.has(stanza.id))).toBe(false);
  }

  /** The socket breaks; page and server resume. The page may have forgotten the last `lost` stanzas it saw. */
  reconnect(lost: number, before: number): void {
    this.#toServer = [];
    this.#toPage = [];
    this.#page.count = Math.max(this.#page.told, this.#page.count - lost);
    this.#page.told = this.#page.count;
    this.#raw = { out: { page: before, wire: before }, in: { page: before, wire: before } };
    this.#sm = smStart();
    for (let i = 0; i < before; i += 1) this.#note('o');
    const record = this.#stored;
    if (record === undefined) throw new Error('nothing stored');
    const resume = smResume(this.#sm, record, 'id', this.#page.count % MODULUS, {
      ...this.#raw.out,
    });
    this.#serverReads(resume.h);
    this.#toPage = this.#server.queue.map((stanza) => ({ kind: 'server', stanza }));
    const resumed = smResumed(resume.state, this.#server.count % MODULUS, { ...this.#raw.in });
    this.#sm = resumed.state;
    this.#store();
    this.#pageReads(resumed.h, new Set(this.#server.got));
    for (const stanza of this.#page.queue.splice(0)) this.#write(stanza, 0);
  }

  /** Lets everything arrive and be acknowledged, then compares what both sides have. */
  settle(hasForgotten: boolean): void {
    while (this.#toServer.length > 0) this.deliverToServer();
    this.serverAcks();
    while (this.#toPage.length > 0) this.deliverToPage(0);
    this.pageAcks();
    while (this.#toServer.length > 0) this.deliverToServer();
    expect(this.#page.queue).toEqual([]);
    expect(this.#server.queue).toEqual([]);
    expect(this.#server.acked).toBe(this.#server.sent);
    const passing = (stanzas: readonly Stanza[]): number[] =>
      stanzas.filter((stanza) => !stanza.isTaken).map((stanza) => stanza.id);
    expect(this.#server.got).toEqual(passing(this.#sent));
    const { got } = this.#page;
    expect(hasForgotten ? [...new Set(got)] : got).toEqual(passing(this.#offered));
  }
}
