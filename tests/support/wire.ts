// What the server saw: the JSON lines that mod_wirelog writes, one per stanza or stream management element.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { until } from './wait';

/** `in`: a client sent it; `out`: the server gave it to a client. `jid` is that client's, mostly with resource. */
export interface WireRecord {
  /** Seconds since 1970. */
  readonly t: number;
  readonly dir: 'in' | 'out';
  readonly jid: string;
  readonly via: 'websocket' | 'bosh' | 'tcp';
  readonly xml: string;
}

function readRecord(line: string): WireRecord {
  const value: unknown = JSON.parse(line);
  if (typeof value !== 'object' || value === null) throw new Error('wire log: no object');
  const { t, dir, jid, via, xml } = Object.fromEntries(Object.entries(value));
  if (typeof t !== 'number' || typeof jid !== 'string' || typeof xml !== 'string')
    throw new Error('wire log: a field is missing');
  if (dir !== 'in' && dir !== 'out') throw new Error('wire log: direction');
  if (via !== 'websocket' && via !== 'bosh' && via !== 'tcp') throw new Error('wire log: via');
  return { t, dir, jid, via, xml };
}

/** Servers differ in what they escape, so texts are compared after all of it is undone. */
function unescapeXml(xml: string): string {
  return xml
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replace(/&#x([0-9a-f]+);/gi, (_, code) => String.fromCodePoint(Number.parseInt(code, 16)))
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&apos;/g, "'")
    .replace(/&amp;/g, '&');
}

/** Reads the log as it grows. */
export class WireLog {
  readonly #file: string;
  readonly #records: WireRecord[] = [];
  #offset = 0;
  #rest = Buffer.alloc(0);

  constructor(file: string) {
    this.#file = file;
  }

  #catchUp(): void {
    const handle = openSync(this.#file, 'r');
    try {
      const fresh = Buffer.alloc(fstatSync(handle).size - this.#offset);
      this.#offset += readSync(handle, fresh, 0, fresh.length, this.#offset);
      this.#rest = Buffer.concat([this.#rest, fresh]);
    } finally {
      closeSync(handle);
    }
    for (let end = this.#rest.indexOf(10); end >= 0; end = this.#rest.indexOf(10)) {
      this.#records.push(readRecord(this.#rest.subarray(0, end).toString('utf8')));
      this.#rest = this.#rest.subarray(end + 1);
    }
  }

  /** Everything seen from record number `from` on. */
  records(from = 0): readonly WireRecord[] {
    this.#catchUp();
    return this.#records.slice(from);
  }

  /** A mark for `from`: how much was seen until now. */
  mark(): number {
    return this.records().length;
  }

  /** The first record that `wanted` accepts, waiting for it if need be. */
  wait(
    what: string,
    wanted: (record: WireRecord) => boolean,
    options: { from?: number; timeoutMs?: number } = {},
  ): Promise<WireRecord> {
    const { from = 0, timeoutMs = 15_000 } = options;
    return until(what, () => this.records(from).find(wanted), { timeoutMs });
  }

  /** Records that carry `text` in the clear: what a test of encryption must find empty. */
  leaks(text: string, from = 0): readonly WireRecord[] {
    return this.records(from).filter(({ xml }) => unescapeXml(xml).includes(text));
  }
}
