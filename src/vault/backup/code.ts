// The code a backup opens with: 128 random bits that people print and type. Random bits need no slow derivation; check characters tell a
// slip of the pen from a code of another backup.
import { concat, equalBytes } from '../../crypto/bytes';
import { sha256 } from '../../crypto/kdf';
import type { Random } from '../../omemo/types';
import { VaultError } from '../../rpc/errors';

/** Crockford's base 32: no I, L, O, U. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** Bytes of the secret of a code: 128 bits. */
export const CODE_LENGTH = 16;
/** Bits of the check. */
const CHECK_BITS = 12;
const SYMBOLS = (8 * CODE_LENGTH + CHECK_BITS) / 5;
const GROUP = 4;

const UTF8 = new TextEncoder();

/** What follows the secret, from the left. */
function checkOf(secret: Uint8Array): Uint8Array {
  return sha256(concat(UTF8.encode('omnemo backup code'), secret)).subarray(0, 2);
}

function symbolsOf(bytes: Uint8Array): string {
  let symbols = '';
  for (let index = 0; index < SYMBOLS; index++) {
    let value = 0;
    for (let bit = 5 * index; bit < 5 * index + 5; bit++) {
      value = 2 * value + (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
    }
    symbols += ALPHABET[value] ?? '';
  }
  return symbols;
}

/** The code of a secret (16 bytes): 28 characters in seven groups. */
export function codeOf(secret: Uint8Array): string {
  const symbols = symbolsOf(concat(secret, checkOf(secret)));
  return (symbols.match(new RegExp(`.{${GROUP}}`, 'g')) ?? []).join('-');
}

/** A fresh secret of 16 bytes. */
export function newSecret(random: Random): Uint8Array {
  return random(CODE_LENGTH);
}

/**
 * The secret (16 bytes) of a code as people type it: in any case, with or without spaces and dashes, O for 0 and I or L for 1.
 * @throws VaultError `bad-code` for what is no code, by its length, its characters or its check.
 */
export function secretOf(code: string): Uint8Array {
  const typed = code
    .toUpperCase()
    .replace(/[\s\-–—]/g, '')
    .replace(/O/g, '0')
    .replace(/[IL]/g, '1');
  const values = [...typed].map((symbol) => ALPHABET.indexOf(symbol));
  if (values.length !== SYMBOLS || values.includes(-1)) throw new VaultError('bad-code');
  const bytes = new Uint8Array(CODE_LENGTH + 2);
  for (const [index, value] of values.entries()) {
    for (let bit = 0; bit < 5; bit++) {
      const at = 5 * index + bit;
      const isSet = (value >> (4 - bit)) & 1;
      bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (isSet << (7 - (at & 7)));
    }
  }
  const secret = bytes.slice(0, CODE_LENGTH);
  // Of the last byte the upper half is part of the code.
  const check = checkOf(secret);
  const wanted = Uint8Array.of(check[0] ?? 0, (check[1] ?? 0) & 0xf0);
  if (!equalBytes(wanted, bytes.subarray(CODE_LENGTH))) throw new VaultError('bad-code');
  return secret;
}
