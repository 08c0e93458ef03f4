// Identity and trust are there as long as one of two copies is (M78), and nothing is made anew while a trace of them is left.
import { deleteDB } from 'idb';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { fingerprint } from '../../src/omemo/identity';
import { LEGACY, VERSIONS } from '../../src/rpc/versions';
import { VAULT_KEY_STORE } from '../../src/vault/migrate';
import { findCopy } from '../../src/vault/second-copy';
import { testArea, type TestArea } from './area';
import { fake, resetFake } from './browser';
import {
  ATTACH,
  begin,
  chat,
  damage,
  damageItems,
  ENDPOINT,
  goesOn,
  JULIET,
  reborn,
  ROMEO,
  vaultOn,
  view,
} from './copied-chat';
import { bytesIn, onDisk, rawRecords, secretsIn } from './disk';
import { DOCUMENT } from './mortal';
import {
  accountOf,
  freshName,
  jid,
  meetIn,
  ORIGIN,
  person,
  present,
  receive,
  send,
  START,
  textOf,
  type Person,
} from './world';

vi.mock('webextension-polyfill', async () => ({ default: (await import('./browser')).browser }));

beforeEach(() => {
  resetFake();
  fake.permitted.add('https://chat.example.org/*');
});

describe('the second copy', () => {
  it('holds nothing in clear, and no ratchet, prekey or text at all', async () => {
    const { area, juliet } = await chat();
    const items = JSON.stringify(area.items);
    for (const word of [JULIET, ROMEO, 'romeo', 'example', ORIGIN, String(juliet.deviceId)])
      expect(items).not.toContain(word);
    const { records } = await findCopy(area);
    const held = Buffer.concat([...records.values()].map(({ value }) => bytesIn(value)));
    const { identity, prekeys } = await accountOf(juliet);
    expect(held.includes(Buffer.from(identity.privateKey))).toBe(true);
    const { context } = juliet;
    const sessions = await context.database.list('sessions', '');
    const archive = await context.database.list('archive', '');
    expect(sessions.length * archive.length).toBeGreaterThan(0);
    const ratchets = sessions.map(({ devices }) =>
      Object.values(devices).map(({ current }) => present(current).ratchet),
    );
    for (const [what, forms] of secretsIn([
      ratchets,
      Object.values(prekeys),
      archive.map(({ text }) => text),
    ]))
      expect(
        forms.some((form) => held.includes(form)),
        what,
      ).toBe(false);
  });

  it('is not written for a message that changes nothing of it', async () => {
    const { area, juliet, romeo } = await chat();
    const before = area.calls;
    const text = await send(romeo, JULIET, 'and sails upon the bosom of the air');
    expect((await receive(juliet, text, romeo)).kind).toBe('text');
    await send(juliet, ROMEO, 'Thou knowest the mask of night');
    expect(area.calls).toBe(before);
  });
});

describe('a database that is gone', () => {
  it('leaves the same device, the same trust and the same settings, and chats go on in new sessions', async () => {
    const made = await chat();
    const before = await accountOf(made.juliet);
    await deleteDB(made.name);
    const { vault, juliet } = reborn(made);
    expect(await view(vault)).toEqual(made.before);
    expect(await vault.popup.health({})).toEqual({ condition: 'sound', notice: 'restored-all' });
    expect(await vault.page.attach(DOCUMENT, ATTACH)).toEqual({
      kind: 'granted',
      deviceId: made.before.deviceId,
    });
    for (const version of VERSIONS) {
      const { bundle } = await vault.page.ownBundle(DOCUMENT, { jid: JULIET, version });
      const used = present(before.prekeys[version]);
      expect(bundle.identityKey).toEqual(before.identity.publicKey);
      expect(bundle.signedPrekey.id).toBeGreaterThan(used.signedPrekey.id);
      expect(Math.min(...bundle.oneTimePrekeys.map(({ id }) => id))).toBeGreaterThanOrEqual(
        used.nextOneTimePrekeyId,
      );
    }
    await goesOn(made, juliet, vault);
    await vault.popup.acknowledge({});
    expect(await vault.popup.health({})).toEqual({ condition: 'sound' });
    const next = reborn(made).vault;
    expect(await view(next)).toEqual(made.before);
    expect(await next.popup.health({})).toEqual({ condition: 'sound' });
  });

  it('and a message sent in the old session, or to an old prekey, fails cleanly', async () => {
    const made = await chat();
    const late = await send(made.romeo, JULIET, 'O, speak again, bright angel');
    const nurse = await person(jid('nurse@example.org'));
    await meetIn(LEGACY, nurse, made.juliet);
    const exchange = await send(nurse, JULIET, 'Madam!');
    await deleteDB(made.name);
    const { juliet, vault } = reborn(made);
    const inSession = await receive(juliet, late, made.romeo);
    expect(inSession).toMatchObject({ kind: 'failed', code: 'no-session' });
    for (const version of VERSIONS) await vault.page.ownBundle(DOCUMENT, { jid: JULIET, version });
    const toPrekey = await receive(juliet, exchange, nurse);
    expect(toPrekey).toMatchObject({ kind: 'failed', code: 'unknown-prekey' });
    await goesOn(made, juliet, vault);
  });

  it('while the vault is open is made up for by the next request', async () => {
    const made = await chat();
    await deleteDB(made.name);
    expect(await view(made.vault)).toEqual(made.before);
  });

  it('makes no new device while the copy cannot be read, and has the old one once it can', async () => {
    const made = await chat();
    await deleteDB(made.name);
    made.area.isBroken = true;
    const { vault } = reborn(made);
    const refused = { code: 'storage', retry: true };
    await expect(begin(vault)).rejects.toMatchObject(refused);
    await expect(vault.popup.health({})).rejects.toMatchObject(refused);
    made.area.isBroken = false;
    expect(await view(vault)).toEqual(made.before);
  });

  it.each([
    ['its key', (item: string) => item === 'copy-key'],
    ['its records', (item: string) => item.startsWith('copy/')],
  ])(
    'with a copy damaged in %s makes nothing new until the user gives it up',
    async (_n, isMeant) => {
      const made = await chat();
      await deleteDB(made.name);
      if (isMeant('copy-key')) made.area.items['copy-key'] = { v: 1, key: 'AAAA' };
      damageItems(made.area, (item) => item !== 'copy-key' && isMeant(item));
      const items = structuredClone(made.area.items);
      const { vault } = reborn(made);
      await expect(begin(vault)).rejects.toMatchObject({ code: 'damaged', retry: false });
      expect(await vault.popup.health({})).toEqual({ condition: 'lost' });
      expect(made.area.items).toEqual(items);
      await vault.popup.discard({});
      expect(await vault.popup.health({})).toEqual({ condition: 'sound' });
      await begin(vault);
      const after = await view(vault);
      expect(after.fingerprint).not.toBe(made.before.fingerprint);
      expect(after.contacts).toEqual([]);
    },
  );

  it('with a copy in which the account alone is damaged has the rest and makes no new device', async () => {
    const made = await chat();
    await deleteDB(made.name);
    damageItems(made.area, (item) => item.startsWith('copy/accounts/'));
    const { vault } = reborn(made);
    await expect(vault.page.attach(DOCUMENT, ATTACH)).rejects.toMatchObject({ code: 'damaged' });
    expect(await vault.popup.health({})).toMatchObject({ condition: 'partly' });
    expect((await vault.popup.site({ origin: ORIGIN })).policy).toBe('verified-only');
    await vault.popup.discard({});
    expect(await vault.page.attach(DOCUMENT, ATTACH)).toMatchObject({ kind: 'granted' });
    expect((await view(vault)).fingerprint).not.toBe(made.before.fingerprint);
  });
});

describe('a copy that is gone', () => {
  it('is made again from the database', async () => {
    const made = await chat();
    made.area.items = {};
    const { vault } = reborn(made);
    expect(await view(vault)).toEqual(made.before);
    expect(await vault.popup.health({})).toEqual({ condition: 'sound' });
    await deleteDB(made.name);
    expect(await view(reborn(made).vault)).toEqual(made.before);
  });

  it('with the database is a new user', async () => {
    const made = await chat();
    await deleteDB(made.name);
    made.area.items = {};
    const { vault } = reborn(made);
    expect(await vault.popup.health({})).toEqual({ condition: 'sound' });
    await begin(vault);
    expect((await view(vault)).fingerprint).not.toBe(made.before.fingerprint);
  });

  it.each([
    ['its key', (item: string) => item === 'copy-key'],
    ['every record', (item: string) => item.startsWith('copy/')],
  ])('in part, damaged in %s, is made whole by the database', async (_name, isMeant) => {
    const made = await chat();
    if (isMeant('copy-key')) made.area.items['copy-key'] = 'no key';
    damageItems(made.area, (item) => item !== 'copy-key' && isMeant(item));
    const { vault } = reborn(made);
    expect(await view(vault)).toEqual(made.before);
    expect(await vault.popup.health({})).toEqual({ condition: 'sound' });
    await deleteDB(made.name);
    expect(await view(reborn(made).vault)).toEqual(made.before);
  });
});

describe('damage in the database', () => {
  it.each(['sites', 'accounts', 'peers'])('in %s is made up for by the copy', async (store) => {
    const made = await chat();
    await damage(made.name, store);
    const { vault, juliet } = reborn(made);
    expect(await view(vault)).toEqual(made.before);
    expect(await vault.popup.health({})).toEqual({ condition: 'sound', notice: 'restored-part' });
    // What was not damaged is as it was: the chat goes on in its session.
    const text = await send(made.romeo, JULIET, 'Lady, by yonder blessed moon');
    expect(textOf(await receive(juliet, text, made.romeo))).toBe('Lady, by yonder blessed moon');
    const answer = await send(juliet, ROMEO, 'O, swear not by the moon');
    expect(answer.keys.map(({ isKeyExchange }) => isKeyExchange)).toEqual([false]);
    expect((await receive(made.romeo, answer, juliet)).kind).toBe('text');
  });

  it('in a session has it begun anew', async () => {
    const made = await chat();
    await damage(made.name, 'sessions');
    const { vault, juliet } = reborn(made);
    expect(await view(vault)).toEqual(made.before);
    expect(await vault.popup.health({})).toEqual({ condition: 'sound', notice: 'restored-part' });
    await goesOn(made, juliet, vault);
  });

  it.each(['streams', 'caps'] as const)('in %s is dropped', async (store) => {
    const made = await chat();
    await damage(made.name, store);
    const { vault } = reborn(made);
    await vault.popup.site({ origin: ORIGIN });
    expect(await vault.context.database.list(store, '')).toEqual([]);
  });

  it.each(['gone', 'changed'])(
    'in the key, which is %s, is made up for by the copy',
    async (how) => {
      const made = await chat();
      await onDisk(made.name, async (db) => {
        const [key = 0] = await db.getAllKeys(VAULT_KEY_STORE);
        const { wrapped, ...rest } = await db.get(VAULT_KEY_STORE, key);
        const changed = { ...rest, wrapped: Uint8Array.from(wrapped, (byte: number) => byte ^ 1) };
        await (how === 'gone'
          ? db.delete(VAULT_KEY_STORE, key)
          : db.put(VAULT_KEY_STORE, changed, key));
      });
      const { vault, juliet } = reborn(made);
      expect(await view(vault)).toEqual(made.before);
      const answer = await send(juliet, ROMEO, 'Do not swear at all');
      expect((await receive(made.romeo, answer, juliet)).kind).toBe('text');
      made.area.items = {};
      expect(await view(reborn(made).vault)).toEqual(made.before);
    },
  );

  it('in an account that has no copy makes no new device until the user gives it up', async () => {
    const made = await chat();
    await damage(made.name, 'accounts');
    made.area.items = {};
    const raw = await rawRecords(made.name);
    const { vault } = reborn(made);
    await expect(vault.page.attach(DOCUMENT, ATTACH)).rejects.toMatchObject({ code: 'damaged' });
    expect(await vault.popup.health({})).toMatchObject({ condition: 'partly' });
    expect(await rawRecords(made.name)).toEqual(raw);
    // Whose record it was nobody can say: another account may be the one.
    const nurse = { jid: jid('nurse@example.org'), endpoint: ENDPOINT };
    await vault.page.attach(DOCUMENT, { stream: 2, ...nurse });
    await vault.popup.decideAccount({ origin: ORIGIN, ...nurse, decision: 'grant' });
    const other = vault.page.attach(DOCUMENT, { stream: 2, ...nurse });
    await expect(other).rejects.toMatchObject({ code: 'damaged' });
    await vault.popup.discard({});
    expect(await vault.popup.health({})).toEqual({ condition: 'sound' });
    expect(await vault.page.attach(DOCUMENT, ATTACH)).toMatchObject({ kind: 'granted' });
  });

  it('that leaves sessions without their account makes no new device until the user gives them up', async () => {
    const made = await chat();
    await onDisk(made.name, async (db) => db.clear('accounts'));
    made.area.items = {};
    const { vault } = reborn(made);
    await expect(vault.page.attach(DOCUMENT, ATTACH)).rejects.toMatchObject({ code: 'damaged' });
    expect(await vault.popup.health({})).toMatchObject({ condition: 'partly' });
    await vault.popup.discard({});
    expect(await vault.page.attach(DOCUMENT, ATTACH)).toMatchObject({ kind: 'granted' });
    expect(await vault.context.database.list('sessions', '')).toEqual([]);
  });
});

describe('a fault of the storage', () => {
  /** A life: a device is made, a key decided on, the site's policy changed. */
  async function life(name: string, area: TestArea, romeo: Person) {
    const vault = vaultOn(name, area);
    const deviceId = await begin(vault);
    const scope = { origin: ORIGIN, jid: JULIET };
    const juliet: Person = { name, scope, context: vault.context, clock: { now: START }, deviceId };
    await meetIn(LEGACY, juliet, romeo);
    const shown = fingerprint((await accountOf(romeo)).identity.publicKey);
    const decision = { origin: ORIGIN, jid: JULIET, owner: ROMEO, deviceId: romeo.deviceId };
    await vault.popup.setTrust({ ...decision, fingerprint: shown, trust: 'verified' });
    await vault.popup.setPolicy({ origin: ORIGIN, policy: 'ask' });
    return vault;
  }

  it('in any one call is made up for by the next write or start', async () => {
    const romeo = await person(ROMEO);
    const whole = testArea();
    await life(freshName(), whole, romeo);
    expect(whole.calls).toBeGreaterThan(6);
    let refusals = 0;
    for (let call = 1; call <= whole.calls; call += 1) {
      const area = testArea();
      const name = freshName();
      area.failsAt = call;
      try {
        await life(name, area, romeo);
      } catch {
        // Nobody can say whether there is an identity: nothing is done, and asking again does it.
        refusals += 1;
        await life(name, area, romeo);
      }
      const before = await view(vaultOn(name, area));
      expect(before.contacts[0]?.trust[0]?.[2], `call ${call}`).toBe('verified');
      await deleteDB(name);
      expect(await view(vaultOn(name, area)), `call ${call}`).toEqual(before);
    }
    expect(refusals).toBe(1);
  });

  it('for a while fails no request of an open vault, and the next write makes up for it', async () => {
    const area = testArea();
    const name = freshName();
    const vault = vaultOn(name, area);
    await vault.popup.protect({ origin: ORIGIN });
    area.isBroken = true;
    await begin(vault);
    area.isBroken = false;
    await vault.popup.setPolicy({ origin: ORIGIN, policy: 'ask' });
    const before = await view(vault);
    await deleteDB(name);
    expect(await view(vaultOn(name, area))).toEqual(before);
  });

  it('before the copy is written loses nothing: the worker died between both', async () => {
    const area = testArea();
    const name = freshName();
    await begin(vaultOn(name, area));
    const kept = structuredClone(area.items);
    await vaultOn(name, area).popup.setPolicy({ origin: ORIGIN, policy: 'verified-only' });
    // As if the last write had not come to it.
    area.items = kept;
    const before = await view(vaultOn(name, area));
    expect(before.policy).toBe('verified-only');
    await deleteDB(name);
    expect(await view(vaultOn(name, area))).toEqual(before);
  });

  it('while records come back leaves all of them to the next start', async () => {
    const made = await chat();
    await deleteDB(made.name);
    let isFirst = true;
    const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (
      this: IDBObjectStore,
      ...args
    ) {
      if (this.name === 'accounts' && isFirst) {
        isFirst = false;
        throw new DOMException('', 'QuotaExceededError');
      }
      return realPut.apply(this, args);
    });
    await expect(view(reborn(made).vault)).rejects.toMatchObject({ code: 'storage' });
    put.mockRestore();
    expect(isFirst).toBe(false);
    expect(await view(reborn(made).vault)).toEqual(made.before);
  });
});

const realPut = IDBObjectStore.prototype.put;
