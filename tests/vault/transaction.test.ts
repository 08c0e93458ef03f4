import { describe, expect, it } from 'vitest';
import { VaultError } from '../../src/rpc/errors';
import { createDatabase } from '../../src/vault/db';
import { keyOf } from '../../src/vault/names';
import { newSite } from '../../src/vault/records';
import { createTransactions } from '../../src/vault/transaction';
import { faulty, dump, freshName, keysOf } from './world';

const site = (origin: string) => newSite(origin);

function setUp() {
  const name = freshName();
  const database = createDatabase(name);
  return { name, database, transactions: createTransactions(database) };
}

describe('a transaction', () => {
  it('stores what its step staged, in all stores at once', async () => {
    const { name, transactions } = setUp();
    const result = await transactions.run('a', async (unit) => {
      unit.put('sites', 'x', site('x'));
      unit.put('archive', 'k', { v: 1, peer: 'a@b' as never, text: 't', at: 1 });
      return 7;
    });
    expect(result).toBe(7);
    const stored = await dump(name);
    expect(Object.keys(stored['sites'] ?? {})).toEqual(['x']);
    expect(stored['archive']).toEqual({ k: { v: 1, peer: 'a@b', text: 't', at: 1 } });
  });

  it('stores nothing when its step throws, and says what was thrown', async () => {
    const { name, transactions } = setUp();
    await transactions.run('a', async (unit) => unit.put('sites', 'x', site('x')));
    const before = await dump(name);
    const thrown = new VaultError('stale');
    const running = transactions.run('a', async (unit) => {
      unit.put('sites', 'x', { ...site('x'), isProtected: true });
      unit.put('sites', 'y', site('y'));
      unit.remove('sites', 'x');
      await unit.get('sites', 'x');
      throw thrown;
    });
    await expect(running).rejects.toBe(thrown);
    expect(await dump(name)).toEqual(before);
  });

  it('reads what it has staged, put or removed, and not the stored record', async () => {
    const { transactions, database } = setUp();
    await transactions.run('a', async (unit) => unit.put('sites', 'x', site('x')));
    await transactions.run('a', async (unit) => {
      expect(await unit.get('sites', 'x')).toEqual(site('x'));
      unit.put('sites', 'x', { ...site('x'), policy: 'ask' });
      expect((await unit.get('sites', 'x'))?.policy).toBe('ask');
      expect(await unit.get('accounts', 'x')).toBe(undefined);
      unit.remove('sites', 'x');
      expect(await unit.get('sites', 'x')).toBe(undefined);
    });
    expect(await database.get('sites', 'x')).toBe(undefined);
  });

  it('shows nothing to others before it is committed', async () => {
    const { transactions, database } = setUp();
    await transactions.run('a', async (unit) => {
      unit.put('sites', 'x', site('x'));
      expect(await database.get('sites', 'x')).toBe(undefined);
    });
    expect(await database.get('sites', 'x')).toEqual(site('x'));
  });

  it('writes nothing for a step that only reads', async () => {
    const { database } = setUp();
    const counted = faulty(database);
    const transactions = createTransactions({
      ...counted,
      write: (changes) => {
        expect(changes).toEqual([]);
        return database.write(changes);
      },
    });
    expect(await transactions.run('a', async (unit) => unit.get('sites', 'x'))).toBe(undefined);
  });
});

describe('steps of one lock', () => {
  it('never overlap, also when one throws or a write fails, and run in order', async () => {
    const { database } = setUp();
    const slow = faulty(database, 3);
    const transactions = createTransactions(slow);
    let inside = 0;
    const order: number[] = [];
    const runs = Array.from({ length: 20 }, (_, index) =>
      transactions.run('a', async (unit) => {
        inside += 1;
        expect(inside).toBe(1);
        await unit.get('sites', 'n');
        unit.put('sites', String(index), site('x'));
        await unit.get('sites', 'm');
        order.push(index);
        inside -= 1;
        if (index % 5 === 4) throw new Error('step');
      }),
    );
    const results = await Promise.allSettled(runs);
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
    const failed = results.flatMap(({ status }, index) => (status === 'rejected' ? [index] : []));
    expect(failed).toEqual([2, 4, 9, 14, 19]);
    const stored = await keysOf(database, 'sites');
    expect(stored).toHaveLength(15);
  });

  it('see what the one before has committed: a counter loses nothing', async () => {
    const { transactions, database } = setUp();
    const add = () =>
      transactions.run('a', async (unit) => {
        const before = (await unit.get('sites', 'x')) ?? site('x');
        unit.put('sites', 'x', { ...before, intentTabId: (before.intentTabId ?? 0) + 1 });
      });
    await Promise.all(Array.from({ length: 30 }, add));
    expect((await database.get('sites', 'x'))?.intentTabId).toBe(30);
  });

  it('do not wait for those of another lock', async () => {
    const { transactions } = setUp();
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const held = transactions.run('a', () => gate);
    await transactions.run('b', async (unit) => unit.put('sites', 'x', site('x')));
    release();
    await held;
  });
});

describe('the database', () => {
  it('lists by prefix and in order of the keys, and nothing of a longer name', async () => {
    const { database } = setUp();
    const keys = [keyOf('a', '2'), keyOf('a', '1'), keyOf('ab', '1'), 'a', keyOf('b', '1')];
    await database.write(keys.map((key) => ({ store: 'sites', key, value: site(key) }) as const));
    expect((await database.list('sites', 'a\n')).map(({ origin }) => origin)).toEqual([
      'a\n1',
      'a\n2',
    ]);
    expect(await keysOf(database, 'sites')).toEqual([...keys].sort());
  });

  it('is one transaction: a value that cannot be stored keeps the others out', async () => {
    const { database, name } = setUp();
    await database.write([{ store: 'sites', key: 'x', value: site('x') }]);
    const before = await dump(name);
    const impossible = { ...site('z'), accounts: (() => undefined) as never };
    const writing = database.write([
      { store: 'sites', key: 'x', value: site('changed') },
      { store: 'sites', key: 'y', value: site('y') },
      { store: 'sites', key: 'z', value: impossible },
    ]);
    await expect(writing).rejects.toMatchObject({ code: 'storage', retry: true });
    expect(await dump(name)).toEqual(before);
  });

  it('opens again after an error, and after the database was closed under it', async () => {
    const { database, name } = setUp();
    await database.write([{ store: 'sites', key: 'x', value: site('x') }]);
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.deleteDatabase(name);
      request.onsuccess = () => resolve();
      request.onerror = () => reject(request.error);
    });
    expect(await database.get('sites', 'x')).toBe(undefined);
    await database.write([{ store: 'sites', key: 'x', value: site('x') }]);
    expect(await database.get('sites', 'x')).toEqual(site('x'));
  });
});
