// Values of records as bytes and back: the part of CBOR (RFC 8949) that they need. Numbers, text, bytes, lists and plain objects come
// back as they were, and anything else is refused, as structured clone does with what it cannot copy.

/** CBOR has no form for text with half a surrogate pair, which pages can write: bytes of UTF-16 under a tag of our own. */
const ILL_FORMED_TEXT = 0x6f6d;
const LONE_SURROGATE = /\p{Surrogate}/u;

const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, list: 4, map: 5, tag: 6, other: 7 };
const FALSE = 0xf4;
const TRUE = 0xf5;
const NULL = 0xf6;
const UNDEFINED = 0xf7;
const FLOAT64 = 0xfb;
/** Additional information of a head (RFC 8949 §3): the argument follows in 1, 2, 4 or 8 bytes. */
const IN_1_BYTE = 24;
const IN_2_BYTES = 25;
const IN_4_BYTES = 26;
const IN_8_BYTES = 27;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class Writer {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;

  /** Where the next `count` bytes go. */
  #take(count: number): number {
    const at = this.#end;
    this.#end += count;
    if (this.#end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#end, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }

  byte(value: number): void {
    const at = this.#take(1);
    this.#bytes[at] = value;
  }

  head(major: number, argument: number): void {
    const first = major << 5;
    if (argument < IN_1_BYTE) return this.byte(first | argument);
    if (argument < 2 ** 8) {
      this.byte(first | IN_1_BYTE);
      this.byte(argument);
    } else if (argument < 2 ** 16) {
      this.byte(first | IN_2_BYTES);
      const at = this.#take(2);
      this.#view.setUint16(at, argument);
    } else if (argument < 2 ** 32) {
      this.byte(first | IN_4_BYTES);
      const at = this.#take(4);
      this.#view.setUint32(at, argument);
    } else {
      this.byte(first | IN_8_BYTES);
      const at = this.#take(8);
      this.#view.setBigUint64(at, BigInt(argument));
    }
  }

  float(value: number): void {
    this.byte(FLOAT64);
    const at = this.#take(8);
    this.#view.setFloat64(at, value);
  }

  raw(bytes: Uint8Array): void {
    const at = this.#take(bytes.length);
    this.#bytes.set(bytes, at);
  }

  end(): Uint8Array {
    return this.#bytes.slice(0, this.#end);
  }
}

function writeNumber(out: Writer, value: number): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) out.float(value);
  else if (value < 0) out.head(MAJOR.negative, -1 - value);
  else out.head(MAJOR.unsigned, value);
}

function writeBytes(out: Writer, major: number, bytes: Uint8Array): void {
  out.head(major, bytes.length);
  out.raw(bytes);
}

function writeText(out: Writer, value: string): void {
  if (!LONE_SURROGATE.test(value)) return writeBytes(out, MAJOR.text, ENCODER.encode(value));
  const units = new DataView(new ArrayBuffer(2 * value.length));
  for (let i = 0; i < value.length; i++) units.setUint16(2 * i, value.charCodeAt(i));
  out.head(MAJOR.tag, ILL_FORMED_TEXT);
  writeBytes(out, MAJOR.bytes, new Uint8Array(units.buffer));
}

function isPlainObject(value: object): boolean {
  return Object.prototype.toString.call(value) === '[object Object]';
}

function writeObject(out: Writer, value: object): void {
  if (value instanceof Uint8Array) return writeBytes(out, MAJOR.bytes, value);
  if (Array.isArray(value)) {
    out.head(MAJOR.list, value.length);
    for (const item of value) write(out, item);
    return;
  }
  if (!isPlainObject(value)) throw new TypeError('record: want plain values');
  const entries = Object.entries(value);
  out.head(MAJOR.map, entries.length);
  for (const [name, item] of entries) {
    writeText(out, name);
    write(out, item);
  }
}

function write(out: Writer, value: unknown): void {
  if (value === undefined) out.byte(UNDEFINED);
  else if (value === null) out.byte(NULL);
  else if (typeof value === 'boolean') out.byte(value ? TRUE : FALSE);
  else if (typeof value === 'number') writeNumber(out, value);
  else if (typeof value === 'string') writeText(out, value);
  else if (typeof value === 'object') writeObject(out, value);
  else throw new TypeError(`record: want plain values, got a ${typeof value}`);
}

/** The bytes of a value. @throws TypeError for a value that holds anything but plain data. */
export function encode(value: unknown): Uint8Array {
  const out = new Writer();
  write(out, value);
  return out.end();
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Where `count` bytes stand that are read now. */
  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw new RangeError('record: ends too early');
    this.#at += count;
    return at;
  }

  byte(): number {
    return this.#view.getUint8(this.#take(1));
  }

  argument(information: number): number {
    if (information < IN_1_BYTE) return information;
    if (information === IN_1_BYTE) return this.byte();
    if (information === IN_2_BYTES) return this.#view.getUint16(this.#take(2));
    if (information === IN_4_BYTES) return this.#view.getUint32(this.#take(4));
    if (information === IN_8_BYTES) return Number(this.#view.getBigUint64(this.#take(8)));
    throw new TypeError('record: not in a form of ours');
  }

  float(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  raw(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }
}

function readIllFormedText(from: Reader): string {
  const bytes = read(from);
  if (!(bytes instanceof Uint8Array)) throw new TypeError('record: not in a form of ours');
  const units = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 2 }, (_, index) =>
    String.fromCharCode(units.getUint16(2 * index)),
  ).join('');
}

function readMap(from: Reader, size: number): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  for (let i = 0; i < size; i++) entries.push([String(read(from)), read(from)]);
  // Not by assignment: a name of the prototype would be lost.
  return Object.fromEntries(entries);
}

function read(from: Reader): unknown {
  const first = from.byte();
  switch (first) {
    case FALSE:
      return false;
    case TRUE:
      return true;
    case NULL:
      return null;
    case UNDEFINED:
      return undefined;
    case FLOAT64:
      return from.float();
  }
  const argument = from.argument(first & 0x1f);
  switch (first >> 5) {
    case MAJOR.unsigned:
      return argument;
    case MAJOR.negative:
      return -1 - argument;
    case MAJOR.bytes:
      // A copy of its own: a part of the record would take all of it along wherever it goes.
      return from.raw(argument).slice();
    case MAJOR.text:
      return DECODER.decode(from.raw(argument));
    case MAJOR.list: {
      const items: unknown[] = [];
      for (let i = 0; i < argument; i++) items.push(read(from));
      return items;
    }
    case MAJOR.map:
      return readMap(from, argument);
    case MAJOR.tag:
      if (argument === ILL_FORMED_TEXT) return readIllFormedText(from);
  }
  throw new TypeError('record: not in a form of ours');
}

/** The value of bytes that `encode` made. @throws TypeError or RangeError for others. */
export function decode(bytes: Uint8Array): unknown {
  const from = new Reader(bytes);
  const value = read(from);
  if (!from.isAtEnd) throw new TypeError('record: more than one value');
  return value;
}
