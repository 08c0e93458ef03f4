// What is in a backup: records of its own, so that it does not change with what the vault stores, and nothing of a ratchet, a session or
// a private half of a prekey (M75). Each is rebuilt field by field when read, whoever made the file (M85).
import {
  MAX_BACKUP_DEVICES,
  MAX_BACKUP_HELD,
  MAX_BACKUP_KEYS,
  MAX_BACKUP_TEXT,
  MAX_FOREIGN_ID,
  MAX_HOST,
  MAX_ID,
  MAX_RETENTION_DAYS,
} from '../../limits';
import { VaultError } from '../../rpc/errors';
import {
  bool,
  bytes,
  either,
  integer,
  jid,
  list,
  oneOf,
  record,
  text,
  type Guard,
} from '../../rpc/guards';
import { LEGACY, OMEMO2 } from '../../rpc/versions';
import { decode, encode } from '../cbor';
import { protectableOrigin } from '../sites';

const KEY = bytes(32, 32);
const TIME = integer(0, Number.MAX_SAFE_INTEGER);
const RETENTION = either(oneOf('off', 'ever'), integer(1, MAX_RETENTION_DAYS));
const TRUST = oneOf('undecided', 'trusted', 'verified', 'distrusted');
const VERSION = oneOf(LEGACY, OMEMO2);

const ORIGIN: Guard<string> = (input) => {
  const origin = text(MAX_HOST)(input);
  if (protectableOrigin(origin) !== origin) throw new VaultError('bad-request');
  return origin;
};

/** What the file is; first. */
const ABOUT = record({ kind: oneOf('about'), createdAt: TIME });

const SITE = record(
  {
    kind: oneOf('site'),
    origin: ORIGIN,
    policy: oneOf('blind', 'ask', 'verified-only'),
    accounts: list(
      record({ jid, endpoint: text(MAX_HOST), decision: oneOf('granted', 'ignored') }),
      MAX_BACKUP_HELD,
    ),
  },
  { retention: RETENTION },
);

/** An identity, and the last ids its prekeys had: the next ones start behind them. */
const ACCOUNT = record({
  kind: oneOf('account'),
  origin: ORIGIN,
  jid,
  deviceId: integer(1, MAX_ID),
  privateKey: KEY,
  publicKey: KEY,
  createdAt: TIME,
  prekeys: list(
    record({ version: VERSION, signedId: integer(1, MAX_ID), oneTimeId: integer(1, MAX_ID) }),
    2,
  ),
});

const DEVICE = record(
  {
    deviceId: integer(0, MAX_FOREIGN_ID),
    firstSeen: TIME,
    lastSeen: TIME,
    listedIn: list(VERSION, 2),
  },
  { identityKey: KEY, changedKey: KEY, writesIn: VERSION },
);

const PEER = record(
  {
    kind: oneOf('peer'),
    origin: ORIGIN,
    jid,
    peer: jid,
    encryption: oneOf('on', 'off'),
    keys: list(record({ identityKey: KEY, trust: TRUST, firstSeen: TIME }), MAX_BACKUP_KEYS),
    devices: list(DEVICE, MAX_BACKUP_DEVICES),
    isWrittenTo: bool,
  },
  { encryptedSince: TIME, prefersOmemo2: bool, retention: RETENTION },
);

/** The texts behind it belong to this account. */
const ARCHIVE = record({ kind: oneOf('archive'), origin: ORIGIN, jid });

/** What a ciphertext said; of an empty message there is no text. */
const TEXT = record(
  { kind: oneOf('text'), digest: KEY, peer: jid, at: TIME },
  { text: text(MAX_BACKUP_TEXT), identityKey: KEY },
);

/** Last: how many records of texts there were. */
const END = record({ kind: oneOf('end'), records: TIME });

type Of<G> = G extends Guard<infer T> ? T : never;

export type BackupAbout = Of<typeof ABOUT>;
export type BackupSite = Of<typeof SITE>;
export type BackupAccount = Of<typeof ACCOUNT>;
export type BackupPeer = Of<typeof PEER>;
export type BackupArchive = Of<typeof ARCHIVE>;
export type BackupText = Of<typeof TEXT>;
export type BackupEnd = Of<typeof END>;

/** One record of a backup. */
export type BackupEntry =
  BackupAbout | BackupSite | BackupAccount | BackupPeer | BackupArchive | BackupText | BackupEnd;

const GUARDS: { readonly [K in BackupEntry['kind']]: Guard<Extract<BackupEntry, { kind: K }>> } = {
  about: ABOUT,
  site: SITE,
  account: ACCOUNT,
  peer: PEER,
  archive: ARCHIVE,
  text: TEXT,
  end: END,
};

function isKind(kind: unknown): kind is BackupEntry['kind'] {
  return typeof kind === 'string' && Object.hasOwn(GUARDS, kind);
}

function entryFrom(input: unknown): BackupEntry {
  const kind = typeof input === 'object' && input !== null && 'kind' in input ? input.kind : '';
  if (!isKind(kind)) throw new VaultError('bad-backup');
  return GUARDS[kind](input);
}

/** The bytes of a frame that holds these. */
export function encodeEntries(entries: readonly BackupEntry[]): Uint8Array {
  return encode(entries);
}

/** What a frame holds. @throws VaultError `bad-backup` for anything that is not as it must be. */
export function decodeEntries(plaintext: Uint8Array): readonly BackupEntry[] {
  try {
    const entries = decode(plaintext);
    if (!Array.isArray(entries)) throw new VaultError('bad-backup');
    return entries.map(entryFrom);
  } catch (cause) {
    throw new VaultError('bad-backup', { cause });
  }
}
