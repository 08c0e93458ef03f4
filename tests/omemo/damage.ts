// Bytes as an enemy sends them: genuine ones with damages, protobuf fields right and wrong, and noise.
import fc from 'fast-check';

type Edit = (bytes: Uint8Array) => Uint8Array;
const join = (...parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

/** A place in bytes or bits, taken modulo what is there. */
const place = fc.nat(4000);
const few = fc.uint8Array({ maxLength: 6 });
const indexIn = (bytes: Uint8Array, at: number) => at % (bytes.length + 1);

/** A bit flipped or a byte replaced: the form mostly stays. */
const change: fc.Arbitrary<Edit> = fc
  .tuple(
    place,
    fc.oneof(
      fc.nat(7).map((bit) => (byte: number) => byte ^ (1 << bit)),
      fc.nat(255).map((value) => () => value),
    ),
  )
  .map(([at, next]): Edit => (bytes) => {
    const index = at % Math.max(bytes.length, 1);
    return bytes.map((byte, i) => (i === index ? next(byte) : byte));
  });

/** A cut, something added, a part doubled, the ends swapped. */
const move: fc.Arbitrary<Edit> = fc
  .tuple(place, place, few, fc.nat(4))
  .map(([a, b, added, kind]): Edit => (bytes) => {
    const [from, to] = [indexIn(bytes, a), indexIn(bytes, b)];
    const [head, tail] = [bytes.subarray(0, from), bytes.subarray(from)];
    if (kind === 0) return head.slice();
    if (kind === 1) return tail.slice();
    if (kind === 2) return join(head, added, tail);
    if (kind === 3) return join(head, bytes.subarray(from, to), tail);
    return join(tail, head);
  });

const edit = fc.oneof({ weight: 4, arbitrary: change }, { weight: 1, arbitrary: move });

/** Genuine bytes with one or two damages. */
export function damaged(genuine: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.constantFrom(...genuine), fc.array(edit, { minLength: 1, maxLength: 2 }))
    .map(([bytes, edits]) => edits.reduce((changed, step) => step(changed), bytes));
}

/** Varints: short, at the edges of 32 bits, overlong. */
const varint = fc.oneof(
  fc.nat(127).map((value) => Uint8Array.of(value)),
  fc
    .constantFrom(
      'ffffffff0f',
      '8080808010',
      '8000',
      'ffffffffffffffffff01',
      '808080808080808080808001',
    )
    .map((text) => new Uint8Array(Buffer.from(text, 'hex'))),
);

/** A sequence of fields as a protobuf reader may meet them, right or wrong. */
const fields: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.oneof(
      fc.tuple(fc.nat(8), varint).map(([field, value]) => join(Uint8Array.of(field << 3), value)),
      fc
        .tuple(
          fc.nat(8),
          fc.oneof(
            few,
            ...[8, 16, 32, 33].map((n) => fc.uint8Array({ minLength: n, maxLength: n })),
          ),
        )
        .map(([field, value]) => join(Uint8Array.of((field << 3) | 2, value.length), value)),
      few,
    ),
    { maxLength: 8 },
  )
  .map((parts) => join(...parts));

const prefixed = fc
  .tuple(fc.constantFrom(0x33, 0x34, 0x23), fields, fc.uint8Array({ maxLength: 8 }))
  .map(([first, body, rest]) => join(Uint8Array.of(first), body, rest));

/** Noise, fields, and fields between a legacy version byte and the place of a MAC. */
export const anything: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fields,
  prefixed,
);
