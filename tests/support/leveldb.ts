// What a folder of LevelDB holds, with its tables uncompressed: what is looked for in it must not hide behind Snappy. Forms are those of
// LevelDB's doc/table_format.md and Snappy's format_description.txt.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const FOOTER_BYTES = 48;
const SNAPPY = 1;

/** A number of seven bits a byte, the lowest first, and where the next thing stands. */
function varint(bytes: Buffer, start: number): readonly [value: number, next: number] {
  let [value, factor, at] = [0, 1, start];
  for (;;) {
    const byte = bytes.readUInt8(at++);
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return [value, at];
    factor *= 0x80;
  }
}

/** Length and offset of a copy, and where the next element stands. */
function copyAt(
  bytes: Buffer,
  at: number,
): readonly [length: number, offset: number, next: number] {
  const tag = bytes.readUInt8(at);
  if ((tag & 3) === 1)
    return [4 + ((tag >> 2) & 7), ((tag >> 5) << 8) | bytes.readUInt8(at + 1), at + 2];
  const length = (tag >> 2) + 1;
  return (tag & 3) === 2
    ? [length, bytes.readUInt16LE(at + 1), at + 3]
    : [length, bytes.readUInt32LE(at + 1), at + 5];
}

function unsnappy(bytes: Buffer): Buffer {
  const [size, first] = varint(bytes, 0);
  const out = Buffer.alloc(size);
  let [at, end] = [first, 0];
  while (at < bytes.length) {
    const tag = bytes.readUInt8(at);
    if ((tag & 3) === 0) {
      const short = tag >> 2;
      const extra = short < 60 ? 0 : short - 59;
      const length = 1 + (extra === 0 ? short : bytes.readUIntLE(at + 1, extra));
      at += 1 + extra;
      bytes.copy(out, end, at, at + length);
      at += length;
      end += length;
    } else {
      const [length, offset, next] = copyAt(bytes, at);
      // One by one: a copy may reach into what it writes.
      for (let i = 0; i < length; i++, end++) out[end] = out.readUInt8(end - offset);
      at = next;
    }
  }
  return out;
}

function block(table: Buffer, offset: number, size: number): Buffer {
  const bytes = table.subarray(offset, offset + size);
  return table.readUInt8(offset + size) === SNAPPY ? unsnappy(bytes) : bytes;
}

/** The values of a block, which in an index are places of others. */
function valuesOf(bytes: Buffer): readonly Buffer[] {
  const end = bytes.length - 4 * (1 + bytes.readUInt32LE(bytes.length - 4));
  const values: Buffer[] = [];
  for (let at = 0; at < end;) {
    const [, afterShared] = varint(bytes, at);
    const [keyLength, afterKeyLength] = varint(bytes, afterShared);
    const [length, key] = varint(bytes, afterKeyLength);
    at = key + keyLength + length;
    values.push(bytes.subarray(at - length, at));
  }
  return values;
}

/** All blocks of a table, uncompressed. */
export function readTable(table: Buffer): Buffer {
  const footer = table.length - FOOTER_BYTES;
  const [, afterMetaOffset] = varint(table, footer);
  const [, afterMeta] = varint(table, afterMetaOffset);
  const [offset, afterOffset] = varint(table, afterMeta);
  const [size] = varint(table, afterOffset);
  const blocks = valuesOf(block(table, offset, size)).map((handle) => {
    const [at, next] = varint(handle, 0);
    return block(table, at, varint(handle, next)[0]);
  });
  return Buffer.concat(blocks);
}

/** Everything in a folder and those in it: files as they are, and the tables among them uncompressed as well. */
export function readLevelDb(folder: string): Buffer {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Buffer.concat(
    files.flatMap(({ parentPath, name }) => {
      const bytes = readFileSync(path.join(parentPath, name));
      return name.endsWith('.ldb') ? [bytes, readTable(bytes)] : [bytes];
    }),
  );
}
