// Argon2id (RFC 9106) over @noble/hashes: a key from what a person remembers. Lets other work run in between.
import { argon2idAsync } from '@noble/hashes/argon2.js';

/** What a guess costs. */
export interface Argon2Cost {
  /** KiB (RFC 9106 §3.1: m). */
  readonly memory: number;
  /** Passes over the memory (RFC 9106 §3.1: t). */
  readonly passes: number;
  /** Lanes (RFC 9106 §3.1: p); here they are computed one after the other. */
  readonly lanes: number;
}

/**
 * Argon2id, version 0x13, without secret and associated data: `length` bytes.
 * @param password any bytes
 * @param salt at least 8 bytes
 */
export function argon2id(
  password: Uint8Array,
  salt: Uint8Array,
  { memory, passes, lanes }: Argon2Cost,
  length: number,
): Promise<Uint8Array> {
  return argon2idAsync(password, salt, { m: memory, t: passes, p: lanes, dkLen: length });
}
