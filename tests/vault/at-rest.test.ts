// What lies on disk after a chat tells nothing (M69), and what was changed there is refused and changes nothing (M68, M78).
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { fingerprint } from '../../src/omemo/identity';
import { LEGACY, OMEMO2 } from '../../src/rpc/versions';
import { contentHandlers } from '../../src/vault/content-handlers';
import { scopedKey } from '../../src/vault/context';
import { createDatabase } from '../../src/vault/db';
import { VAULT_KEY_STORE } from '../../src/vault/migrate';
import { popupHandlers } from '../../src/vault/popup-handlers';
import { createPresence } from '../../src/vault/presence';
import { fake, resetFake } from './browser';
import { bytesIn, foundOnDisk, onDisk, rawRecords, secretsIn } from './disk';
import { DOCUMENT } from './mortal';
import {
  accountOf,
  contextOver,
  dump,
  encryptText,
  envelopeOf,
  freshName,
  jid,
  meetIn,
  messageIn,
  ORIGIN,
  person,
  requestOf,
  send,
  START,
  textOf,
} from './world';

vi.mock('webextension-polyfill', async () => ({ default: (await import('./browser')).browser }));

const JULIET = jid('juliet@example.org');
const ROMEO = jid('romeo@example.net');
const NURSE = jid('nurse@example.net');
const ENDPOINT = 'xmpp.example.org';
const CAPS = { jid: JULIET, key: 'https://client.example#hash', query: '<query>receipts</query>' };
const MESSAGE = {
  jid: JULIET,
  peer: ROMEO,
  requestId: 'one',
  text: 'It is the east',
  envelope: '',
};

function vaultOn(name: string) {
  const context = contextOver(createDatabase(name), { seed: name, clock: { now: START } });
  const presence = createPresence(
    () => undefined,
    () => undefined,
  );
  return { page: contentHandlers(context, presence), popup: popupHandlers(context, presence) };
}

let requests = 0;

/** A chat that leaves a record in every store, and the vault it was in. */
async function chat() {
  const juliet = await person(JULIET);
  const [romeo, nurse] = [await person(ROMEO), await person(NURSE)];
  const { page, popup } = vaultOn(juliet.name);
  await popup.protect({ origin: ORIGIN });
  await page.attach(DOCUMENT, { stream: 1, jid: JULIET, endpoint: ENDPOINT });
  const account = { origin: ORIGIN, jid: JULIET };
  await popup.decideAccount({ ...account, endpoint: ENDPOINT, decision: 'grant' });
  await page.capsSeen(DOCUMENT, CAPS);
  await meetIn(LEGACY, juliet, romeo);
  await meetIn(OMEMO2, juliet, nurse);
  await meetIn(OMEMO2, nurse, juliet);
  const owner = { owner: ROMEO, deviceId: romeo.deviceId };
  const shown = fingerprint((await accountOf(romeo)).identity.publicKey);
  await popup.setTrust({ ...account, ...owner, fingerprint: shown, trust: 'verified' });
  messageIn(LEGACY, await page.encrypt(DOCUMENT, MESSAGE));
  const text = 'Go, girl, seek happy nights to happy days';
  /** Nurse says it, each time in a message of its own. */
  const isSaid = async () => {
    const written = await encryptText(nurse.context, nurse.scope, JULIET, `n ${++requests}`, text);
    return requestOf(messageIn(OMEMO2, written), nurse);
  };
  const request = await isSaid();
  expect(textOf(await page.decrypt(DOCUMENT, { jid: JULIET, request }))).toBe(envelopeOf(text));
  const tybalt = await person(jid('tybalt@example.net'));
  await meetIn(LEGACY, tybalt, juliet);
  const hate = requestOf(await send(tybalt, JULIET, 'what, drawn, and talk of peace?'), tybalt);
  const unknown = { ...hate, isContact: false };
  await page.decrypt(DOCUMENT, { jid: JULIET, request: unknown });
  const positions = { jid: `${JULIET}/balcony`, ids: 'abcdefgh', out: [], in: [] };
  await page.smSave(DOCUMENT, { id: 'sm-1', record: positions });
  return {
    juliet,
    page,
    request,
    isSaid,
    deviceIds: [romeo, nurse, juliet].map((each) => each.deviceId),
  };
}

beforeEach(() => {
  resetFake();
  fake.permitted.add('https://chat.example.org/*');
});

describe('what lies on disk after a chat', () => {
  it('holds no address, text, key, origin or device in clear', async () => {
    const { juliet, deviceIds } = await chat();
    const stored = await dump(juliet.name);
    for (const [store, records] of Object.entries(stored))
      expect(Object.keys(records).length, store).toBeGreaterThan(0);
    const words = [JULIET, ROMEO, NURSE, 'romeo', 'nurse', ORIGIN, 'example', 'happy', 'the east'];
    const secrets = new Map([
      ...secretsIn(stored),
      ...[...words, ...deviceIds.map(String)].map(
        (word) => [word, [Buffer.from(word, 'utf8'), Buffer.from(word, 'utf16le')]] as const,
      ),
    ]);
    expect(secrets.size).toBeGreaterThan(400);
    const inClear = bytesIn(stored);
    for (const [what, forms] of secrets)
      expect(
        forms.some((form) => inClear.includes(form)),
        what,
      ).toBe(true);
    expect(await foundOnDisk(juliet.name, secrets)).toEqual([]);
  });

  it('is bytes under bytes, but for the key that cannot be read out', async () => {
    const { juliet } = await chat();
    for (const { store, key, value } of await rawRecords(juliet.name)) {
      if (store === VAULT_KEY_STORE) {
        const { wrappingKey } = Object(value);
        expect(wrappingKey).toBeInstanceOf(CryptoKey);
        expect(wrappingKey).toMatchObject({ extractable: false });
      } else {
        expect(key).toBeInstanceOf(ArrayBuffer);
        expect(value).toBeInstanceOf(Uint8Array);
      }
    }
  });

  it('is another in each vault, also for the same record', async () => {
    const names = [freshName(), freshName()];
    for (const name of names) await vaultOn(name).popup.protect({ origin: ORIGIN });
    const [one = [], other = []] = await Promise.all(names.map(rawRecords));
    const keysIn = (records: typeof one) =>
      records.filter(({ store }) => store === 'sites').map(({ key }) => bytesIn(key));
    expect(keysIn(one)).toHaveLength(1);
    expect(keysIn(one)).not.toEqual(keysIn(other));
  });
});

describe('what was changed on disk', () => {
  /** All that the page may ask about what is stored. */
  const asks = ({ page, request, isSaid }: Awaited<ReturnType<typeof chat>>) => ({
    sites: () => page.hello(DOCUMENT, {}),
    accounts: () => page.attach(DOCUMENT, { stream: 2, jid: JULIET, endpoint: ENDPOINT }),
    peers: () => page.prepare(DOCUMENT, { jid: JULIET, peer: ROMEO }),
    sessions: () => page.encrypt(DOCUMENT, { ...MESSAGE, requestId: `${++requests}` }),
    archive: () => page.decrypt(DOCUMENT, { jid: JULIET, request }),
    requests: () => page.encrypt(DOCUMENT, MESSAGE),
    streams: () => page.smLoad(DOCUMENT, { id: 'sm-1' }),
    caps: () => page.capsKnown(DOCUMENT, { jid: JULIET }),
    strangers: async () => page.decrypt(DOCUMENT, { jid: JULIET, request: await isSaid() }),
  });
  const STORES = [
    'sites',
    'accounts',
    'peers',
    'sessions',
    'archive',
    'requests',
    'streams',
    'caps',
    'strangers',
  ] as const;

  it.each(STORES)('in %s is refused and leaves all as it is', async (store) => {
    const made = await chat();
    await asks(made)[store]();
    await onDisk(made.juliet.name, async (db) => {
      for (const key of await db.getAllKeys(store)) {
        const value: Uint8Array = await db.get(store, key);
        value[30] = (value[30] ?? 0) ^ 1;
        await db.put(store, value, key);
      }
    });
    const before = await rawRecords(made.juliet.name);
    await expect(asks(made)[store]()).rejects.toMatchObject({ code: 'damaged', retry: false });
    const again = { ...made, ...vaultOn(made.juliet.name) };
    await expect(asks(again)[store]()).rejects.toMatchObject({ code: 'damaged', retry: false });
    expect(await rawRecords(made.juliet.name)).toEqual(before);
  });

  it('in its place is noticed: two contacts are not taken for each other', async () => {
    const made = await chat();
    await onDisk(made.juliet.name, async (db) => {
      const keys = await db.getAllKeys('peers');
      expect(keys.length).toBeGreaterThan(1);
      const values: unknown[] = await db.getAll('peers');
      for (const [index, key] of keys.entries())
        await db.put('peers', values[(index + 1) % keys.length], key);
    });
    await expect(asks(made).peers()).rejects.toMatchObject({ code: 'damaged' });
    const listing = vaultOn(made.juliet.name).popup.site({ origin: ORIGIN });
    await expect(listing).rejects.toMatchObject({ code: 'damaged' });
  });

  it.each([
    ['gone', async (): Promise<unknown> => undefined],
    ['no key', async (): Promise<unknown> => ({ v: 1, wrapped: new Uint8Array(60) })],
    [
      'that of another vault',
      async (): Promise<unknown> => {
        const other = freshName();
        await createDatabase(other).list('sites', '');
        return (await rawRecords(other)).find(({ store }) => store === VAULT_KEY_STORE)?.value;
      },
    ],
    [
      'changed',
      async (own: unknown): Promise<unknown> => {
        const { wrapped, ...rest } = Object(own);
        return { ...rest, wrapped: Uint8Array.from(wrapped as Uint8Array, (byte) => byte ^ 1) };
      },
    ],
  ])('as the key of the vault (%s) makes no new device and no new key', async (_name, step) => {
    const made = await chat();
    await onDisk(made.juliet.name, async (db) => {
      const [key = 0] = await db.getAllKeys(VAULT_KEY_STORE);
      const changed = await step(await db.get(VAULT_KEY_STORE, key));
      await (changed === undefined
        ? db.delete(VAULT_KEY_STORE, key)
        : db.put(VAULT_KEY_STORE, changed, key));
    });
    const before = await rawRecords(made.juliet.name);
    const { page } = vaultOn(made.juliet.name);
    for (const ask of Object.values(asks({ ...made, page })))
      await expect(ask()).rejects.toMatchObject({ code: 'damaged', retry: false });
    expect(await rawRecords(made.juliet.name)).toEqual(before);
  });

  it('back again is read as before', async () => {
    const made = await chat();
    const key = scopedKey(made.juliet.scope);
    const before = await dump(made.juliet.name);
    await onDisk(made.juliet.name, async (db) => {
      const [name = 0] = await db.getAllKeys('accounts');
      const value: Uint8Array = await db.get('accounts', name);
      await db.put('accounts', value.slice(1), name);
      await expect(createDatabase(made.juliet.name).get('accounts', key)).rejects.toMatchObject({
        code: 'damaged',
      });
      await db.put('accounts', value, name);
    });
    expect(await dump(made.juliet.name)).toEqual(before);
  });
});
