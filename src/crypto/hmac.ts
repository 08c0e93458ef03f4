// HMAC-SHA-256 (RFC 2104, FIPS 180-4) for keys and messages of a few bytes. A message of the Double Ratchet costs seven of them,
// and @noble/hashes, made for any hash and length, spends most of its time around the blocks. No branch and no index
// depends on what the bytes are.
const BLOCK = 64;

/** FIPS 180-4 §4.2.2. */
// prettier-ignore
const K = Int32Array.of(
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
);

/** FIPS 180-4 §5.3.3. */
// prettier-ignore
const INITIAL = Int32Array.of(
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
);

/** Scratch space: nobody waits in between, and making such arrays costs more than a block. */
const W = new Int32Array(64);
const STATE = new Int32Array(8);
const TAIL = new Uint8Array(2 * BLOCK);
const TAIL_VIEW = new DataView(TAIL.buffer);

/** FIPS 180-4 §6.2.2: takes the 64 bytes from `offset` into the state. Written for the compiler: destructuring costs double. */
function compress(bytes: DataView, offset: number): void {
  for (let i = 0; i < 16; i++) W[i] = bytes.getInt32(offset + 4 * i);
  for (let i = 16; i < 64; i++) {
    const x = W[i - 15] ?? 0;
    const y = W[i - 2] ?? 0;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[i] = (W[i - 16] ?? 0) + s0 + (W[i - 7] ?? 0) + s1;
  }
  let a = STATE[0] ?? 0;
  let b = STATE[1] ?? 0;
  let c = STATE[2] ?? 0;
  let d = STATE[3] ?? 0;
  let e = STATE[4] ?? 0;
  let f = STATE[5] ?? 0;
  let g = STATE[6] ?? 0;
  let h = STATE[7] ?? 0;
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (K[i] ?? 0) + (W[i] ?? 0)) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  STATE[0] = (STATE[0] ?? 0) + a;
  STATE[1] = (STATE[1] ?? 0) + b;
  STATE[2] = (STATE[2] ?? 0) + c;
  STATE[3] = (STATE[3] ?? 0) + d;
  STATE[4] = (STATE[4] ?? 0) + e;
  STATE[5] = (STATE[5] ?? 0) + f;
  STATE[6] = (STATE[6] ?? 0) + g;
  STATE[7] = (STATE[7] ?? 0) + h;
}

/** A key as HMAC uses it: the states of the inner and the outer hash after the block it fills. */
export interface HmacKey {
  readonly inner: Int32Array;
  readonly outer: Int32Array;
}

function afterKey(key: Uint8Array, pad: number): Int32Array {
  TAIL.fill(pad, 0, BLOCK);
  for (let i = 0; i < key.length; i++) TAIL[i] = pad ^ (key[i] ?? 0);
  STATE.set(INITIAL);
  compress(TAIL_VIEW, 0);
  return STATE.slice();
}

/**
 * Makes a key ready for any number of messages.
 * @param key at most 64 bytes
 */
export function hmacKey(key: Uint8Array): HmacKey {
  if (key.length > BLOCK) throw new RangeError(`key: want at most 64 bytes, got ${key.length}`);
  return { inner: afterKey(key, 0x36), outer: afterKey(key, 0x5c) };
}

/** What remains of a message stands in `TAIL`: adds padding and length (FIPS 180-4 §5.1.1) and takes it in. */
function finish(rest: number, length: number): void {
  const end = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK;
  TAIL.fill(0, rest, end);
  TAIL[rest] = 0x80;
  const bits = (BLOCK + length) * 8;
  TAIL_VIEW.setUint32(end - 8, bits / 2 ** 32);
  TAIL_VIEW.setUint32(end - 4, bits);
  for (let at = 0; at < end; at += BLOCK) compress(TAIL_VIEW, at);
}

/** HMAC-SHA-256 of a message: 32 bytes. */
export function hmac({ inner, outer }: HmacKey, message: Uint8Array): Uint8Array {
  STATE.set(inner);
  const rest = message.length % BLOCK;
  const whole = message.length - rest;
  if (whole > 0) {
    const view = new DataView(message.buffer, message.byteOffset, whole);
    for (let at = 0; at < whole; at += BLOCK) compress(view, at);
  }
  for (let i = 0; i < rest; i++) TAIL[i] = message[whole + i] ?? 0;
  finish(rest, message.length);
  for (let i = 0; i < 8; i++) TAIL_VIEW.setInt32(4 * i, STATE[i] ?? 0);
  STATE.set(outer);
  finish(32, 32);
  const mac = new Uint8Array(32);
  for (let i = 0; i < 32; i++) mac[i] = (STATE[i >> 2] ?? 0) >>> (24 - 8 * (i & 3));
  return mac;
}
