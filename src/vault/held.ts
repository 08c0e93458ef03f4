// Stanzas that came while the vault was locked (M70): sealed for a key whose private half only the unlocked vault has, since nothing else
// is at hand. They lie beside the records, in the order they came, and count no more than their number and size say.
import { CipherError } from '../crypto/cipher';
import { openBox, sealBox } from '../crypto/sealed-box';
import {
  HELD_AT_ONCE,
  HELD_CHARACTERS_AT_ONCE,
  HELD_KEPT_MS,
  MAX_HELD,
  MAX_HELD_BYTES,
} from '../limits';
import type { Random } from '../omemo/types';
import type { BareJid } from '../jid';
import { VaultError } from '../rpc/errors';
import type { HeldFrame } from '../rpc/vault-api';
import { decode, encode } from './cbor';
import { HELD_STORE } from './migrate';
import { heldPrivateKey } from './passphrase';

/** What the boxes are sealed for. */
export const HELD_PURPOSE = 'omnemo held message';

/** Whose stanza it is. */
export interface HeldPlace {
  readonly origin: string;
  readonly jid: BareJid;
}

/** The database as far as it is needed without its key. */
export interface HeldDatabase {
  getAllKeys(store: string): Promise<IDBValidKey[]>;
  get(store: string, key: IDBValidKey): Promise<unknown>;
  put(store: string, value: unknown, key: IDBValidKey): Promise<unknown>;
  delete(store: string, key: IDBValidKey): Promise<unknown>;
}

/** Sorts by when it came; tells its size without being opened. `at` in ms since 1970. */
function keyFor(at: number, size: number, random: Random): string {
  const tail = Array.from(random(8), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${String(at).padStart(16, '0')}-${size}-${tail}`;
}

function cameAt(key: IDBValidKey): number {
  return typeof key === 'string' ? Number(key.split('-')[0] ?? 0) : 0;
}

function sizeOf(key: IDBValidKey): number {
  return typeof key === 'string' ? Number(key.split('-')[1] ?? 0) : 0;
}

/**
 * Keeps a stanza for the holder of the private half of `heldKey` (32 bytes), durably, and answers what it is called.
 * @throws VaultError `limit` if there are too many.
 */
export async function holdFrame(
  db: HeldDatabase,
  heldKey: Uint8Array,
  { origin, jid }: HeldPlace,
  { frame, at }: Omit<HeldFrame, 'id'>,
  random: Random,
): Promise<string> {
  const box = sealBox(heldKey, random(32), HELD_PURPOSE, encode([origin, jid, at, frame]));
  const keys = await db.getAllKeys(HELD_STORE);
  const bytes = keys.reduce<number>((sum, key) => sum + sizeOf(key), box.length);
  if (keys.length >= MAX_HELD || bytes > MAX_HELD_BYTES) throw new VaultError('limit');
  const id = keyFor(at, box.length, random);
  await db.put(HELD_STORE, box, id);
  return id;
}

interface Opened extends HeldPlace, Omit<HeldFrame, 'id'> {}

/** undefined: nobody sealed it for us, or somebody changed it. */
function openHeld(privateKey: Uint8Array, box: unknown): Opened | undefined {
  if (!(box instanceof Uint8Array)) return undefined;
  try {
    const content = decode(openBox(privateKey, HELD_PURPOSE, box));
    if (!Array.isArray(content)) return undefined;
    const [origin, jid, at, frame]: unknown[] = content;
    if (typeof origin !== 'string' || typeof jid !== 'string') return undefined;
    if (typeof at !== 'number' || typeof frame !== 'string') return undefined;
    // Written by holdFrame, or by somebody who could as well have sent it.
    return { origin, jid: jid as BareJid, at, frame };
  } catch (error) {
    if (error instanceof CipherError || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** The oldest that are kept for an account on a site, as many as are handed over at once; those nobody came for are dropped. */
export async function heldFrames(
  db: HeldDatabase,
  vaultKey: Uint8Array,
  place: HeldPlace,
  now: number,
): Promise<readonly HeldFrame[]> {
  const privateKey = heldPrivateKey(vaultKey);
  const found: HeldFrame[] = [];
  let characters = 0;
  for (const key of await db.getAllKeys(HELD_STORE)) {
    if (now - cameAt(key) > HELD_KEPT_MS) {
      await db.delete(HELD_STORE, key);
      continue;
    }
    // What does not open stays until it is old: the vault may just be sealed anew.
    const held = openHeld(privateKey, await db.get(HELD_STORE, key));
    if (held?.origin !== place.origin || held.jid !== place.jid) continue;
    characters += held.frame.length;
    const isFull = found.length === HELD_AT_ONCE || characters > HELD_CHARACTERS_AT_ONCE;
    if (isFull && found.length > 0) break;
    found.push({ id: String(key), at: held.at, frame: held.frame });
  }
  return found;
}

/** Drops what was handed over, if it is of this account and site. */
export async function dropHeld(
  db: HeldDatabase,
  vaultKey: Uint8Array,
  place: HeldPlace,
  ids: readonly string[],
): Promise<void> {
  const privateKey = heldPrivateKey(vaultKey);
  for (const id of ids) {
    const held = openHeld(privateKey, await db.get(HELD_STORE, id));
    if (held?.origin === place.origin && held.jid === place.jid) await db.delete(HELD_STORE, id);
  }
}
