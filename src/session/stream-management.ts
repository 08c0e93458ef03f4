// The shell around the counters of ack.ts: keeps the state of one stream, stores it in time, and rewrites the frames of
// stream management (interception I-24 to I-34).
import type { Direction, Position } from '../rpc/page-api';
import type { SmEvent, SmRecord } from '../rpc/vault-api';
import {
  ackFromPage,
  ackFromServer,
  recordOf,
  smEnable,
  smEnabled,
  smFailed,
  smNote,
  smResume,
  smResumed,
  smStart,
  smTakeBack,
  type SmState,
} from './ack';
import {
  resumeRefusal,
  SM_NAMESPACES,
  smElementsIn,
  withH,
  withoutResume,
  type SmElement,
} from './ack-frames';
import { log } from '../log';
import { NS } from '../xml/ns';
import { miscountIn, withoutManagement } from './sm-fallback';
import { IN_LIMIT_MS, type VaultClient } from './vault-client';

/** What a frame of stream management becomes. */
export interface SmResult {
  readonly frames: readonly string[];
  /** Answer of ours for the page, in place of the server's. */
  readonly answer?: string;
  /** The stream goes on with this record: its account is the one that was bound before. */
  readonly resumed?: SmRecord;
}

/** Can anything of stream management be in the frame: its own elements, SASL2, and what servers say about the stream. */
export function mayManage({ namespaceURI }: Element): boolean {
  return [...SM_NAMESPACES, NS.sasl2, NS.streams].includes(namespaceURI ?? '');
}

/** Counters of one stream. */
export class StreamManagement {
  readonly #vault: VaultClient;
  readonly #ids: () => string;
  #state: SmState = smStart();
  /** The id a resumption was asked for. */
  #previous: { readonly id: string; readonly record: SmRecord } | undefined;

  /** Does this site do without (I-36): asked once, before anything of it can pass. */
  #off: Promise<boolean> | undefined;

  constructor(vault: VaultClient, ids: () => string) {
    this.#vault = vault;
    this.#ids = ids;
  }

  /** What becomes of a frame where counting went wrong before; also notes that it does. */
  async without(frame: Element, dir: Direction): Promise<SmResult | undefined> {
    const miscount = this.#state.out.base === undefined ? undefined : miscountIn(frame);
    if (miscount !== undefined) {
      log('sm', 'warn', miscount);
      this.#vault.request('smMiscounted', { kind: miscount }).catch(() => undefined);
    }
    this.#off ??= this.#vault.request('smOff', {}, IN_LIMIT_MS).then(
      (isOff) => isOff === true,
      () => false,
    );
    return (await this.#off) ? withoutManagement(frame, dir) : undefined;
  }

  /** Notes a stanza that only one side counts, and stores it when the session can be resumed. */
  async note(kind: SmEvent['kind'], at: Position): Promise<void> {
    this.#state = smNote(this.#state, kind, at);
    await this.#save();
  }

  /** The stream ended before the page heard that its last dropped stanza was dropped: it will send it again. */
  async takeBack(): Promise<void> {
    this.#state = smTakeBack(this.#state);
    await this.#save();
  }

  async #save(): Promise<void> {
    const { id } = this.#state;
    if (id === undefined || this.#state.resuming !== undefined) return;
    const record = recordOf(this.#state);
    try {
      if (record === undefined) await this.#vault.request('smDrop', { id }, IN_LIMIT_MS);
      else {
        const stored = { ...record, ids: this.#ids() };
        await this.#vault.request('smSave', { id, record: stored }, IN_LIMIT_MS);
      }
    } catch {
      // Without a true record the session must not be resumed: forget the one that is there.
      this.#vault.request('smDrop', { id }).catch(() => undefined);
    }
  }

  /** A frame with elements of stream management. `jid`: the account as bound so far. */
  async handle(
    frame: Element,
    text: string,
    dir: Direction,
    at: Position,
    jid: string | undefined,
  ): Promise<SmResult | undefined> {
    const elements = smElementsIn(frame);
    if (elements.length === 0) return undefined;
    let result: SmResult = { frames: [text] };
    for (const element of elements) {
      const step =
        dir === 'out'
          ? await this.#outgoing(frame, element, at)
          : await this.#incoming(frame, element, at, jid);
      result = { ...result, ...step };
    }
    return result;
  }

  async #outgoing(
    frame: Element,
    { kind, h, id }: SmElement,
    at: Position,
  ): Promise<Partial<SmResult>> {
    if (kind === 'enable') this.#state = smEnable(this.#state, at);
    if (kind === 'a' && h !== undefined) {
      const converted = ackFromPage(this.#state, h);
      this.#state = converted.state;
      return { frames: [withH(frame, 'a', converted.h)] };
    }
    if (kind !== 'resume') return {};
    const record = id === undefined ? null : await this.#load(id);
    if (record === null || id === undefined || h === undefined) return refuseResume(frame);
    this.#previous = { id, record };
    const converted = smResume(this.#state, record, id, h, at);
    this.#state = converted.state;
    return { frames: [withH(frame, 'resume', converted.h)] };
  }

  async #load(id: string): Promise<SmRecord | null> {
    try {
      return await this.#vault.request('smLoad', { id }, IN_LIMIT_MS);
    } catch {
      return null; // the page binds anew, which is always right
    }
  }

  async #incoming(
    frame: Element,
    { kind, h, id }: SmElement,
    at: Position,
    jid: string | undefined,
  ): Promise<Partial<SmResult>> {
    if (kind === 'enabled') {
      this.#state = smEnabled(this.#state, at, id, jid);
      await this.#save();
      return {};
    }
    if (kind === 'resumed' && h !== undefined) {
      const converted = smResumed(this.#state, h, at);
      this.#state = converted.state;
      await this.#save();
      const frames = [withH(frame, 'resumed', converted.h)];
      const record = this.#previous?.record;
      return record === undefined ? { frames } : { frames, resumed: record };
    }
    if (kind === 'a' && h !== undefined) {
      const converted = ackFromServer(this.#state, h);
      this.#state = converted.state;
      return { frames: [withH(frame, 'a', converted.h)] };
    }
    if (kind !== 'failed') return {};
    const frames = h === undefined ? {} : { frames: [this.#failedFrame(frame, h)] };
    this.#state = smFailed(this.#state);
    const gone = this.#previous?.id;
    if (gone !== undefined) this.#vault.request('smDrop', { id: gone }).catch(() => undefined);
    return frames;
  }

  #failedFrame(frame: Element, h: number): string {
    return withH(frame, 'failed', ackFromServer(this.#state, h).h);
  }
}

/** A session nobody has numbers of is not resumed; inline in SASL2 the request is taken out instead (I-30). */
function refuseResume(frame: Element): SmResult {
  if (frame.localName !== 'resume') return { frames: [withoutResume(frame)] };
  return { frames: [], answer: resumeRefusal(frame) };
}
