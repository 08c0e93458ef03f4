// The second copy follows the passphrase: with one it holds the wrapped key and nothing that opens it, and the vault comes back from it by
// the passphrase alone.
import { deleteDB } from 'idb';
import { describe, expect, it, vi } from 'vitest';
import { createDatabase } from '../../src/vault/db';
import { newSite } from '../../src/vault/records';
import { findCopy } from '../../src/vault/second-copy';
import { testArea, type TestArea } from './area';
import { onDisk } from './disk';
import { VAULT_KEY_NAME, VAULT_KEY_STORE } from '../../src/vault/migrate';
import { contextOver, freshName, jid, lockOver, START } from './world';

vi.mock('webextension-polyfill', async () => ({ default: (await import('./browser')).browser }));
vi.mock('../../src/crypto/argon2', () => import('./quick-argon2'));

const FIRST = 'correct horse';
const SECOND = 'battery staple';
const PLACE = { origin: 'https://a', jid: jid('juliet@example.org') };
const code = (name: string) => ({ code: name });

function vaultOn(name: string, area: TestArea) {
  const database = createDatabase(name, area);
  return { name, area, database, lock: lockOver(contextOver(database, { seed: name })) };
}

/** A vault with two sites and its copy. */
async function vault() {
  const made = vaultOn(freshName(), testArea());
  await made.database.write(
    ['https://a', 'https://b'].map(
      (key) => ({ store: 'sites', key, value: newSite(key) }) as const,
    ),
  );
  return made;
}

const originsOf = async ({ database }: ReturnType<typeof vaultOn>) =>
  (await database.list('sites', '')).map(({ origin }) => origin);
/** The items of the copy; a notice for the user lies beside them. */
const itemsOf = ({ area }: ReturnType<typeof vaultOn>) =>
  Object.keys(area.items).filter((item) => item.startsWith('copy'));
const reborn = ({ name, area }: ReturnType<typeof vaultOn>) => vaultOn(name, area);

describe('the second copy of a vault with a passphrase', () => {
  it('holds no key, and nothing the key before opens', async () => {
    const made = await vault();
    const before = await findCopy(made.area);
    const raw = Buffer.from(before.vaultKey ?? []).toString('base64');
    expect(JSON.stringify(made.area.items)).toContain(raw);
    await made.lock.setPassphrase({ passphrase: FIRST });
    const items = JSON.stringify(made.area.items);
    expect(items).not.toContain(raw);
    expect(Object(made.area.items['copy-key'])).toMatchObject({ v: 2 });
    expect(Object.keys(Object(made.area.items['copy-key']))).not.toContain('key');
    const after = await findCopy(made.area);
    expect([after.vaultKey, after.records.size, after.unreadable.length]).toEqual([
      undefined,
      0,
      2,
    ]);
    expect((await findCopy(made.area, before.vaultKey)).records.size).toBe(0);
    expect(await made.database.condition()).toEqual({ kind: 'sound' });
  });

  it('brings the vault back when the database is gone, for the passphrase alone', async () => {
    const made = await vault();
    await made.lock.setPassphrase({ passphrase: FIRST });
    await deleteDB(made.name);
    const next = reborn(made);
    expect(await next.lock.view()).toMatchObject({ hasPassphrase: true, isLocked: true });
    await expect(next.database.get('sites', 'https://a')).rejects.toMatchObject(code('locked'));
    await expect(next.lock.unlock({ passphrase: SECOND })).rejects.toMatchObject(
      code('wrong-passphrase'),
    );
    await next.lock.unlock({ passphrase: FIRST });
    expect(await originsOf(next)).toEqual(['https://a', 'https://b']);
    expect(await next.database.condition()).toEqual({ kind: 'sound' });
    expect(await next.database.keyRecord()).toMatchObject({ v: 2 });
    expect(await reborn(made).lock.view()).toMatchObject({ hasPassphrase: true, isLocked: true });
  });

  it('has the record of the key when that of the database is gone or damaged', async () => {
    for (const stored of [undefined, { v: 2 }, 5]) {
      const made = await vault();
      await made.lock.setPassphrase({ passphrase: FIRST });
      await onDisk(made.name, async (db) => {
        if (stored === undefined) await db.delete(VAULT_KEY_STORE, VAULT_KEY_NAME);
        else await db.put(VAULT_KEY_STORE, stored, VAULT_KEY_NAME);
      });
      const next = reborn(made);
      expect(await next.lock.view()).toMatchObject({ hasPassphrase: true, isLocked: true });
      await next.lock.unlock({ passphrase: FIRST });
      expect(await originsOf(next)).toEqual(['https://a', 'https://b']);
      await next.lock.lock();
      const held = { frame: '<message/>', at: START };
      await next.database.hold(PLACE, held);
      await next.lock.unlock({ passphrase: FIRST });
      expect(await next.database.held(PLACE, START)).toMatchObject([held]);
    }
  });

  it('follows a change and the removal', async () => {
    const made = await vault();
    await made.lock.setPassphrase({ passphrase: FIRST });
    await made.lock.setPassphrase({ passphrase: SECOND, current: FIRST });
    expect(itemsOf(made)).toHaveLength(3);
    expect(await made.database.condition()).toEqual({ kind: 'sound' });
    await deleteDB(made.name);
    const next = reborn(made);
    await next.lock.unlock({ passphrase: SECOND });
    expect(await originsOf(next)).toEqual(['https://a', 'https://b']);
    await next.lock.removePassphrase({ current: SECOND });
    expect(itemsOf(next)).toHaveLength(3);
    await deleteDB(made.name);
    expect(await originsOf(reborn(made))).toEqual(['https://a', 'https://b']);
  });

  it('that could not follow does so at the next unlocking, and nothing counts as lost', async () => {
    for (const current of [undefined, FIRST]) {
      const made = await vault();
      if (current !== undefined) await made.lock.setPassphrase({ passphrase: current });
      made.area.isBroken = true;
      await made.lock.setPassphrase({
        passphrase: SECOND,
        ...(current !== undefined && { current }),
      });
      made.area.isBroken = false;
      const next = reborn(made);
      await next.lock.unlock({ passphrase: SECOND });
      expect(await next.database.condition(), String(current)).toEqual({ kind: 'sound' });
      expect(itemsOf(made)).toHaveLength(3);
      await deleteDB(made.name);
      const again = reborn(made);
      await again.lock.unlock({ passphrase: SECOND });
      expect(await originsOf(again)).toEqual(['https://a', 'https://b']);
    }
  });

  it('is given up with all the rest when neither opens', async () => {
    const made = await vault();
    await made.lock.setPassphrase({ passphrase: FIRST });
    await deleteDB(made.name);
    made.area.items['copy-key'] = { v: 2 };
    const next = reborn(made);
    expect(await next.database.condition()).toEqual({ kind: 'lost' });
    expect(await next.lock.view()).toMatchObject({ hasPassphrase: false, isLocked: false });
    await next.database.discard();
    expect(await originsOf(next)).toEqual([]);
  });
});
