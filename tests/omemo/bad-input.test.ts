// Every protobuf reader of both versions against every kind of bad field: one table of what the readers want, and each
// damage applied to each field of it.
import { describe, expect, test } from 'vitest';
import { legacy } from '../../src/omemo/legacy';
import { omemo2 } from '../../src/omemo/omemo2';
import { conversationOf, hex } from '../vectors/vectors';
import { codeOf } from './codes';

interface Field {
  readonly field: number;
  /** Its content in hex: a varint, or bytes. */
  readonly number?: string;
  readonly bytes?: string;
  readonly isOptional?: boolean;
  readonly isKey?: boolean;
}

interface Reader {
  readonly name: string;
  readonly fields: readonly Field[];
  /** Bytes that the fields of the protobuf stand in. */
  frame(fields: string): string;
  read(bytes: Uint8Array): unknown;
}

const X = '11'.repeat(32);
const ED = conversationOf('v2-basic').parties.alice.identity.ed25519Pub;

/** A length below 16384, or a tag, as varint. */
function varint(value: number): string {
  const bytes = value < 128 ? [value] : [(value & 0x7f) | 0x80, value >> 7];
  return Buffer.from(bytes).toString('hex');
}

const sized = (content: string) => `${varint(content.length / 2)}${content}`;

function written({ field, number, bytes }: Field): string {
  if (number !== undefined) return `${varint(field << 3)}${number}`;
  return `${varint((field << 3) | 2)}${sized(bytes ?? '')}`;
}

const OMEMO2_INNER: readonly Field[] = [
  { field: 1, number: '05' },
  { field: 2, number: '01' },
  { field: 3, bytes: X, isKey: true },
  { field: 4, bytes: 'c0ffee' },
];
const omemo2Inner = OMEMO2_INNER.map(written).join('');

const READERS: readonly Reader[] = [
  {
    name: 'SignalMessage',
    fields: [
      { field: 1, bytes: `05${X}`, isKey: true },
      { field: 2, number: '05' },
      { field: 3, number: '01', isOptional: true },
      { field: 4, bytes: 'c0ffee' },
    ],
    frame: (fields) => `33${fields}${'aa'.repeat(8)}`,
    // Its MAC covers all fields, whatever they are.
    read: (bytes) => {
      const { header, ciphertext } = legacy.decodeMessage(bytes);
      return { header, ciphertext };
    },
  },
  {
    name: 'PreKeySignalMessage',
    fields: [
      { field: 1, number: '07', isOptional: true },
      { field: 2, bytes: `05${X}`, isKey: true },
      { field: 3, bytes: `05${X}`, isKey: true },
      { field: 4, bytes: 'abcdef' },
      { field: 5, number: '05', isOptional: true },
      { field: 6, number: '09' },
    ],
    frame: (fields) => `33${fields}`,
    read: legacy.decodeKeyExchange,
  },
  {
    name: 'OMEMOMessage',
    fields: OMEMO2_INNER,
    frame: (fields) => `0a10${'aa'.repeat(16)}12${sized(fields)}`,
    read: (bytes) => {
      const { header, ciphertext } = omemo2.decodeMessage(bytes);
      return { header, ciphertext };
    },
  },
  {
    name: 'OMEMOAuthenticatedMessage',
    fields: [
      { field: 1, bytes: 'aa'.repeat(16) },
      { field: 2, bytes: omemo2Inner },
    ],
    frame: (fields) => fields,
    read: omemo2.decodeMessage,
  },
  {
    name: 'OMEMOKeyExchange',
    fields: [
      { field: 1, number: '07', isOptional: true },
      { field: 2, number: '09' },
      { field: 3, bytes: ED, isKey: true },
      { field: 4, bytes: X, isKey: true },
      { field: 5, bytes: 'abcdef' },
    ],
    frame: (fields) => fields,
    read: omemo2.decodeKeyExchange,
  },
];

const NUMBERS_TOO_LONG = [
  ['ten bytes', '85808080808080808000'],
  ['ten bytes, a negative number', 'ffffffffffffffffff01'],
  ['six bytes', '858080808000'],
  ['2^32', '8080808010'],
  ['eleven bytes', '8580808080808080808000'],
  ['bytes that do not end', 'ffffffffffffffffffff'],
] as const;

/** Of fields nobody knows: each wire type that is skipped, under a near and a far number. */
const UNKNOWN = ['7805', '78ffffffffffffffffff01', '7a0100', '790102030405060708', '7d01020304'];
const FAR = ['f8ffffff0f05', 'faffffff0f0100'];
const GROUPS = ['7b', '7c', '7b7c', '7e00', '7f00'];

describe.each(READERS)('$name', ({ fields, frame, read: readBytes }) => {
  const parts = fields.map(written);
  const good = readBytes(hex(frame(parts.join(''))));
  const decode = (text: string) => readBytes(hex(frame(text)));
  /** The message with one field written otherwise. */
  const withPart = (field: Field, part: string) =>
    fields.map((other) => (other === field ? part : written(other))).join('');
  const numbers = fields.filter(({ number }) => number !== undefined);
  const blobs = fields.filter(({ bytes }) => bytes !== undefined);

  test('is refused without a field, unless it may be missing', async () => {
    for (const field of fields) {
      const code = await codeOf(() => decode(withPart(field, '')));
      expect(code, `field ${field.field}`).toBe(field.isOptional === true ? 'ok' : 'malformed');
    }
  });

  test('is refused with a field of another wire type', async () => {
    for (const field of fields) {
      const tag = (type: number) => varint((field.field << 3) | type);
      const others = [`${tag(1)}0102030405060708`, `${tag(5)}01020304`, tag(3), tag(4), tag(6)];
      others.push(field.number === undefined ? `${tag(0)}05` : `${tag(2)}0105`);
      for (const other of others)
        expect(await codeOf(() => decode(withPart(field, other))), other).toBe('malformed');
    }
  });

  test.each(NUMBERS_TOO_LONG)('is refused with a number of %s', async (_name, number) => {
    for (const field of numbers)
      expect(await codeOf(() => decode(withPart(field, written({ ...field, number }))))).toBe(
        'malformed',
      );
  });

  test.each(NUMBERS_TOO_LONG)('is refused with a length of %s', async (_name, length) => {
    for (const field of blobs) {
      const part = `${varint((field.field << 3) | 2)}${length}${field.bytes ?? ''}`;
      expect(await codeOf(() => decode(withPart(field, part)))).toBe('malformed');
    }
  });

  test('is refused with a length beyond its end', async () => {
    for (const field of blobs) {
      const part = `${varint((field.field << 3) | 2)}ff7f${field.bytes ?? ''}`;
      expect(await codeOf(() => decode(withPart(field, part)))).toBe('malformed');
    }
  });

  test('is refused with a key of a wrong length', async () => {
    for (const field of fields.filter(({ isKey }) => isKey === true)) {
      const key = field.bytes ?? '';
      const wrong = ['', '05', key.slice(2), key.slice(0, -2), `${key}00`, `05${key}`, key + key];
      for (const bytes of wrong)
        expect(await codeOf(() => decode(withPart(field, written({ ...field, bytes }))))).toBe(
          'bad-key',
        );
    }
  });

  test('takes the last of a repeated field, and no other', async () => {
    for (const field of fields) {
      const other: Field =
        field.number === undefined
          ? { ...field, bytes: 'ffff' }
          : { ...field, number: 'ffffffff0f' };
      const first = withPart(field, `${written(other)}${written(field)}`);
      expect(decode(first), `field ${field.field}`).toEqual(good);
      const last = withPart(field, `${written(field)}${written(other)}`);
      const alone = withPart(field, written(other));
      const code = await codeOf(() => decode(last));
      expect(code).toBe(await codeOf(() => decode(alone)));
      if (code === 'ok') expect(decode(last)).toEqual(decode(alone));
    }
  });

  test('takes fields in any order', () => {
    expect(decode(parts.toReversed().join(''))).toMatchObject(withoutBytes(good));
  });

  test('skips fields nobody knows, wherever they stand', () => {
    for (const unknown of [...UNKNOWN, ...FAR]) {
      for (let at = 0; at <= parts.length; at++) {
        const text = parts.toSpliced(at, 0, unknown).join('');
        expect(decode(text), unknown).toEqual(good);
      }
    }
  });

  test('is refused with groups and wire types that do not exist', async () => {
    for (const group of GROUPS) {
      for (let at = 0; at <= parts.length; at++) {
        const text = parts.toSpliced(at, 0, group).join('');
        expect(await codeOf(() => decode(text)), group).toBe('malformed');
      }
    }
  });

  test('is refused cut at any place', async () => {
    const whole = hex(frame(parts.join('')));
    for (let length = 0; length < whole.length; length++)
      expect(await codeOf(() => readBytes(whole.subarray(0, length)))).toBe('malformed');
  });
});

/** What a message is made of, without the bytes a MAC covers: these follow the order of the fields. */
function withoutBytes(message: unknown): object {
  const { authenticated: _covered, ...rest } = { authenticated: undefined, ...Object(message) };
  return rest;
}
