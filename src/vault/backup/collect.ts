// Puts together what a backup holds as its parts are read, and refuses one whose records do not belong together. Texts are not held.
import { MAX_BACKUP_HELD, MAX_BACKUP_TEXTS } from '../../limits';
import { publicKeyOf } from '../../crypto/engine';
import { equalBytes } from '../../crypto/bytes';
import { VaultError } from '../../rpc/errors';
import { keyOf } from '../names';
import { createBackupReader } from './file';
import {
  decodeEntries,
  type BackupAccount,
  type BackupEntry,
  type BackupPeer,
  type BackupSite,
  type BackupText,
} from './contents';

/** A text with the account it belongs to. */
export interface ScopedText extends BackupText {
  readonly origin: string;
  readonly jid: BackupAccount['jid'];
}

/** What a backup holds but texts. */
export interface Collected {
  readonly createdAt: number;
  readonly sites: readonly BackupSite[];
  readonly accounts: readonly BackupAccount[];
  readonly peers: readonly BackupPeer[];
  readonly texts: number;
}

/** Reads a backup piece by piece. */
export interface Collector {
  /** The texts that are whole with this piece. @throws VaultError as `BackupReader.read`, and `limit`. */
  read(piece: Uint8Array, isLast: boolean): readonly ScopedText[];
  /** Everything else, after the last piece. @throws VaultError `bad-backup` before it. */
  collected(): Collected;
  /** Names the file, once its header was read. */
  salt(): Uint8Array | undefined;
}

function refuse(): never {
  throw new VaultError('bad-backup');
}

/** @param secret 16 bytes, those of the code. */
export function createCollector(secret: Uint8Array): Collector {
  const reader = createBackupReader(secret);
  const sites = new Map<string, BackupSite>();
  const accounts = new Map<string, BackupAccount>();
  const peers = new Map<string, BackupPeer>();
  let createdAt: number | undefined;
  let scope: BackupAccount | undefined;
  let records = 0;
  let texts = 0;
  let isEnded = false;

  function hold<E>(held: Map<string, E>, key: string, entry: E): void {
    if (held.has(key)) refuse();
    held.set(key, entry);
    if (sites.size + accounts.size + peers.size > MAX_BACKUP_HELD) throw new VaultError('limit');
  }

  function take(entry: BackupEntry): readonly ScopedText[] {
    // First what it is, last what it was.
    if (isEnded || (createdAt === undefined) !== (entry.kind === 'about')) refuse();
    switch (entry.kind) {
      case 'about':
        createdAt = entry.createdAt;
        return [];
      case 'site':
        hold(sites, entry.origin, entry);
        return [];
      case 'account':
        hold(accounts, keyOf(entry.origin, entry.jid), entry);
        return [];
      case 'peer':
        if (!accounts.has(keyOf(entry.origin, entry.jid))) refuse();
        hold(peers, keyOf(entry.origin, entry.jid, entry.peer), entry);
        return [];
      case 'archive':
        scope = accounts.get(keyOf(entry.origin, entry.jid)) ?? refuse();
        return [];
      case 'text': {
        if (scope === undefined) refuse();
        records += 1;
        if (entry.text !== undefined) texts += 1;
        if (records > MAX_BACKUP_TEXTS) throw new VaultError('limit');
        const { origin, jid } = scope;
        return [{ ...entry, origin, jid }];
      }
      case 'end':
        if (entry.records !== records) refuse();
        isEnded = true;
        return [];
    }
  }

  return {
    salt: () => reader.salt(),
    read(piece, isLast) {
      const found = reader.read(piece, isLast).flatMap((part) => decodeEntries(part).flatMap(take));
      if (isLast && !isEnded) refuse();
      return found;
    },
    collected() {
      if (!isEnded || createdAt === undefined) return refuse();
      return {
        createdAt,
        sites: [...sites.values()],
        accounts: [...accounts.values()],
        peers: [...peers.values()],
        texts,
      };
    },
  };
}

/** Are the halves of every identity of one key. @throws VaultError `bad-backup`. */
export async function checkIdentities(accounts: readonly BackupAccount[]): Promise<void> {
  for (const { privateKey, publicKey } of accounts) {
    if (!equalBytes(await publicKeyOf(privateKey), publicKey)) refuse();
  }
}
