// Databases of the earlier versions: what was in them is there afterwards, sealed, and in clear no more.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LEGACY } from '../../src/rpc/versions';
import { contentHandlers } from '../../src/vault/content-handlers';
import { createDatabase } from '../../src/vault/db';
import { HELD_STORE, VAULT_KEY_STORE } from '../../src/vault/migrate';
import { createPresence } from '../../src/vault/presence';
import { STORE_NAMES } from '../../src/vault/stores';
import { foundOnDisk, onDisk, rawRecords, secretsIn } from './disk';
import { FORMER, formerDatabase, JULIET } from './former/version-2';
import { DOCUMENT } from './mortal';
import {
  contextOver,
  dump,
  envelopeOf,
  jid,
  messageIn,
  ORIGIN,
  present,
  START,
  textOf,
} from './world';

vi.mock('webextension-polyfill', () => ({ default: {} }));

const ROMEO = jid('romeo@example.net');
const bytes = (fill: number) => new Uint8Array(32).fill(fill);
const BUNDLE = {
  identityKey: bytes(1),
  signedPrekey: { id: 1, publicKey: bytes(2), signature: new Uint8Array(64) },
  oneTimePrekeys: [],
};
const PREKEYS = { signedPrekey: { id: 3 }, oneTimePrekeys: [], nextOneTimePrekeyId: 101 };
const MESSAGE = { version: LEGACY, senderDeviceId: 7, iv: new Uint8Array(12), keys: [] };

const OLD = {
  accounts: {
    v: 1,
    origin: 'https://a',
    jid: JULIET,
    deviceId: 7,
    identity: { privateKey: bytes(3), publicKey: bytes(4) },
    prekeys: PREKEYS,
    isPublished: true,
    createdAt: 5,
  },
  peers: {
    v: 1,
    peer: ROMEO,
    encryption: 'on',
    keys: [{ identityKey: bytes(1), trust: 'verified', firstSeen: 1 }],
    devices: [
      {
        deviceId: 9,
        identityKey: bytes(1),
        firstSeen: 1,
        lastSeen: 2,
        isActive: true,
        bundle: BUNDLE,
      },
      { deviceId: 10, firstSeen: 1, lastSeen: 2, isActive: false, noBundleUntil: 8, repairedAt: 4 },
    ],
    listAt: 2,
    listFailure: { kind: 'absent', at: 3 },
    isWrittenTo: true,
    plainCount: 2,
  },
  requests: { v: 1, message: MESSAGE, at: 6 },
  archive: { v: 1, peer: ROMEO, text: 'hello', at: 6 },
  sessions: { v: 1, version: LEGACY, devices: {} },
};

const oldDatabase = (): Promise<string> =>
  formerDatabase(1, {
    ...Object.fromEntries(Object.entries(OLD).map(([store, record]) => [store, { key: record }])),
    peers: {
      key: OLD.peers,
      none: { ...OLD.peers, devices: [], listAt: undefined, listFailure: undefined },
    },
  });

describe('a database of the first version', () => {
  it('keeps every account, key, decision and answer', async () => {
    const name = await oldDatabase();
    await createDatabase(name).get('sites', 'any');
    const { accounts, peers, requests, archive, sessions } = await dump(name);
    expect(accounts?.['key']).toEqual({ ...OLD.accounts, v: 2, prekeys: { [LEGACY]: PREKEYS } });
    expect(peers?.['key']).toEqual({
      v: 2,
      peer: ROMEO,
      encryption: 'on',
      keys: OLD.peers.keys,
      devices: [
        {
          deviceId: 9,
          identityKey: bytes(1),
          firstSeen: 1,
          lastSeen: 2,
          versions: { [LEGACY]: { isActive: true, bundle: BUNDLE } },
        },
        {
          deviceId: 10,
          firstSeen: 1,
          lastSeen: 2,
          versions: { [LEGACY]: { isActive: false, noBundleUntil: 8, repairedAt: 4 } },
        },
      ],
      lists: { [LEGACY]: { seenAt: 2, failure: { kind: 'absent', at: 3 } } },
      isWrittenTo: true,
      plainCount: 2,
    });
    expect(peers?.['none']).toMatchObject({ v: 2, devices: [], lists: {} });
    expect(requests?.['key']).toEqual({ v: 2, messages: [MESSAGE], at: 6 });
    expect(archive?.['key']).toEqual(OLD.archive);
    expect(sessions?.['key']).toEqual(OLD.sessions);
  });

  it('is brought up to date once', async () => {
    const name = await oldDatabase();
    await createDatabase(name).get('sites', 'any');
    const before = await dump(name);
    await createDatabase(name).get('sites', 'any');
    expect(await dump(name)).toEqual(before);
  });
});

describe('a database in clear', () => {
  const page = (name: string) =>
    contentHandlers(
      contextOver(createDatabase(name), { clock: { now: START + 2000 } }),
      createPresence(
        () => undefined,
        () => undefined,
      ),
    );

  it('is read afterwards as it was written, record by record', async () => {
    const name = await formerDatabase(2, FORMER.records);
    const { sites: formerSites = {}, ...former } = FORMER.records;
    const { sites, caps, strangers, ...stored } = await dump(name);
    expect(stored).toEqual(former);
    expect(strangers).toEqual({});
    const { caps: known, ...site } = Object(formerSites[ORIGIN]);
    expect(known).toHaveLength(1);
    expect(sites).toEqual({ [ORIGIN]: site });
    expect(caps).toEqual({ [ORIGIN]: { v: 1, caps: known } });
  });

  it('goes on in its chats, with its device, its trust and its past', async () => {
    const name = await formerDatabase(2, FORMER.records);
    const vault = page(name);
    const account = Object(FORMER.records['accounts']?.[`${ORIGIN}\n${JULIET}`]);
    expect(
      await vault.attach(DOCUMENT, { stream: 1, jid: JULIET, endpoint: 'xmpp.example.org' }),
    ).toEqual({ kind: 'granted', deviceId: account.deviceId });
    expect(await vault.capsKnown(DOCUMENT, { jid: JULIET })).toHaveLength(1);
    expect(await vault.smLoad(DOCUMENT, { id: 'sm-1' })).toMatchObject({ ids: 'abc' });
    const ways = new Set<string>();
    for (const said of FORMER.said) {
      ways.add(said.way);
      if (said.way === 'out') {
        const { requestId, text, outcome, version } = said;
        const message = { jid: JULIET, peer: jid(said.peer), requestId, text, envelope: '' };
        expect(await vault.encrypt(DOCUMENT, message)).toEqual({ ...outcome, skipped: [] });
        const sent = messageIn(version, outcome);
        const request = { ...sent, sender: JULIET, peer: jid(said.peer), isContact: true };
        const shown = version === LEGACY ? text : envelopeOf(text);
        expect(textOf(await vault.decrypt(DOCUMENT, { jid: JULIET, request }))).toBe(shown);
      } else {
        const { request, shown } = said;
        const trust = request.sender === ROMEO ? 'verified' : 'trusted';
        const outcome = await vault.decrypt(DOCUMENT, { jid: JULIET, request });
        expect(outcome).toMatchObject({ kind: 'text', text: shown, trust });
      }
    }
    expect([...ways].sort()).toEqual(['in', 'later', 'out']);
    const next = { jid: JULIET, peer: ROMEO, requestId: 'next', text: 'next', envelope: '' };
    const sent = messageIn(LEGACY, await vault.encrypt(DOCUMENT, next));
    const device = present(
      FORMER.said.find((said) => said.way === 'in' && said.request.sender === ROMEO),
    );
    const { senderDeviceId } = Object(device).request;
    const [key] = sent.keys.filter(({ deviceId }) => deviceId === senderDeviceId);
    expect(key).toMatchObject({ isKeyExchange: false });
  });

  it('is in clear no more', async () => {
    const name = await formerDatabase(2, FORMER.records);
    const secrets = secretsIn(FORMER.records);
    expect(secrets.size).toBeGreaterThan(400);
    expect(await foundOnDisk(name, secrets)).toEqual([...secrets.keys()]);
    await createDatabase(name).get('sites', ORIGIN);
    expect(await foundOnDisk(name, secrets)).toEqual([]);
    expect(await onDisk(name, async (db) => [...db.objectStoreNames].sort())).toEqual(
      [...STORE_NAMES, HELD_STORE, VAULT_KEY_STORE].sort(),
    );
  });

  it.each([0, 1, 199, 200, 201, 450])('of %i texts keeps each', async (count) => {
    const keys = Array.from({ length: count }, (_, index) => `${ORIGIN}\n${JULIET}\n${index}`);
    const archive = Object.fromEntries(keys.map((key) => [key, { ...OLD.archive, text: key }]));
    const name = await formerDatabase(2, { archive });
    expect((await dump(name))['archive']).toEqual(archive);
  });
});

describe('an upgrade that dies', () => {
  afterEach(() => void vi.restoreAllMocks());

  /** Lets the nth step of the upgrade fail, as when the worker dies or the disk is full; answers how many there were. */
  function failAt(nth: number): () => number {
    let steps = 0;
    const targets: [object, string][] = [
      ...['put', 'getAll', 'getAllKeys'].map((step): [object, string] => [
        IDBObjectStore.prototype,
        step,
      ]),
      [IDBDatabase.prototype, 'createObjectStore'],
      [IDBDatabase.prototype, 'deleteObjectStore'],
    ];
    for (const [target, step] of targets) {
      const real: unknown = Reflect.get(target, step);
      if (typeof real !== 'function') throw new TypeError(step);
      vi.spyOn(target as Record<string, () => unknown>, step).mockImplementation(function (
        this: unknown,
        ...args: unknown[]
      ) {
        if (++steps === nth) throw new DOMException('full', 'QuotaExceededError');
        return Reflect.apply(real, this, args) as unknown;
      });
    }
    return () => steps;
  }

  it('at any step leaves all as it was, and is made up for by the next', async () => {
    // Two hundred prekeys are read and written in each round, and make no step more.
    const key = `${ORIGIN}\n${JULIET}`;
    const small = { ...FORMER.records, accounts: { [key]: { ...OLD.accounts, prekeys: {} } } };
    const counted = await formerDatabase(2, small);
    const count = failAt(0);
    await createDatabase(counted).get('sites', ORIGIN);
    const steps = count();
    vi.restoreAllMocks();
    expect(steps).toBeGreaterThan(40);
    const wanted = await dump(counted);
    for (let nth = 1; nth <= steps; nth++) {
      const name = await formerDatabase(2, small);
      const before = await rawRecords(name);
      const database = createDatabase(name);
      failAt(nth);
      await expect(database.get('sites', ORIGIN), `step ${nth}`).rejects.toMatchObject({
        code: 'storage',
      });
      vi.restoreAllMocks();
      expect(await onDisk(name, async (db) => db.version)).toBe(2);
      expect(await rawRecords(name)).toEqual(before);
      await database.get('sites', ORIGIN);
      expect(await dump(name), `step ${nth}`).toEqual(wanted);
    }
  });

  it('as it is committed leaves all as it was', async () => {
    const name = await formerDatabase(2, FORMER.records);
    const before = await rawRecords(name);
    const { deleteObjectStore } = IDBDatabase.prototype;
    vi.spyOn(IDBDatabase.prototype, 'deleteObjectStore').mockImplementation(function (
      this: IDBDatabase,
      store,
    ) {
      Reflect.apply(deleteObjectStore, this, [store]);
      if (this.objectStoreNames.length === STORE_NAMES.length + 1) throw new Error('died');
    });
    await expect(createDatabase(name).get('sites', ORIGIN)).rejects.toMatchObject({
      code: 'storage',
    });
    vi.restoreAllMocks();
    expect(await rawRecords(name)).toEqual(before);
  });

  it('with a browser that makes no key leaves all as it was', async () => {
    const name = await formerDatabase(2, FORMER.records);
    const before = await rawRecords(name);
    vi.spyOn(crypto.subtle, 'generateKey').mockRejectedValue(new DOMException('no'));
    await expect(createDatabase(name).get('sites', ORIGIN)).rejects.toMatchObject({
      code: 'storage',
    });
    vi.restoreAllMocks();
    expect(await rawRecords(name)).toEqual(before);
  });
});
