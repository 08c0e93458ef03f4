// Setting, changing and removing a passphrase, locking and unlocking: nothing is lost on the way, and no step is half done.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MIN_ARGON2 } from '../../src/limits';
import { createDatabase, type KeyPlace, type VaultDatabase } from '../../src/vault/db';
import { VAULT_KEY_NAME, VAULT_KEY_STORE } from '../../src/vault/migrate';
import { createSealer } from '../../src/vault/seal';
import { newSite } from '../../src/vault/records';
import { wrapVaultKey } from '../../src/vault/passphrase';
import { openVaultKey } from '../../src/vault/vault-key';
import { onDisk, rawRecords } from './disk';
import { areaInMemory, CHEAP, contextOver, freshName, jid, lockOver, seeded, START } from './world';

vi.mock('../../src/crypto/argon2', () => import('./quick-argon2'));

const PLACE = { origin: 'https://a', jid: jid('juliet@example.org') };
const FRAME = { frame: "<message id='held'/>", at: START };
const FIRST = 'correct horse';
const SECOND = 'battery staple';

/** Memory of the browser. */
function memory(): KeyPlace & { key: Uint8Array | undefined } {
  const place = {
    key: undefined as Uint8Array | undefined,
    load: async () => place.key?.slice(),
    keep: async (key: Uint8Array) => void (place.key = key.slice()),
    forget: async () => void (place.key = undefined),
  };
  return place;
}

function vault(name = freshName(), place = memory(), area = areaInMemory()) {
  const clock = { now: START };
  const changes = { count: 0 };
  const database = createDatabase(name, undefined, place);
  const changed = () => void (changes.count += 1);
  const lock = lockOver(contextOver(database, { clock, seed: name }), { area, changed });
  return { name, place, area, clock, changes, database, lock };
}

const site = (origin: string) => ({ store: 'sites', key: origin, value: newSite(origin) }) as const;
const archived = (key: string, text: string) =>
  ({
    store: 'archive',
    key,
    value: { v: 1, peer: PLACE.jid, text, at: START },
  }) as const;

async function filled() {
  const made = vault();
  await made.database.write([
    site('https://a'),
    site('https://b'),
    ...Array.from({ length: 450 }, (_, index) => archived(`k${index}`, `text ${index}`)),
  ]);
  return made;
}

async function contentOf(database: VaultDatabase): Promise<unknown> {
  const all: unknown[] = [];
  for (const store of ['sites', 'archive'] as const)
    await database.each(store, (key, value) => all.push([store, key, value]));
  return all.map((one) => JSON.stringify(one)).sort();
}

const code = (name: string) => ({ code: name });
const viewOf = async ({ lock }: ReturnType<typeof vault>) => {
  const { hasPassphrase, isLocked } = await lock.view();
  return [hasPassphrase, isLocked];
};

afterEach(() => void vi.restoreAllMocks());

describe('a passphrase', () => {
  it('is set without losing anything, and from then on needed once the browser forgot the key', async () => {
    const made = await filled();
    const before = await contentOf(made.database);
    expect(await viewOf(made)).toEqual([false, false]);
    await made.lock.setPassphrase({ passphrase: FIRST });
    expect(await viewOf(made)).toEqual([true, false]);
    expect(await contentOf(made.database)).toEqual(before);
    expect(made.changes.count).toBe(1);
    // The next worker finds the key, the next browser does not.
    const worker = vault(made.name, made.place);
    expect(await contentOf(worker.database)).toEqual(before);
    const next = vault(made.name);
    expect(await viewOf(next)).toEqual([true, true]);
    await expect(next.database.get('sites', 'https://a')).rejects.toMatchObject(code('locked'));
    await expect(next.database.write([site('https://c')])).rejects.toMatchObject(code('locked'));
    await next.lock.unlock({ passphrase: FIRST });
    expect(await contentOf(next.database)).toEqual(before);
  });

  it('makes a new key: with the old one nothing opens, and no record is called as before', async () => {
    const made = await filled();
    const before = await rawRecords(made.name);
    const stored = before.find(({ store }) => store === VAULT_KEY_STORE)?.value;
    const old = createSealer(await openVaultKey(stored), seeded('any'));
    await made.lock.setPassphrase({ passphrase: FIRST });
    const after = await rawRecords(made.name);
    expect(after.length).toBe(before.length);
    const nameOf = ({ store, key }: (typeof after)[number]) =>
      `${store} ${key instanceof ArrayBuffer ? Buffer.from(key).toString('hex') : String(key)}`;
    const names = new Set(before.map(nameOf));
    const kept = after.filter((record) => names.has(nameOf(record)));
    expect(kept.map(({ store }) => store)).toEqual([VAULT_KEY_STORE]);
    for (const { store, key, value } of after) {
      if (!(key instanceof ArrayBuffer)) continue;
      expect(() => old.open(store as 'sites', new Uint8Array(key), value)).toThrow(
        expect.objectContaining(code('damaged')),
      );
    }
    expect(JSON.stringify(after.at(-1)?.value)).not.toContain('wrappingKey');
  });

  it('is changed and removed by who knows it, each time with a new key', async () => {
    const made = await filled();
    const before = await contentOf(made.database);
    await made.lock.setPassphrase({ passphrase: FIRST });
    const keys = [made.place.key];
    for (const current of [undefined, SECOND, '']) {
      const arg = { passphrase: SECOND, ...(current !== undefined && { current }) };
      await expect(made.lock.setPassphrase(arg)).rejects.toMatchObject(code('wrong-passphrase'));
    }
    made.clock.now += 60_000;
    await made.lock.setPassphrase({ passphrase: SECOND, current: FIRST });
    keys.push(made.place.key);
    expect(await contentOf(made.database)).toEqual(before);
    const next = vault(made.name);
    await expect(next.lock.unlock({ passphrase: FIRST })).rejects.toMatchObject(
      code('wrong-passphrase'),
    );
    await expect(next.lock.removePassphrase({ current: SECOND })).rejects.toMatchObject(
      code('locked'),
    );
    await next.lock.unlock({ passphrase: SECOND });
    await expect(next.lock.removePassphrase({ current: FIRST })).rejects.toMatchObject(
      code('wrong-passphrase'),
    );
    await next.lock.removePassphrase({ current: SECOND });
    expect(await viewOf(next)).toEqual([false, false]);
    expect(next.place.key).toBeUndefined();
    expect(await contentOf(vault(made.name).database)).toEqual(before);
    expect(keys[0]).not.toEqual(keys[1]);
    await expect(next.lock.removePassphrase({ current: SECOND })).rejects.toMatchObject(
      code('stale'),
    );
  });

  it('must have eight characters', async () => {
    const made = vault();
    await expect(made.lock.setPassphrase({ passphrase: 'sevenxx' })).rejects.toMatchObject(
      code('bad-request'),
    );
    await made.lock.setPassphrase({ passphrase: 'eightxxx' });
    expect(await viewOf(made)).toEqual([true, false]);
  });

  it('is set while others write: what was asked for before and after it is all there', async () => {
    const made = await filled();
    const writes = [1, 2, 3].map((n) => made.database.write([site(`https://before-${n}`)]));
    const set = made.lock.setPassphrase({ passphrase: FIRST });
    const asked: Promise<void>[] = [];
    let isDone = false;
    void set.then(() => (isDone = true));
    while (!isDone) {
      asked.push(made.database.write([site(`https://during-${asked.length}`)]));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await Promise.all([...writes, set, ...asked]);
    expect(asked.length).toBeGreaterThan(5);
    const next = vault(made.name, made.place);
    const sites = await next.database.list('sites', '');
    expect(sites).toHaveLength(2 + 3 + asked.length);
  });

  it('cannot be set over a record that was changed, and nothing is', async () => {
    const made = await filled();
    await onDisk(made.name, async (db) => {
      const [key] = await db.getAllKeys('archive');
      if (key !== undefined) await db.put('archive', new Uint8Array(60).fill(1), key);
    });
    const before = await rawRecords(made.name);
    await expect(made.lock.setPassphrase({ passphrase: FIRST })).rejects.toMatchObject(
      code('damaged'),
    );
    expect(await rawRecords(made.name)).toEqual(before);
    expect(await made.database.get('sites', 'https://a')).toBeDefined();
  });
});

describe('a passphrase that is set as the worker dies or the disk is full', () => {
  /** Lets the nth step in the database fail; answers how many there were. */
  function failAt(nth: number): () => number {
    let steps = 0;
    for (const step of ['put', 'get', 'getAllKeys', 'delete']) {
      const real: unknown = Reflect.get(IDBObjectStore.prototype, step);
      if (typeof real !== 'function') throw new TypeError(step);
      const target = IDBObjectStore.prototype as unknown as Record<string, () => unknown>;
      vi.spyOn(target, step).mockImplementation(function (this: unknown, ...args: unknown[]) {
        if (++steps === nth) throw new DOMException('full', 'QuotaExceededError');
        return Reflect.apply(real, this, args) as unknown;
      });
    }
    return () => steps;
  }

  const key = (fill: number) => new Uint8Array(32).fill(fill);
  const recordOf = (fill: number) => wrapVaultKey(key(fill), FIRST, seeded(`key ${fill}`), CHEAP);
  const [first, second] = [recordOf(1), recordOf(2)];

  async function small() {
    const made = vault();
    await made.database.write([site('https://a'), archived('k1', 'one'), archived('k2', 'two')]);
    await made.database.rekey(key(1), await first);
    await made.database.lock();
    await made.database.hold(PLACE, FRAME);
    await made.database.unlock(key(1));
    return made;
  }

  it('at any step leaves a vault that opens as before, with all that was kept', async () => {
    const counted = await small();
    const count = failAt(0);
    await counted.database.rekey(key(2), await second);
    const steps = count();
    vi.restoreAllMocks();
    expect(steps).toBeGreaterThan(15);
    for (let nth = 1; nth <= steps; nth++) {
      const made = await small();
      const content = await contentOf(made.database);
      const before = await rawRecords(made.name);
      failAt(nth);
      const failing = made.database.rekey(key(2), await second);
      await expect(failing, `step ${nth}`).rejects.toMatchObject(code('storage'));
      vi.restoreAllMocks();
      expect(await rawRecords(made.name), `step ${nth}`).toEqual(before);
      expect(await contentOf(made.database)).toEqual(content);
      expect(await made.database.held(PLACE, START)).toHaveLength(1);
      const reborn = vault(made.name);
      await reborn.database.unlock(key(1));
      expect(await contentOf(reborn.database)).toEqual(content);
    }
  });

  it('between the commit and keeping the key leaves one that opens with the new passphrase', async () => {
    const made = await small();
    const content = await contentOf(made.database);
    const old = made.place.key?.slice();
    await made.lock.setPassphrase({ passphrase: SECOND, current: FIRST });
    // As the dead worker left it: the browser still has the key before.
    const left = memory();
    left.key = old;
    const reborn = vault(made.name, left);
    expect(await viewOf(reborn)).toEqual([true, true]);
    await reborn.lock.unlock({ passphrase: SECOND });
    expect(await contentOf(reborn.database)).toEqual(content);
    expect(await reborn.database.held(PLACE, START)).toHaveLength(1);
  });
});

describe('a locked vault', () => {
  async function locked() {
    const made = await filled();
    await made.lock.setPassphrase({ passphrase: FIRST });
    await made.lock.lock();
    return made;
  }

  it('has its key nowhere, and gets it back', async () => {
    const made = await filled();
    await made.lock.setPassphrase({ passphrase: FIRST });
    const content = await contentOf(made.database);
    const { key } = made.place;
    expect(key).toHaveLength(32);
    await made.lock.lock();
    expect(made.place.key).toBeUndefined();
    expect(await viewOf(made)).toEqual([true, true]);
    for (const ask of [
      () => made.database.get('sites', 'https://a'),
      () => made.database.list('sites', ''),
      () => made.database.each('sites', () => undefined),
      () => made.database.write([site('https://c')]),
      () => made.database.held(PLACE, START),
      () => made.database.dropHeld(PLACE, ['any']),
      () => made.database.rekey(new Uint8Array(32), {}),
    ])
      await expect(ask()).rejects.toMatchObject(code('locked'));
    await made.lock.unlock({ passphrase: FIRST });
    expect(made.place.key).toEqual(key);
    expect(await contentOf(made.database)).toEqual(content);
  });

  it('takes no wrong passphrase, loses nothing by it, and lets the next one wait', async () => {
    const made = await locked();
    const before = await rawRecords(made.name);
    for (let count = 0; count < 3; count++)
      await expect(made.lock.unlock({ passphrase: SECOND })).rejects.toMatchObject(
        code('wrong-passphrase'),
      );
    // Also for the next worker and browser.
    const next = vault(made.name, memory(), made.area);
    expect((await next.lock.view()).waitMs).toBe(1000);
    await expect(next.lock.unlock({ passphrase: FIRST })).rejects.toMatchObject(code('throttled'));
    expect(await rawRecords(made.name)).toEqual(before);
    next.clock.now += 1000;
    await next.lock.unlock({ passphrase: FIRST });
    expect((await next.lock.view()).waitMs).toBe(0);
  });

  it('is not opened by a record that is cheaper to guess at than the floor', async () => {
    const made = await locked();
    const stored: object = Object(await made.database.keyRecord());
    const cost = { ...MIN_ARGON2, passes: 1 };
    await onDisk(made.name, (db) =>
      db.put(VAULT_KEY_STORE, { ...stored, cost }, VAULT_KEY_NAME).then(() => undefined),
    );
    await expect(made.lock.unlock({ passphrase: FIRST })).rejects.toMatchObject(code('damaged'));
    await expect(made.database.get('sites', 'https://a')).rejects.toMatchObject(code('damaged'));
  });

  it('is made dearer to guess at when it is unlocked, where the product asks for more', async () => {
    const made = await locked();
    const content = (await rawRecords(made.name)).filter(({ store }) => store !== VAULT_KEY_STORE);
    const cost = { ...CHEAP, passes: CHEAP.passes + 1 };
    const dearer = lockOver(contextOver(made.database), { cost });
    await dearer.unlock({ passphrase: FIRST });
    expect(await made.database.keyRecord()).toMatchObject({ v: 2, cost });
    const after = (await rawRecords(made.name)).filter(({ store }) => store !== VAULT_KEY_STORE);
    expect(after).toEqual(content);
    const next = vault(made.name);
    await next.lock.unlock({ passphrase: FIRST });
    expect(await next.database.keyRecord()).toMatchObject({ cost });
  });

  it('puts aside what is needed while it is locked, and is locked also if that fails', async () => {
    const made = await filled();
    const calls: string[] = [];
    const lock = lockOver(contextOver(made.database), {
      locking: async () => {
        calls.push(`locking ${await made.database.isOpen()}`);
        throw new Error('no');
      },
      unlocked: async () => void calls.push(`unlocked ${await made.database.isOpen()}`),
    });
    await lock.lock();
    expect(calls).toEqual([]);
    await lock.setPassphrase({ passphrase: FIRST });
    await lock.lock();
    expect(await made.database.isOpen()).toBe(false);
    await lock.unlock({ passphrase: FIRST });
    expect(calls).toEqual(['locking true', 'unlocked true']);
  });

  it('without a passphrase is never: nobody could unlock it', async () => {
    const made = await filled();
    await made.lock.lock();
    expect(await viewOf(made)).toEqual([false, false]);
    expect(made.changes.count).toBe(0);
    await expect(made.lock.unlock({ passphrase: FIRST })).rejects.toMatchObject(code('stale'));
  });
});

describe('the time after which it locks itself', () => {
  it('is a quarter of an hour until the user says otherwise', async () => {
    const made = vault();
    expect((await made.lock.view()).autoLockMinutes).toBe(15);
    await made.lock.setAutoLock({ minutes: 0 });
    expect((await vault(made.name, made.place, made.area).lock.view()).autoLockMinutes).toBe(0);
  });
});
