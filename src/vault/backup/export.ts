// Reads what goes into a backup out of the vault, in parts: identities, trust, settings, and the texts that are kept.
import type { Random } from '../../omemo/types';
import { BACKUP_FRAME, ARCHIVE_BATCH, MAX_BACKUP_DEVICES, MAX_BACKUP_KEYS } from '../../limits';
import { VERSIONS } from '../../rpc/versions';
import { encode } from '../cbor';
import { loadSite, scopedKey, type Context, type Scope } from '../context';
import type { StoredRecord } from '../db';
import { activeVersions } from '../device-facts';
import { prefixOf } from '../names';
import type { AccountRecord, KeyRecord, PeerRecord, SiteRecord } from '../records';
import { horizon } from '../retention';
import type { StoreName } from '../stores';
import {
  encodeEntries,
  type BackupAccount,
  type BackupEntry,
  type BackupPeer,
  type BackupSite,
  type BackupText,
} from './contents';
import { createBackupWriter } from './file';

/** What a part holds, and what had to be left out of it. */
interface Part {
  readonly entries: readonly BackupEntry[];
  /** Bytes, about. */
  readonly size: number;
  readonly damaged: number;
}

function siteEntry({ origin, policy, accounts, retention }: SiteRecord): BackupSite {
  return {
    kind: 'site',
    origin,
    policy,
    accounts: accounts.flatMap(({ jid, endpoint, decision }) =>
      decision === 'pending' ? [] : [{ jid, endpoint, decision }],
    ),
    ...(retention !== undefined && { retention }),
  };
}

function accountEntry(account: AccountRecord): BackupAccount {
  const { origin, jid, deviceId, identity, createdAt } = account;
  return {
    kind: 'account',
    origin,
    jid,
    deviceId,
    ...identity,
    createdAt,
    prekeys: VERSIONS.flatMap((version) => {
      const store = account.prekeys[version];
      if (store === undefined) return [];
      return [{ version, signedId: store.signedPrekey.id, oneTimeId: store.nextOneTimePrekeyId }];
    }),
  };
}

/** Where there are more than a backup takes, what somebody decided on comes first. */
function keysOf({ keys }: PeerRecord): readonly KeyRecord[] {
  const isDecided = ({ trust }: KeyRecord): boolean =>
    trust === 'verified' || trust === 'distrusted';
  const decided = keys.filter(isDecided);
  const others = keys.filter((key) => !isDecided(key)).toReversed();
  return [...decided, ...others].slice(0, MAX_BACKUP_KEYS);
}

function peerEntry({ origin, jid }: Scope, peer: PeerRecord): BackupPeer {
  const { encryptedSince, prefersOmemo2, retention } = peer;
  return {
    kind: 'peer',
    origin,
    jid,
    peer: peer.peer,
    encryption: peer.encryption,
    keys: keysOf(peer),
    devices: peer.devices.slice(0, MAX_BACKUP_DEVICES).map((device) => {
      const { deviceId, identityKey, changedKey, firstSeen, lastSeen, writesIn } = device;
      return {
        deviceId,
        firstSeen,
        lastSeen,
        listedIn: activeVersions(device),
        ...(identityKey !== undefined && { identityKey }),
        ...(changedKey !== undefined && { changedKey }),
        ...(writesIn !== undefined && { writesIn }),
      };
    }),
    isWrittenTo: peer.isWrittenTo,
    ...(encryptedSince !== undefined && { encryptedSince }),
    ...(prefersOmemo2 !== undefined && { prefersOmemo2 }),
    ...(retention !== undefined && { retention }),
  };
}

function digestIn(key: string): Uint8Array {
  const hex = key.slice(key.lastIndexOf('\n') + 1);
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

function textEntry({ key, value }: StoredRecord<'archive'>): BackupText {
  const { peer, at, text, identityKey } = value;
  return {
    kind: 'text',
    digest: digestIn(key),
    peer,
    at,
    ...(text !== undefined && { text }),
    ...(identityKey !== undefined && { identityKey }),
  };
}

/** A store, or what of it begins alike, part by part. */
async function* pagesOf<S extends StoreName>({ database }: Context, store: S, prefix: string) {
  let after: Uint8Array | undefined;
  do {
    const page = await database.page(store, prefix, ARCHIVE_BATCH, after);
    yield page;
    after = page.last;
  } while (after !== undefined);
}

async function* entriesOf<S extends StoreName>(
  context: Context,
  store: S,
  prefix: string,
  entryOf: (record: StoredRecord<S>) => BackupEntry,
): AsyncGenerator<Part> {
  for await (const { records, damaged } of pagesOf(context, store, prefix)) {
    const entries = records.map(entryOf);
    yield { entries, size: encode(entries).length, damaged };
  }
}

/** The texts of an account that are kept. */
async function* textsOf(context: Context, scope: Scope): AsyncGenerator<Part> {
  const { database } = context;
  const site = await loadSite(database, scope.origin);
  const horizons = new Map<string, number>();
  const prefix = prefixOf(scope.origin, scope.jid);
  for await (const { records, damaged } of pagesOf(context, 'archive', prefix)) {
    const kept: StoredRecord<'archive'>[] = [];
    for (const record of records) {
      const { peer, at } = record.value;
      const known = horizons.get(peer);
      const since =
        known ?? horizon(site, await database.get('peers', scopedKey(scope, peer)), context.now());
      horizons.set(peer, since);
      if (at >= since) kept.push(record);
    }
    // Each alone: together they may be longer than a part may be.
    for (const record of kept)
      yield { entries: [textEntry(record)], size: record.size, damaged: 0 };
    yield { entries: [], size: 0, damaged };
  }
}

async function* partsOf(context: Context): AsyncGenerator<Part> {
  const about: BackupEntry = { kind: 'about', createdAt: context.now() };
  yield { entries: [about], size: 0, damaged: 0 };
  yield* entriesOf(context, 'sites', '', ({ value }) => siteEntry(value));
  const accounts: Scope[] = [];
  for await (const { records, damaged } of pagesOf(context, 'accounts', '')) {
    accounts.push(...records.map(({ value: { origin, jid } }) => ({ origin, jid })));
    const entries = records.map(({ value }) => accountEntry(value));
    yield { entries, size: encode(entries).length, damaged };
  }
  for (const scope of accounts) {
    const prefix = prefixOf(scope.origin, scope.jid);
    yield* entriesOf(context, 'peers', prefix, ({ value }) => peerEntry(scope, value));
  }
  for (const scope of accounts) {
    yield { entries: [{ kind: 'archive', ...scope }], size: 0, damaged: 0 };
    yield* textsOf(context, scope);
  }
}

/** The next bytes of a backup. */
export interface BackupChunk {
  readonly bytes: Uint8Array;
  readonly isLast: boolean;
  /** Texts so far. */
  readonly texts: number;
  /** Records so far that could not be read and are left out. */
  readonly damaged: number;
}

/**
 * A backup of the whole vault, chunk by chunk: each is read when it is asked for, so little of it is held.
 * @param secret 16 bytes, those of its code
 */
export async function* exportBackup(
  context: Context,
  secret: Uint8Array,
  random: Random,
): AsyncGenerator<BackupChunk> {
  const writer = createBackupWriter(secret, random);
  let waiting: BackupEntry[] = [];
  let size = 0;
  let records = 0;
  let texts = 0;
  let damaged = 0;
  yield { bytes: writer.header, isLast: false, texts, damaged };
  for await (const part of partsOf(context)) {
    damaged += part.damaged;
    const archived = part.entries.filter((entry) => entry.kind === 'text');
    records += archived.length;
    texts += archived.filter(({ text }) => text !== undefined).length;
    // Before it gets too large, not after: a part may be half of what there is room for.
    if (waiting.length > 0 && size + part.size > BACKUP_FRAME) {
      yield { bytes: writer.frame(encodeEntries(waiting), false), isLast: false, texts, damaged };
      waiting = [];
      size = 0;
    }
    waiting.push(...part.entries);
    size += part.size;
  }
  waiting.push({ kind: 'end', records });
  yield { bytes: writer.frame(encodeEntries(waiting), true), isLast: true, texts, damaged };
}
