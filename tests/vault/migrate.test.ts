// Records as the first version of the extension wrote them, in a database of its version.
import { openDB } from 'idb';
import { describe, expect, it } from 'vitest';
import { LEGACY } from '../../src/rpc/versions';
import { createDatabase } from '../../src/vault/db';
import { dump, freshName, jid, STORES } from './world';

const JULIET = jid('juliet@example.org');
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

async function oldDatabase(): Promise<string> {
  const name = freshName();
  const old = await openDB(name, 1, {
    upgrade(db) {
      for (const store of STORES) db.createObjectStore(store);
    },
  });
  for (const [store, record] of Object.entries(OLD)) await old.put(store, record, 'key');
  await old.put(
    'peers',
    { ...OLD.peers, devices: [], listAt: undefined, listFailure: undefined },
    'none',
  );
  old.close();
  return name;
}

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
