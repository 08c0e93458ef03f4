// The wire types both OMEMO versions use: varint (0) and length-delimited (2). Strict on lengths, tolerant of unknown
// fields; of a repeated field the last wins (Protocol Buffers encoding).
import { OmemoError } from './errors';

/** Fields by number; varints are at most 2^32 − 1. */
export interface Fields {
  readonly numbers: ReadonlyMap<number, number>;
  readonly bytes: ReadonlyMap<number, Uint8Array>;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length += 1;
  return length;
}

/** Writes a varint and answers where it ends. */
function writeVarint(bytes: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 0x80;
  bytes[at++] = rest;
  return at;
}

/** One varint field (uint32). */
export function numberField(field: number, value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
    throw new RangeError(`field ${field}: want uint32`);
  }
  const tag = field << 3;
  const bytes = new Uint8Array(varintLength(tag) + varintLength(value));
  writeVarint(bytes, writeVarint(bytes, 0, tag), value);
  return bytes;
}

/** One length-delimited field. */
export function bytesField(field: number, value: Uint8Array): Uint8Array {
  const tag = (field << 3) | 2;
  const { length } = value;
  const bytes = new Uint8Array(varintLength(tag) + varintLength(length) + length);
  bytes.set(value, writeVarint(bytes, writeVarint(bytes, 0, tag), length));
  return bytes;
}

class Reader {
  #offset = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  /** At most five bytes, what a uint32 needs; a value above 2^32 − 1 is refused rather than cut. */
  varint(): number {
    let value = 0;
    for (let i = 0; i < 5; i++) {
      const byte = this.#bytes[this.#offset++];
      if (byte === undefined) throw new OmemoError('malformed');
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) {
        if (value > 0xffffffff) throw new OmemoError('malformed');
        return value;
      }
    }
    throw new OmemoError('malformed');
  }

  take(length: number): Uint8Array {
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw new OmemoError('malformed');
    const part = this.#bytes.slice(this.#offset, end);
    this.#offset = end;
    return part;
  }

  /** Of a field we do not know: at most ten bytes, what a 64-bit number needs. */
  skipVarint(): void {
    for (let i = 0; i < 10; i++) {
      const byte = this.#bytes[this.#offset++];
      if (byte === undefined) break;
      if (byte < 0x80) return;
    }
    throw new OmemoError('malformed');
  }
}

/**
 * Reads a message. `known` names the fields wanted and their wire type; others are skipped.
 * @throws OmemoError malformed for truncation, wrong wire types of known fields, groups, and numbers above 2^32 − 1
 * or longer than five bytes.
 */
export function readFields(
  bytes: Uint8Array,
  known: Readonly<Record<number, 'number' | 'bytes'>>,
): Fields {
  const reader = new Reader(bytes);
  const numbers = new Map<number, number>();
  const blobs = new Map<number, Uint8Array>();
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    const field = Math.floor(tag / 8);
    const wireType = tag % 8;
    if (field === 0) throw new OmemoError('malformed');
    const want = known[field];
    if (wireType === 0) {
      if (want === 'number') numbers.set(field, reader.varint());
      else if (want === undefined) reader.skipVarint();
      else throw new OmemoError('malformed');
    } else if (wireType === 2) {
      const value = reader.take(reader.varint());
      if (want === 'bytes') blobs.set(field, value);
      else if (want !== undefined) throw new OmemoError('malformed');
    } else if (want === undefined && (wireType === 1 || wireType === 5)) {
      reader.take(wireType === 1 ? 8 : 4);
    } else {
      throw new OmemoError('malformed');
    }
  }
  return { numbers, bytes: blobs };
}

/** The value of a required field. @throws OmemoError `malformed` if it is missing. */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new OmemoError('malformed');
  return value;
}
