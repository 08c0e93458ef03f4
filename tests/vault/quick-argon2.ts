// In place of Argon2id where a test is about what is done with its result: as dependent on everything, and quick.
import type { Argon2Cost } from '../../src/crypto/argon2';
import { hkdfSha256 } from '../../src/crypto/kdf';

export const argon2id = async (
  password: Uint8Array,
  salt: Uint8Array,
  { memory, passes, lanes }: Argon2Cost,
  length: number,
): Promise<Uint8Array> =>
  hkdfSha256(password, salt, `instead of argon2 ${memory} ${passes} ${lanes}`, length);
