// What comes while the vault is locked is kept, readable for nobody, until the page of its account has got it.
import { describe, expect, it, vi } from 'vitest';
import { HELD_AT_ONCE, HELD_KEPT_MS, MAX_HELD, MAX_HELD_BYTES } from '../../src/limits';
import { createDatabase } from '../../src/vault/db';
import { HELD_STORE } from '../../src/vault/migrate';
import { foundOnDisk, onDisk } from './disk';
import { contextOver, freshName, jid, lockOver, START } from './world';

vi.mock('../../src/crypto/argon2', () => import('./quick-argon2'));

const ORIGIN = 'https://chat.example.org';
const PLACE = { origin: ORIGIN, jid: jid('juliet@example.org') };
const PASSPHRASE = 'correct horse';
const FULL = { code: 'limit' };

async function lockedVault() {
  const name = freshName();
  const database = createDatabase(name);
  const lock = lockOver(contextOver(database, { seed: name }));
  await lock.setPassphrase({ passphrase: PASSPHRASE });
  await lock.lock();
  const open = () => lock.unlock({ passphrase: PASSPHRASE });
  return { name, database, lock, open };
}

const frameOf = (text: string) =>
  `<message from='romeo@example.net'><body>${text}</body></message>`;

describe('a stanza that came while the vault was locked', () => {
  it('is handed to the page of its account on its site, with its time, until it got it', async () => {
    const { database, open } = await lockedVault();
    const other = { ...PLACE, jid: jid('nurse@example.org') };
    const elsewhere = { ...PLACE, origin: 'https://other.example.org' };
    const later = await database.hold(PLACE, { frame: frameOf('later'), at: START + 1000 });
    const first = await database.hold(PLACE, { frame: frameOf('first'), at: START });
    await database.hold(other, { frame: frameOf('nurse'), at: START });
    await database.hold(elsewhere, { frame: frameOf('other'), at: START });
    await open();
    const wanted = [
      { id: first, frame: frameOf('first'), at: START },
      { id: later, frame: frameOf('later'), at: START + 1000 },
    ];
    expect(await database.held(PLACE, START)).toEqual(wanted);
    expect(await database.held(PLACE, START)).toEqual(wanted);
    await database.dropHeld(other, [first]);
    await database.dropHeld(elsewhere, [first, 'unknown']);
    expect(await database.held(PLACE, START)).toEqual(wanted);
    await database.dropHeld(PLACE, [first]);
    expect(await database.held(PLACE, START)).toEqual(wanted.slice(1));
    expect(await database.held(other, START)).toHaveLength(1);
  });

  it('lies in clear nowhere', async () => {
    const { name, database } = await lockedVault();
    await database.hold(PLACE, { frame: frameOf('a walrus on a bicycle'), at: START });
    const words = ['walrus', 'romeo', 'juliet', 'example'];
    const secrets = new Map(
      words.map((word) => [word, [Buffer.from(word), Buffer.from(word, 'utf16le')]]),
    );
    expect(await foundOnDisk(name, secrets)).toEqual([]);
    expect(await onDisk(name, (db) => db.count(HELD_STORE))).toBe(1);
  });

  it('is kept over a new passphrase and the removal of one', async () => {
    const { database, lock, open } = await lockedVault();
    await database.hold(PLACE, { frame: frameOf('one'), at: START });
    await open();
    await lock.setPassphrase({ passphrase: 'battery staple', current: PASSPHRASE });
    expect(await database.held(PLACE, START)).toHaveLength(1);
    await lock.removePassphrase({ current: 'battery staple' });
    expect(await database.held(PLACE, START)).toHaveLength(1);
  });

  it('is not kept while it could be opened', async () => {
    const { database, open } = await lockedVault();
    await open();
    await expect(database.hold(PLACE, { frame: 'x', at: START })).rejects.toMatchObject({
      code: 'stale',
    });
  });

  it('stays where it does not open, and is none', async () => {
    const { name, database, open } = await lockedVault();
    const id = await database.hold(PLACE, { frame: frameOf('one'), at: START });
    await onDisk(name, (db) => db.put(HELD_STORE, new Uint8Array(80), id).then(() => undefined));
    await database.hold(PLACE, { frame: frameOf('two'), at: START + 1 });
    await open();
    expect((await database.held(PLACE, START)).map(({ at }) => at)).toEqual([START + 1]);
    await database.dropHeld(PLACE, [id]);
    expect(await onDisk(name, (db) => db.count(HELD_STORE))).toBe(2);
  });

  it('goes after ninety days nobody asked for it', async () => {
    const { name, database, open } = await lockedVault();
    await database.hold(PLACE, { frame: frameOf('one'), at: START });
    await open();
    expect(await database.held(PLACE, START + HELD_KEPT_MS)).toHaveLength(1);
    expect(await database.held(PLACE, START + HELD_KEPT_MS + 1)).toEqual([]);
    expect(await onDisk(name, (db) => db.count(HELD_STORE))).toBe(0);
  });
});

describe('more than is kept', () => {
  /** As if so many of this size were there. */
  async function withHeld(count: number, size: number) {
    const made = await lockedVault();
    await onDisk(made.name, async (db) => {
      const transaction = db.transaction(HELD_STORE, 'readwrite');
      for (let n = 0; n < count; n++)
        void transaction.store.put(new Uint8Array(8), `${String(n).padStart(16, '0')}-${size}-x`);
      await transaction.done;
    });
    return made;
  }

  it(`of ${MAX_HELD} is refused`, async () => {
    const { database } = await withHeld(MAX_HELD - 1, 100);
    await database.hold(PLACE, { frame: 'x', at: START });
    await expect(database.hold(PLACE, { frame: 'x', at: START })).rejects.toMatchObject(FULL);
  });

  it('by its bytes is refused, too', async () => {
    const { database } = await withHeld(1, MAX_HELD_BYTES - 2000);
    await database.hold(PLACE, { frame: 'x', at: START });
    await expect(
      database.hold(PLACE, { frame: 'x'.repeat(2000), at: START }),
    ).rejects.toMatchObject(FULL);
  });

  it('is handed over in parts', async () => {
    const { database, open } = await lockedVault();
    for (let n = 0; n < HELD_AT_ONCE + 2; n++)
      await database.hold(PLACE, { frame: frameOf(String(n)), at: START + n });
    await open();
    const first = await database.held(PLACE, START);
    expect(first).toHaveLength(HELD_AT_ONCE);
    await database.dropHeld(
      PLACE,
      first.map(({ id }) => id),
    );
    expect(await database.held(PLACE, START)).toHaveLength(2);
  });

  it('by its characters is handed over in parts, and a single one always', async () => {
    const { database, open } = await lockedVault();
    const large = 'x'.repeat(600 * 1024);
    for (const at of [1, 2]) await database.hold(PLACE, { frame: large, at: START + at });
    await open();
    expect(await database.held(PLACE, START)).toHaveLength(1);
  });
});
