// Looks at what lies in the database when it is opened, and has the second copy make up for what is gone or damaged (M78). What can be
// made again is dropped where it is damaged; what cannot, stays as it is and is counted, and no new identity is made beside it.
import { toHex } from '../crypto/bytes';
import { VaultError } from '../rpc/errors';
import { VERSIONS } from '../rpc/versions';
import { COPIED_STORES, recoveredAccount, withNewSessions, type CopiedStore } from './copied';
import type { Change } from './db';
import { keyOf, SEPARATOR } from './names';
import type { Opened, Sealer } from './seal';
import { storeOfItem, type CopiedRecord, type FoundCopy } from './second-copy';
import type { StoreName } from './stores';

/** Of damaged records in these nothing is lost that does not come again: a session begins anew, a stream too. */
const MADE_AGAIN = ['sessions', 'streams', 'caps', 'strangers'] as const satisfies StoreName[];

/** What is looked at; the archive and answers to requests are read one by one, when they are asked for. */
export const CHECKED_STORES: readonly StoreName[] = [...COPIED_STORES, ...MADE_AGAIN];

/** A record as it lies in the database. */
export interface Stored {
  readonly store: StoreName;
  readonly name: Uint8Array;
  readonly sealed: unknown;
}

/** Where a record lies. */
export type Place = Pick<Stored, 'store' | 'name'>;

/** What is to be done, and what is to be said. */
export interface Salvage {
  /** Records that come back from the copy, or are changed because others did not. */
  readonly changes: readonly Change[];
  /** Damaged records that are dropped. */
  readonly dropped: readonly Place[];
  /** Damaged records that nothing makes up for, and sessions of an account that is not there. */
  readonly lost: readonly Place[];
  /** Items of the copy that do not open, and that no record makes up for. */
  readonly lostItems: readonly string[];
  /** Accounts (origin and JID) that sessions are left of, and nothing else. */
  readonly orphans: readonly string[];
  /** Records as they will be, of those the copy holds. */
  readonly records: readonly CopiedRecord[];
}

function isCopied(store: StoreName): store is CopiedStore {
  return COPIED_STORES.some((copied) => copied === store);
}

function accountOfKey(key: string): string {
  return keyOf(...key.split(SEPARATOR).slice(0, 2));
}

interface Sorted {
  readonly good: ReadonlyMap<string, Opened & { readonly store: StoreName }>;
  readonly damaged: ReadonlyMap<string, Place>;
}

function sort(sealer: Sealer, stored: readonly Stored[]): Sorted {
  const good = new Map<string, Opened & { store: StoreName }>();
  const damaged = new Map<string, Place>();
  for (const { store, name, sealed } of stored) {
    const place = `${store} ${toHex(name)}`;
    try {
      good.set(place, { store, ...sealer.open(store, name, sealed) });
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      damaged.set(place, { store, name });
    }
  }
  return { good, damaged };
}

/**
 * What has to be done about the stored records.
 * @param itemOf the item of the copy that a record has
 */
export function planSalvage(
  sealer: Sealer,
  stored: readonly Stored[],
  copy: FoundCopy,
  itemOf: (store: CopiedStore, key: string) => string,
): Salvage {
  const { good, damaged } = sort(sealer, stored);
  const placeOf = (store: StoreName, key: string): string =>
    `${store} ${toHex(sealer.nameOf(store, key))}`;
  const records = new Map<string, CopiedRecord>();
  for (const [place, { store, key, value }] of good)
    // What was sealed for a store was a record of it.
    if (isCopied(store)) records.set(place, { store, key, value } as CopiedRecord);
  const returned = new Set<string>();
  for (const record of copy.records.values()) {
    const place = placeOf(record.store, record.key);
    if (records.has(place)) continue;
    records.set(place, recovered(record));
    returned.add(place);
  }
  const changed = new Set(returned);
  for (const record of copy.records.values()) {
    const place = placeOf(record.store, record.key);
    const here = records.get(place);
    if (record.store !== 'accounts' || here?.store !== 'accounts' || returned.has(place)) continue;
    const later = record.value.epoch;
    if (later === undefined || later.number <= (here.value.epoch?.number ?? 0)) continue;
    // The database was put back, and the copy was not.
    records.set(place, { ...here, value: { ...here.value, epoch: later, isBehind: true } });
    changed.add(place);
    for (const newer of copy.records.values()) {
      const known = records.get(placeOf(newer.store, newer.key));
      if (newer.store !== 'peers' || known?.store !== 'peers') continue;
      if (accountOfKey(newer.key) !== record.key) continue;
      const { keys, encryption } = newer.value;
      const peer = placeOf(newer.store, newer.key);
      records.set(peer, { ...known, value: { ...known.value, keys, encryption } });
      changed.add(peer);
    }
  }
  for (const [place, record] of records) {
    if (record.store !== 'peers') continue;
    const [origin = '', jid = '', peer = ''] = record.key.split(SEPARATOR);
    const versions = VERSIONS.filter((version) => {
      const ofSessions = placeOf('sessions', keyOf(origin, jid, version, peer));
      return damaged.has(ofSessions) || (returned.has(place) && !good.has(ofSessions));
    });
    if (versions.length === 0) continue;
    const isOwn = peer === jid;
    records.set(place, { ...record, value: withNewSessions(record.value, versions, isOwn) });
    changed.add(place);
  }
  const lost = [...damaged].filter(([place, { store }]) => isCopied(store) && !records.has(place));
  const items = new Set([...records.values()].map(({ store, key }) => itemOf(store, key)));
  const accounts = new Set(
    [...records.values()].flatMap(({ store, key }) => (store === 'accounts' ? [key] : [])),
  );
  const orphaned = [...good.values()].filter(
    ({ store, key }) => store === 'sessions' && !accounts.has(accountOfKey(key)),
  );
  return {
    changes: [...changed].flatMap((place) => records.get(place) ?? []),
    dropped: [...damaged.values()].filter(({ store }) => !isCopied(store)),
    lost: [
      ...lost.map(([, place]) => place),
      ...orphaned.map(({ store, key }) => ({ store, name: sealer.nameOf(store, key) })),
    ],
    lostItems: copy.unreadable.filter((item) => !items.has(item)),
    orphans: [...new Set(orphaned.map(({ key }) => accountOfKey(key)))],
    records: [...records.values()],
  };
}

function recovered(record: CopiedRecord): CopiedRecord {
  if (record.store !== 'accounts') return record;
  return { ...record, value: recoveredAccount(record.value) };
}

/** May an account's first record be written: not while that of an earlier identity may be among what cannot be read. */
export function hidesIdentity({ lost, lostItems, orphans }: Salvage, account: string): boolean {
  return (
    orphans.includes(account) ||
    lost.some(({ store }) => store === 'accounts') ||
    lostItems.some((item) => storeOfItem(item) === 'accounts')
  );
}
