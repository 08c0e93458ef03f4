// Records of earlier versions of the extension in the form of this one. A migration runs inside the transaction that upgrades the
// database: it is done whole or not at all, and nothing but IndexedDB is awaited in it.
import { LEGACY } from '../rpc/versions';

/** The version of the database that this code writes. */
export const DATABASE_VERSION = 2;

interface Cursor {
  readonly value: Fields;
  update(record: Fields): Promise<unknown>;
  continue(): Promise<Cursor | null>;
}

/** The transaction that upgrades the database. */
export interface Upgrade {
  objectStore(name: string): { openCursor(): Promise<Cursor | null> };
}

type Fields = Readonly<Record<string, unknown>>;

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

async function rewrite(
  transaction: Upgrade,
  name: string,
  step: (record: Fields) => Fields,
): Promise<void> {
  const store = transaction.objectStore(name);
  for (let cursor = await store.openCursor(); cursor !== null; cursor = await cursor.continue()) {
    await cursor.update(step(cursor.value));
  }
}

/** Brings a database of version `before` (1 or higher) to the present one. */
export async function migrate(transaction: Upgrade, before: number): Promise<void> {
  if (before >= 2) return;
  await rewrite(transaction, 'accounts', accountByVersion);
  await rewrite(transaction, 'peers', peerByVersion);
  await rewrite(transaction, 'requests', requestByVersion);
}
