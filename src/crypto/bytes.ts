// Byte helpers: concatenation, comparison in constant time, hex, and length checks that name the argument.

/** Concatenates byte arrays into a new one. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** True if both arrays hold the same bytes; takes the same time wherever they differ. Lengths are public. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

/** Lower-case hex of the bytes. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Checks the length of a byte argument.
 * @throws TypeError if it is no Uint8Array, RangeError `name: want n bytes, got m` for another length.
 */
export function assertLength(name: string, bytes: Uint8Array, length: number): void {
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`${name}: want Uint8Array`);
  if (bytes.length !== length) {
    throw new RangeError(`${name}: want ${length} bytes, got ${bytes.length}`);
  }
}
