// What the browser's files hold of a chat (M69): of the extension's databases, for the page's own are its own affair. Also what they hold
// of a database that an earlier version wrote in clear.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { protect } from '../support/extension';
import { readLevelDb } from '../support/leveldb';
import { startWorld, type Person, type World } from '../support/people';
import { until } from '../support/wait';

const SAID = ['a walrus on a bicycle, alice says', 'a tapir under an umbrella, bob says'] as const;
const FORMER = path.join(import.meta.dirname, '..', 'vault', 'former', 'version-2.json');

let world: World;
let alice: Person;
let bob: Person;
beforeAll(async () => {
  world = await startWorld({ people: ['alice', 'bob'] });
  [alice, bob] = [world.person('alice'), world.person('bob')];
  await protect(world, alice);
  await protect(world, bob);
});
afterAll(() => world?.close());

/** As the browser may write it. */
function formsOf(what: string | Uint8Array): readonly Buffer[] {
  if (typeof what !== 'string') return [Buffer.from(what)];
  const utf16 = Buffer.from(what, 'utf16le');
  return [Buffer.from(what, 'utf8'), utf16, Buffer.from(utf16).swap16()];
}

function found(stored: Buffer, secrets: ReadonlyMap<string, string | Uint8Array>): string[] {
  return [...secrets]
    .filter(([, what]) => formsOf(what).some((form) => stored.includes(form)))
    .map(([name]) => name);
}

/** A page of the extension that runs none of its code. */
const quietPage = ({ browser }: Person): Promise<Page> =>
  browser.newPage(`${browser.extensionBase}manifest.json`);

describe('the files of the browser after a chat', () => {
  const secrets = new Map<string, string | Uint8Array>();
  beforeAll(async () => {
    await alice.converse.openChat(bob.jid);
    await bob.converse.openChat(alice.jid);
    await alice.converse.send(SAID[0]);
    await bob.converse.shows(alice.jid, SAID[0]);
    await bob.converse.send(SAID[1]);
    await alice.converse.shows(bob.jid, SAID[1]);
    const popup = await alice.popup();
    const keyOf = (fingerprint: string) =>
      new Uint8Array(Buffer.from(fingerprint.replace(/[^0-9a-f]/g, ''), 'hex'));
    const [device] = await popup.devices(bob.jid);
    if (device === undefined) throw new Error('no device of bob');
    const own = keyOf(await popup.ownFingerprint());
    expect(own.length).toBe(32);
    secrets
      .set('what alice said', 'walrus on a bicycle')
      .set('what bob said', 'tapir under an umbrella')
      .set('the account', alice.jid)
      .set('the contact', bob.jid)
      .set('the site', new URL(world.site.origin).host)
      .set('the device of the contact', String(device.deviceId))
      .set('the identity key', own)
      .set('the identity key of the contact', keyOf(device.fingerprint));
    await popup.close();
  });

  it('hold nothing of it, while the browser runs and after it', async () => {
    const running = readLevelDb(alice.browser.databases);
    expect(running.length).toBeGreaterThan(10_000);
    expect(found(running, secrets)).toEqual([]);
    await alice.relaunch();
    expect(found(readLevelDb(alice.browser.databases), secrets)).toEqual([]);
  });

  it('would be found to hold it in clear, in the log and in compressed tables', async () => {
    const page = await quietPage(alice);
    const write = (records: readonly (readonly [string, string | number[]])[], filler: number) =>
      page.evaluate(
        async (given, megabytes) => {
          const db = await new Promise<IDBDatabase>((resolve, reject) => {
            const request = indexedDB.open('control', 1);
            request.onupgradeneeded = () => request.result.createObjectStore('texts');
            request.onsuccess = () => resolve(request.result);
            request.onerror = () => reject(request.error);
          });
          const done = new Promise((resolve, reject) => {
            const transaction = db.transaction('texts', 'readwrite', { durability: 'strict' });
            const store = transaction.objectStore('texts');
            for (const [key, value] of given)
              store.put(typeof value === 'string' ? { value } : new Uint8Array(value), key);
            // Texts that compress well, as much as makes LevelDB write tables.
            for (let i = 0; i < megabytes * 16; i++)
              store.put('filler '.repeat(9362), `filler ${i}`);
            transaction.oncomplete = resolve;
            transaction.onerror = reject;
          });
          await done;
          db.close();
        },
        records,
        filler,
      );
    const records = [...secrets].map(
      ([name, what]) => [name, typeof what === 'string' ? what : [...what]] as const,
    );
    await write(records, 0);
    expect(found(readLevelDb(alice.browser.databases), secrets)).toEqual([...secrets.keys()]);
    await write([], 12);
    await page.close();
    await alice.relaunch();
    expect(found(readLevelDb(alice.browser.databases), secrets)).toEqual([...secrets.keys()]);
  });
});

describe('a key that no script can read out', () => {
  it('lies in the files for all that, so that it is no lock against who has them', async () => {
    const raw = new Uint8Array(32).map((_, index) => (index * 37 + 11) % 256);
    const page = await quietPage(alice);
    const isRefused = await page.evaluate(
      async (bytes) => {
        const key = await crypto.subtle.importKey('raw', new Uint8Array(bytes), 'AES-GCM', false, [
          'encrypt',
        ]);
        const request = indexedDB.open('key', 1);
        request.onupgradeneeded = () => request.result.createObjectStore('keys').put(key, 'key');
        await new Promise((resolve) => (request.onsuccess = resolve));
        request.result.close();
        return crypto.subtle.exportKey('raw', key).then(
          () => false,
          () => true,
        );
      },
      [...raw],
    );
    await page.close();
    expect(isRefused).toBe(true);
    expect(found(readLevelDb(alice.browser.databases), new Map([['key', raw]]))).toEqual(['key']);
  });
});

describe('a database that an earlier version wrote in clear', () => {
  it('is in clear in no file soon after it was opened, and its device is the same', async () => {
    const text = readFileSync(FORMER, 'utf8').replaceAll(
      'https://chat.example.org',
      world.site.origin,
    );
    const { records } = JSON.parse(text);
    const page = await quietPage(bob);
    await bob.browser.stopWorker();
    await page.evaluate(async (stores: Record<string, Record<string, unknown>>) => {
      const revive = (value: unknown): unknown => {
        if (Array.isArray(value)) return value.map(revive);
        if (typeof value !== 'object' || value === null) return value;
        if ('$bytes' in value)
          return Uint8Array.from(atob(String(value.$bytes)), (char) => char.charCodeAt(0));
        return Object.fromEntries(
          Object.entries(value).map(([name, item]) => [name, revive(item)]),
        );
      };
      const ended = <T>(request: IDBRequest<T>) =>
        new Promise<T>((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
      await ended(indexedDB.deleteDatabase('omnemo'));
      const opening = indexedDB.open('omnemo', 2);
      opening.onupgradeneeded = () => {
        for (const store of Object.keys(stores)) opening.result.createObjectStore(store);
      };
      const db = await ended(opening);
      for (const [store, byKey] of Object.entries(stores)) {
        const writing = db
          .transaction(store, 'readwrite', { durability: 'strict' })
          .objectStore(store);
        for (const [key, value] of Object.entries(byKey))
          await ended(writing.put(revive(value), key));
      }
      db.close();
    }, records);
    const secrets = new Map(
      ['juliet@example.org', 'romeo@example.net', 'and Juliet is the sun', world.site.origin].map(
        (what) => [what, what] as const,
      ),
    );
    const accounts: Record<string, { identity: { publicKey: { $bytes: string } } }> =
      records.accounts;
    const [key = ''] = Object.values(accounts).map(({ identity }) => identity.publicKey.$bytes);
    const inClear = readLevelDb(bob.browser.databases);
    expect(found(inClear, secrets)).toEqual([...secrets.keys()]);
    await page.close();
    const popup = await bob.popup();
    const shown = await popup.ownFingerprint();
    expect(shown.replace(/[^0-9a-f]/g, '')).toBe(Buffer.from(key, 'base64').toString('hex'));
    await popup.close();
    await until(
      'the files to hold nothing in clear',
      () => found(readLevelDb(bob.browser.databases), secrets).length === 0,
    );
  });
});
