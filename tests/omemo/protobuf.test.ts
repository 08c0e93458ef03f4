// The wire format against the examples of the Protocol Buffers encoding document and hand-written bytes.
import { describe, expect, test } from 'vitest';
import { bytesField, numberField, present, readFields } from '../../src/omemo/protobuf';
import { hex } from '../vectors/vectors';
import { codeOf } from './codes';

const KNOWN = { 1: 'number', 2: 'bytes' } as const;
const read = (text: string) => readFields(hex(text), KNOWN);

describe('writing', () => {
  // The document's own examples: `Test1 {a: 150}` and `Test2 {b: "testing"}`.
  test.each([
    { field: 1, value: 150, bytes: '089601' },
    { field: 1, value: 0, bytes: '0800' },
    { field: 2, value: 1, bytes: '1001' },
    { field: 5, value: 127, bytes: '287f' },
    { field: 5, value: 128, bytes: '288001' },
    { field: 6, value: 2 ** 31 - 1, bytes: '30ffffffff07' },
    { field: 6, value: 2 ** 32 - 1, bytes: '30ffffffff0f' },
    { field: 16, value: 1, bytes: '800101' },
  ])('number $value in field $field', ({ field, value, bytes }) => {
    expect(numberField(field, value)).toEqual(hex(bytes));
    const { numbers } = readFields(hex(bytes), { [field]: 'number' });
    expect([...numbers]).toEqual([[field, value]]);
  });

  test('bytes with their length', () => {
    expect(bytesField(2, new TextEncoder().encode('testing'))).toEqual(hex('120774657374696e67'));
    expect(bytesField(2, new Uint8Array(0))).toEqual(hex('1200'));
    expect(bytesField(2, new Uint8Array(300)).subarray(0, 3)).toEqual(hex('12ac02'));
  });

  test.each([-1, 2 ** 32, 1.5, NaN])('%f is the mistake of the caller', (value) => {
    expect(() => numberField(3, value)).toThrow(new RangeError('field 3: want uint32'));
  });
});

describe('reading', () => {
  test('takes fields in any order, and of a repeated one the last', () => {
    const fields = read('1201aa0805120208090807');
    expect(fields.numbers).toEqual(new Map([[1, 7]]));
    expect(fields.bytes).toEqual(new Map([[2, hex('0809')]]));
  });

  test('skips unknown fields of every wire type but groups', async () => {
    const unknown = ['18ffffffffffffffffff01', '1a03aabbcc', '190102030405060708', '1d01020304'];
    for (const one of unknown) {
      expect(read(`${one}0805`).numbers).toEqual(new Map([[1, 5]]));
      expect(read(`0805${one}`).numbers).toEqual(new Map([[1, 5]]));
    }
    expect(await codeOf(() => read('1b1c0805'))).toBe('malformed');
    expect(await codeOf(() => read('1c0805'))).toBe('malformed');
  });

  test('finds nothing in no bytes', () => {
    expect(read('')).toEqual({ numbers: new Map(), bytes: new Map() });
  });

  test('gives copies, not views', () => {
    const source = hex('1201aa');
    const value = readFields(source, KNOWN).bytes.get(2);
    source.fill(0);
    expect(value).toEqual(hex('aa'));
  });

  test.each([
    ['a varint cut off', '08ff'],
    ['a tag cut off', '80'],
    ['a tag without value', '08'],
    ['bytes without length', '12'],
    ['bytes cut off', '1203aabb'],
    ['a length beyond everything', '12ffffffff0f'],
    ['a number above 2^32 − 1', '0880808080 10'],
    ['a number of six bytes', '08808080808000'],
    ['a number of ten bytes', '0885808080808080808000'],
    ['a negative number, which takes ten bytes', '08ffffffffffffffffff01'],
    ['a length of ten bytes', '128180808080808080800001'],
    ['a tag of ten bytes', '888080808080808080000005'],
    ['an unknown number of eleven bytes', '18ffffffffffffffffffff01'],
    ['an unknown number cut off', '18ffff'],
    ['an unknown fixed64 cut off', '1901020304050607'],
    ['an unknown fixed32 cut off', '1d010203'],
    ['field 0', '0005'],
    ['a known number as bytes', '0a0105'],
    ['known bytes as number', '1005'],
    ['a known number as fixed32', '0d01020304'],
    ['known bytes as fixed64', '110102030405060708'],
    ['wire type 6', '1e00'],
    ['wire type 7', '1f00'],
  ])('refuses %s', async (_name, bytes) => {
    expect(await codeOf(() => read(bytes.replaceAll(' ', '')))).toBe('malformed');
  });

  test('refuses a message cut at any place within a field', async () => {
    const whole = hex('08960112031122333a0155');
    const known = { 1: 'number', 2: 'bytes', 7: 'bytes' } as const;
    const complete = [0, 3, 8, 11];
    for (let length = 0; length <= whole.length; length++) {
      const code = await codeOf(() => readFields(whole.subarray(0, length), known));
      expect(code).toBe(complete.includes(length) ? 'ok' : 'malformed');
    }
  });
});

test('a required field is there or the message is malformed', async () => {
  expect(present(0)).toBe(0);
  expect(await codeOf(() => present(undefined))).toBe('malformed');
});
