// How a backup lies in a file: a header, then frames, each sealed with XChaCha20-Poly1305 under its number, the last one marked as such.
// So a whole of any size is read in parts, and none of them can be changed, moved, left out or added. Pure.
//
//   magic (8 bytes) version (1) salt (32) check (16) { length (4, big-endian) frame }…
//
// The key comes from the secret of the code and the salt, which is new for every file; so numbers serve as nonces. The check tells a
// wrong code from a damaged file. The header is associated data of every frame.
import { AEAD_KEY_LENGTH, AEAD_NONCE_LENGTH, openAead, sealAead } from '../../crypto/aead';
import { concat, equalBytes } from '../../crypto/bytes';
import { CipherError } from '../../crypto/cipher';
import { hkdfSha256 } from '../../crypto/kdf';
import { MAX_BACKUP_FRAME } from '../../limits';
import type { Random } from '../../omemo/types';
import { VaultError } from '../../rpc/errors';

const MAGIC = new TextEncoder().encode('OMNEMO\u0001\n');
const VERSION = 1;
const SALT_LENGTH = 32;
const CHECK_LENGTH = 16;
const LENGTH_LENGTH = 4;
const TAG_LENGTH = 16;
/** Bytes of the header. */
export const HEADER_LENGTH = MAGIC.length + 1 + SALT_LENGTH + CHECK_LENGTH;

interface Keys {
  readonly header: Uint8Array;
  readonly key: Uint8Array;
}

function keysFrom(secret: Uint8Array, salt: Uint8Array): Keys {
  const check = hkdfSha256(secret, salt, 'omnemo backup check', CHECK_LENGTH);
  return {
    header: concat(MAGIC, Uint8Array.of(VERSION), salt, check),
    key: hkdfSha256(secret, salt, 'omnemo backup key', AEAD_KEY_LENGTH),
  };
}

/** The number of a frame and whether it is the last. */
function nonceOf(number: number, isLast: boolean): Uint8Array {
  const nonce = new Uint8Array(AEAD_NONCE_LENGTH);
  const view = new DataView(nonce.buffer);
  view.setBigUint64(AEAD_NONCE_LENGTH - 9, BigInt(number));
  view.setUint8(AEAD_NONCE_LENGTH - 1, isLast ? 1 : 0);
  return nonce;
}

/** Makes the bytes of a backup, one part after the other. */
export interface BackupWriter {
  readonly header: Uint8Array;
  /** The bytes of the next frame. Nothing may follow the last one. */
  frame(plaintext: Uint8Array, isLast: boolean): Uint8Array;
}

/** @param secret 16 bytes, those of the code. */
export function createBackupWriter(secret: Uint8Array, random: Random): BackupWriter {
  const { header, key } = keysFrom(secret, random(SALT_LENGTH));
  let number = 0;
  return {
    header,
    frame(plaintext, isLast) {
      const sealed = sealAead(key, nonceOf(number++, isLast), header, plaintext);
      const length = new Uint8Array(LENGTH_LENGTH);
      new DataView(length.buffer).setUint32(0, sealed.length);
      return concat(length, sealed);
    },
  };
}

/** Opens the bytes of a backup, cut into pieces anywhere. */
export interface BackupReader {
  /**
   * The plaintexts of the frames that are whole with this piece. `isLast`: nothing follows it.
   * @throws VaultError `bad-backup` for what is none or is not as it was made, `new-backup` for one of a later version,
   * `wrong-code`.
   */
  read(piece: Uint8Array, isLast: boolean): readonly Uint8Array[];
  /** Names the file: two with the same salt under one code are the same. */
  salt(): Uint8Array | undefined;
}

/** @param secret 16 bytes, those of the code. */
export function createBackupReader(secret: Uint8Array): BackupReader {
  let rest: Uint8Array = new Uint8Array(0);
  let keys: Keys | undefined;
  let salt: Uint8Array | undefined;
  let number = 0;
  let hasLast = false;

  function readHeader(): void {
    const magic = rest.subarray(0, MAGIC.length);
    if (!equalBytes(magic, MAGIC.subarray(0, magic.length))) throw new VaultError('bad-backup');
    const version = rest[MAGIC.length];
    if (version !== undefined && version !== VERSION)
      throw new VaultError(version > VERSION ? 'new-backup' : 'bad-backup');
    if (rest.length < HEADER_LENGTH) return;
    salt = rest.slice(MAGIC.length + 1, MAGIC.length + 1 + SALT_LENGTH);
    const made = keysFrom(secret, salt);
    if (!equalBytes(made.header, rest.subarray(0, HEADER_LENGTH)))
      throw new VaultError('wrong-code');
    keys = made;
    rest = rest.subarray(HEADER_LENGTH);
  }

  /** Opens a frame as one in the middle, else as the last. */
  function open({ key, header }: Keys, sealed: Uint8Array): Uint8Array {
    for (const isLast of [false, true]) {
      try {
        const plaintext = openAead(key, nonceOf(number, isLast), header, sealed);
        hasLast = isLast;
        number += 1;
        return plaintext;
      } catch (error) {
        if (!(error instanceof CipherError)) throw error;
      }
    }
    throw new VaultError('bad-backup');
  }

  return {
    salt: () => salt,
    read(piece, isLast) {
      rest = concat(rest, piece);
      if (keys === undefined) readHeader();
      const plaintexts: Uint8Array[] = [];
      while (keys !== undefined && rest.length >= LENGTH_LENGTH) {
        const length = new DataView(rest.buffer, rest.byteOffset).getUint32(0);
        if (hasLast || length < TAG_LENGTH || length > MAX_BACKUP_FRAME + TAG_LENGTH)
          throw new VaultError('bad-backup');
        if (rest.length < LENGTH_LENGTH + length) break;
        plaintexts.push(open(keys, rest.subarray(LENGTH_LENGTH, LENGTH_LENGTH + length)));
        rest = rest.subarray(LENGTH_LENGTH + length);
      }
      if ((hasLast && rest.length > 0) || (isLast && !hasLast)) throw new VaultError('bad-backup');
      return plaintexts;
    },
  };
}
