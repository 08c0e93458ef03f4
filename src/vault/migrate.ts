// Records of earlier versions of the extension in the form of this one, sealed. A migration runs inside the transaction that upgrades
// the database: it is done whole or not at all, and nothing but IndexedDB is awaited in it.
import { LEGACY } from '../rpc/versions';
import type { Sealer } from './seal';
import { STORE_NAMES, type StoreName } from './stores';

/** The version of the database that this code writes. */
export const DATABASE_VERSION = 4;
/** The last version that wrote in clear. */
const LAST_IN_CLEAR = 2;
/** The store of the wrapped key, and the one key in it. */
export const VAULT_KEY_STORE = 'vault-key';
export const VAULT_KEY_NAME = 'vault-key';
/** The store of what came while the vault was locked: boxes of held.ts. */
export const HELD_STORE = 'held';

/** Records read at once: enough to be quick, few enough to be held. */
const BATCH = 200;

interface Store {
  name: string;
  getAll(range: IDBKeyRange | null, count: number): Promise<unknown[]>;
  getAllKeys(range: IDBKeyRange | null, count: number): Promise<IDBValidKey[]>;
  put(value: unknown, key: IDBValidKey): Promise<unknown>;
}

/** The database while it is upgraded. */
export interface Upgrade {
  createObjectStore(name: string): Store;
  deleteObjectStore(name: string): void;
  objectStore(name: string): Store;
}

/** What the upgraded database is sealed with, and the record it is opened with afterwards. */
export interface Seal {
  readonly sealer: Sealer;
  readonly keyRecord: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

interface Entry {
  readonly store: StoreName;
  readonly key: string;
  readonly value: Fields;
}

/** The fields of `record` named in `names`, as far as they are there, and the others. */
function split(record: Fields, names: readonly string[]): readonly [Fields, Fields] {
  const isNamed = ([name]: readonly [string, unknown]): boolean => names.includes(name);
  const entries = Object.entries(record);
  return [
    Object.fromEntries(entries.filter(isNamed)),
    Object.fromEntries(entries.filter((entry) => !isNamed(entry))),
  ];
}

/** 1 to 2: there was one store of prekeys, that of legacy. */
function accountByVersion({ prekeys, ...account }: Fields): Fields {
  return { ...account, v: 2, prekeys: { [LEGACY]: prekeys } };
}

const FACTS = ['isActive', 'bundle', 'noBundleUntil', 'isResetWanted', 'repairedAt'];

function deviceByVersion(device: Fields): Fields {
  const [facts, rest] = split(device, FACTS);
  return { ...rest, versions: { [LEGACY]: facts } };
}

/** 1 to 2: lists and bundles were those of legacy. */
function peerByVersion({ listAt, listFailure, devices, ...peer }: Fields): Fields {
  const list = {
    ...(listAt !== undefined && { seenAt: listAt }),
    ...(listFailure !== undefined && { failure: listFailure }),
  };
  return {
    ...peer,
    v: 2,
    devices: Array.isArray(devices) ? devices.map(deviceByVersion) : [],
    lists: Object.keys(list).length === 0 ? {} : { [LEGACY]: list },
  };
}

/** 1 to 2: an answer held one message. */
function requestByVersion({ message, ...request }: Fields): Fields {
  return { ...request, v: 2, messages: [message] };
}

const TO_VERSION_2: Readonly<Partial<Record<StoreName, (record: Fields) => Fields>>> = {
  accounts: accountByVersion,
  peers: peerByVersion,
  requests: requestByVersion,
};

/** 2 to 3: what the pages of a site can do stood in the record of the site. */
function withCapsApart({ store, key, value }: Entry): readonly Entry[] {
  const { caps, ...site } = value;
  if (store !== 'sites' || caps === undefined) return [{ store, key, value }];
  return [
    { store, key, value: site },
    { store: 'caps', key, value: { v: 1, caps } },
  ];
}

/** Stores that no database in clear had. */
const NEW_STORES: readonly StoreName[] = ['caps', 'strangers'];

/** What becomes of a record of a database of version `before`. */
function migrated(before: number, { store, key, value }: Entry): readonly Entry[] {
  const step = before < 2 ? TO_VERSION_2[store] : undefined;
  return withCapsApart({ store, key, value: step === undefined ? value : step(value) });
}

async function put(upgrade: Upgrade, { sealer }: Seal, entries: readonly Entry[]): Promise<void> {
  await Promise.all(
    entries.map(async ({ store, key, value }) => {
      const { name, bytes } = sealer.seal(store, key, value);
      await upgrade.objectStore(store).put(bytes, new Uint8Array(name));
    }),
  );
}

/** Seals every record of a store that lies in `from` in clear. */
async function sealAll(
  upgrade: Upgrade,
  seal: Seal,
  before: number,
  store: StoreName,
  from: Store,
): Promise<void> {
  let range: IDBKeyRange | null = null;
  for (;;) {
    const keys = await from.getAllKeys(range, BATCH);
    const values = await from.getAll(range, BATCH);
    const last = keys.at(-1);
    if (last === undefined) return;
    const entries = keys.map((key, index) => ({
      store,
      key: String(key),
      value: values[index] as Fields,
    }));
    await put(
      upgrade,
      seal,
      entries.flatMap((entry) => migrated(before, entry)),
    );
    range = IDBKeyRange.lowerBound(last, true);
  }
}

/** Did a database of this version lie in clear. */
export function wasInClear(before: number): boolean {
  return before > 0 && before <= LAST_IN_CLEAR;
}

/** Brings a database of version `before` to the present one; 0: there is none yet. What lay in clear goes with its stores. */
export async function migrate(upgrade: Upgrade, before: number, seal: Seal): Promise<void> {
  if (before <= LAST_IN_CLEAR) await sealedFirst(upgrade, before, seal);
  upgrade.createObjectStore(HELD_STORE);
}

/** To 3: all that lay in clear is sealed. */
async function sealedFirst(upgrade: Upgrade, before: number, seal: Seal): Promise<void> {
  const former = before === 0 ? [] : STORE_NAMES.filter((store) => !NEW_STORES.includes(store));
  const unsealed = former.map((store) => {
    const from = upgrade.objectStore(store);
    from.name = `${store}-unsealed`;
    return { store, from };
  });
  for (const store of STORE_NAMES) upgrade.createObjectStore(store);
  await upgrade.createObjectStore(VAULT_KEY_STORE).put(seal.keyRecord, VAULT_KEY_NAME);
  for (const { store, from } of unsealed) {
    await sealAll(upgrade, seal, before, store, from);
    upgrade.deleteObjectStore(from.name);
  }
}
