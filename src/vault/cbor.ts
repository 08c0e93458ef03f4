// Values of records as bytes and back, in CBOR (RFC 8949) by cborg. Numbers, text, bytes, lists and plain objects come back as they were,
// and anything else is refused, as structured clone does with what it cannot copy. What cborg does otherwise by itself is set here.
import * as cborg from 'cborg';

/** CBOR has no form for text with half a surrogate pair, which pages can write: bytes of UTF-16 under a tag of our own. */
const ILL_FORMED_TEXT = 0x6f6d;
const LONE_SURROGATE = /\p{Surrogate}/u;

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What cborg would take, and give back as something else. */
const NOT_PLAIN = [
  ...['bigint', 'Map', 'ArrayBuffer', 'DataView', 'Tagged', 'Uint8ClampedArray'],
  ...['Uint16Array', 'Uint32Array', 'Int8Array', 'Int16Array', 'Int32Array'],
  ...['BigUint64Array', 'BigInt64Array', 'Float32Array', 'Float64Array'],
];

function refuse(): never {
  throw new TypeError('record: want plain values');
}

function unitsOf(text: string): Uint8Array {
  const units = new DataView(new ArrayBuffer(2 * text.length));
  for (let i = 0; i < text.length; i++) units.setUint16(2 * i, text.charCodeAt(i));
  return new Uint8Array(units.buffer);
}

function textOfUnits(bytes: unknown): string {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('record: want units of UTF-16');
  const units = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 2 }, (_, index) =>
    String.fromCharCode(units.getUint16(2 * index)),
  ).join('');
}

const ENCODING: cborg.EncodeOptions = {
  // Numbers that are no integers always take 8 bytes, and the fields of an object keep their order.
  float64: true,
  mapSorter: () => 0,
  typeEncoders: {
    ...Object.fromEntries(NOT_PLAIN.map((name) => [name, refuse])),
    Object: (value: object) =>
      Object.prototype.toString.call(value) === '[object Object]' ? null : refuse(),
    number: (value: number) =>
      Object.is(value, -0) ? new cborg.Token(cborg.Type.float, value) : null,
    string: (text: string) =>
      LONE_SURROGATE.test(text)
        ? [
            new cborg.Token(cborg.Type.tag, ILL_FORMED_TEXT),
            new cborg.Token(cborg.Type.bytes, unitsOf(text)),
          ]
        : null,
  },
};

const DECODING: cborg.DecodeOptions = {
  allowIndefinite: false,
  allowBigInt: false,
  retainStringBytes: true,
  tags: { [ILL_FORMED_TEXT]: (content) => textOfUnits(content()) },
};

/** Reads text as it was written: cborg drops a byte order mark, and puts U+FFFD for bytes that are no UTF-8. */
class ExactText extends cborg.Tokenizer {
  override next(): cborg.Token {
    const token = super.next();
    if (token.type !== cborg.Type.string || token.byteValue === undefined) return token;
    return new cborg.Token(token.type, DECODER.decode(token.byteValue), token.encodedLength);
  }
}

/** The same bytes: in Node cborg works with Buffers, whose parts are Buffers too. */
function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The bytes of a value. @throws TypeError for a value that holds anything but plain data. */
export function encode(value: unknown): Uint8Array {
  try {
    return plainBytes(cborg.encode(value, ENCODING));
  } catch (cause) {
    throw new TypeError('record: want plain values', { cause });
  }
}

/** The value of bytes that `encode` made. @throws TypeError for others. */
export function decode(bytes: Uint8Array): unknown {
  try {
    const tokenizer = new ExactText(plainBytes(bytes), DECODING);
    return cborg.decode(bytes, { ...DECODING, tokenizer });
  } catch (cause) {
    throw new TypeError('record: not in a form of ours', { cause });
  }
}
