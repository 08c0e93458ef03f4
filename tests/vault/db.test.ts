import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DATABASE_VERSION, HELD_STORE, VAULT_KEY_STORE } from '../../src/vault/migrate';
import { createDatabase, type Change } from '../../src/vault/db';
import { keyOf, prefixOf } from '../../src/vault/names';
import { newPeer, newSite } from '../../src/vault/records';
import { STORE_NAMES } from '../../src/vault/stores';
import { dump, freshName, jid } from './world';

afterEach(() => void vi.restoreAllMocks());

const site = (origin: string): Change => ({ store: 'sites', key: origin, value: newSite(origin) });
const peer = (key: string, address = 'a@b'): Change => ({
  store: 'peers',
  key,
  value: newPeer(jid(address)),
});
const FAILED = { name: 'VaultError', code: 'storage' };
const quota = () => new DOMException('full', 'QuotaExceededError');

async function isEmpty(name: string): Promise<boolean> {
  return Object.values(await dump(name)).every((records) => Object.keys(records).length === 0);
}

describe('records', () => {
  it('are kept over a new opening, and removed by a change without value', async () => {
    const name = freshName();
    await createDatabase(name).write([site('https://a'), peer('k')]);
    const database = createDatabase(name);
    expect(await database.get('sites', 'https://a')).toEqual(newSite('https://a'));
    await database.write([{ store: 'sites', key: 'https://a' }]);
    expect(await database.get('sites', 'https://a')).toBeUndefined();
    expect(await database.get('peers', 'k')).toBeDefined();
  });

  it('of one key change in the order they are given', async () => {
    const database = createDatabase(freshName());
    const first = { ...newSite('https://a'), policy: 'ask' } as const;
    await database.write([
      { store: 'sites', key: 'https://a', value: first },
      { store: 'sites', key: 'https://a' },
      site('https://a'),
    ]);
    expect(await database.get('sites', 'https://a')).toMatchObject({ policy: 'blind' });
  });

  it('are listed by the parts of their key, never those of a longer name', async () => {
    const database = createDatabase(freshName());
    const [origin, other] = ['https://a.example', 'https://a.example:8443'];
    const keys = [
      keyOf(origin, 'a@b', 'x@y'),
      keyOf(origin, 'a@b', 'x@y.z'),
      keyOf(origin, 'a@b.c', 'x@y'),
      keyOf(origin, 'aa@b', 'x@y'),
      keyOf(other, 'a@b', 'x@y'),
      keyOf(origin, 'a@b', '\ud7ff\ue000 any text'),
    ];
    await database.write(keys.map((key, index) => peer(key, `peer${index}@b`)));
    const listed = await database.list('peers', prefixOf(origin, 'a@b'));
    expect(listed.map((record) => record.peer)).toEqual(['peer0@b', 'peer1@b', 'peer5@b']);
    expect(await database.list('peers', prefixOf(origin))).toHaveLength(5);
    expect(await database.list('peers', '')).toHaveLength(6);
  });
});

describe('a write that fails', () => {
  const good = [site('https://a'), peer('k'), site('https://b')];

  it.each([0, 1, 2, 3])('at change %i keeps nothing of the others', async (at) => {
    const name = freshName();
    const bad = { store: 'peers', key: 'bad', value: () => undefined } as unknown as Change;
    const changes = [...good.slice(0, at), bad, ...good.slice(at)];
    await expect(createDatabase(name).write(changes)).rejects.toMatchObject(FAILED);
    expect(await isEmpty(name)).toBe(true);
  });

  it.each([1, 2, 3])('for want of space at change %i keeps nothing', async (nth) => {
    const name = freshName();
    const database = createDatabase(name);
    const { put } = IDBObjectStore.prototype;
    let puts = 0;
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (
      this: IDBObjectStore,
      ...args
    ) {
      if (++puts === nth) throw quota();
      return Reflect.apply(put, this, args);
    });
    await expect(database.write(good)).rejects.toMatchObject(FAILED);
    vi.restoreAllMocks();
    expect(await isEmpty(name)).toBe(true);
    await database.write(good);
    expect(await isEmpty(name)).toBe(false);
  });

  it('as it is committed has not happened', async () => {
    const name = freshName();
    const database = createDatabase(name);
    await database.get('sites', 'x');
    const { put } = IDBObjectStore.prototype;
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (
      this: IDBObjectStore,
      ...args
    ) {
      const request = Reflect.apply(put, this, args);
      // As when the disk turns out full once all requests succeeded.
      request.addEventListener('success', () => this.transaction.abort());
      return request;
    });
    await expect(database.write([site('https://a')])).rejects.toMatchObject(FAILED);
    vi.restoreAllMocks();
    expect(await isEmpty(name)).toBe(true);
  });

  it('does not keep the next one from working', async () => {
    const name = freshName();
    const database = createDatabase(name);
    const bad = { store: 'peers', key: 'bad', value: () => undefined } as unknown as Change;
    const results = await Promise.allSettled([
      database.write([bad]),
      database.write([site('https://a')]),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(await database.get('sites', 'https://a')).toBeDefined();
  });

  it('tells the cause to us and no one else', async () => {
    const failing = createDatabase(freshName()).write([
      { store: 'peers', key: 'secret@example.org', value: () => undefined } as unknown as Change,
    ]);
    const error = await failing.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: 'vault: storage', retry: true });
    expect(error).toHaveProperty('cause');
  });
});

describe('a database', () => {
  it('that cannot be opened is tried again by the next request', async () => {
    const database = createDatabase(freshName());
    vi.spyOn(indexedDB, 'open').mockImplementationOnce(() => {
      throw new DOMException('no', 'UnknownError');
    });
    await expect(database.get('sites', 'x')).rejects.toMatchObject(FAILED);
    await expect(database.list('sites', '')).resolves.toEqual([]);
  });

  it('lets a newer version of the extension upgrade it, and then fails instead of hanging', async () => {
    const name = freshName();
    const database = createDatabase(name);
    await database.write([site('https://a')]);
    const newer = await openDB(name, DATABASE_VERSION + 1);
    expect([...newer.objectStoreNames].sort()).toEqual(
      [...STORE_NAMES, HELD_STORE, VAULT_KEY_STORE].sort(),
    );
    await expect(database.get('sites', 'https://a')).rejects.toMatchObject(FAILED);
    await expect(database.write([site('https://b')])).rejects.toMatchObject(FAILED);
    expect(await newer.count('sites')).toBe(1);
    newer.close();
  });

  it('finishes what it is writing before it lets go', async () => {
    const name = freshName();
    const database = createDatabase(name);
    await database.get('sites', 'x');
    const writing = database.write([site('https://a')]);
    const newer = await openDB(name, DATABASE_VERSION + 1);
    await writing;
    expect(await newer.count('sites')).toBe(1);
    newer.close();
  });
});
