// What lies in the database of a vault as it lies there: for looking at it, and for damaging it.
import { openDB, type IDBPDatabase } from 'idb';

/** A record as it is stored, in whatever form. */
export interface RawRecord {
  readonly store: string;
  readonly key: IDBValidKey;
  readonly value: unknown;
}

/** Works on a database and closes it. */
export async function onDisk<T>(name: string, work: (db: IDBPDatabase) => Promise<T>): Promise<T> {
  const db = await openDB(name);
  try {
    return await work(db);
  } finally {
    db.close();
  }
}

/** Everything that is stored. */
export function rawRecords(name: string): Promise<readonly RawRecord[]> {
  return onDisk(name, async (db) => {
    const all: RawRecord[] = [];
    for (const store of db.objectStoreNames) {
      const [keys, values] = await Promise.all([db.getAllKeys(store), db.getAll(store)]);
      all.push(...keys.map((key, index) => ({ store, key, value: values[index] as unknown })));
    }
    return all;
  });
}

/** The bytes of a key or value, whatever its form: each string as UTF-8 and UTF-16, bytes as they are. */
export function bytesIn(value: unknown): Buffer {
  if (typeof value === 'string')
    return Buffer.concat([Buffer.from(value, 'utf8'), Buffer.from(value, 'utf16le')]);
  if (value instanceof ArrayBuffer) return Buffer.from(value);
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (typeof value === 'number') return Buffer.from(` ${value} `);
  if (typeof value !== 'object' || value === null) return Buffer.alloc(0);
  return Buffer.concat(Object.entries(value).flatMap((entry) => entry.map(bytesIn)));
}

/** What nobody may find: every text, address and key of records, each as bytes that it would lie there as. By what it is. */
export function secretsIn(records: unknown): ReadonlyMap<string, readonly Buffer[]> {
  const secrets = new Map<string, readonly Buffer[]>();
  const add = (text: string): void => {
    if (text.length < 8 || text.startsWith('urn:')) return;
    secrets.set(text, [Buffer.from(text, 'utf8'), Buffer.from(text, 'utf16le')]);
  };
  const walk = (value: unknown): void => {
    if (typeof value === 'string') add(value);
    else if (value instanceof Uint8Array && value.length >= 8)
      secrets.set(Buffer.from(value).toString('hex'), [Buffer.from(value)]);
    else if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array))
      for (const [name, item] of Object.entries(value)) {
        for (const part of name.split('\n')) if (/[@:]|^[0-9a-f]{64}$/.test(part)) add(part);
        walk(item);
      }
  };
  walk(records);
  return secrets;
}

/** Which of them are found in what is stored. */
export async function foundOnDisk(
  name: string,
  secrets: ReadonlyMap<string, readonly Buffer[]>,
): Promise<readonly string[]> {
  const records = await rawRecords(name);
  const all = Buffer.concat(records.flatMap(({ key, value }) => [bytesIn(key), bytesIn(value)]));
  return [...secrets]
    .filter(([, forms]) => forms.some((form) => all.includes(form)))
    .map(([what]) => what);
}
