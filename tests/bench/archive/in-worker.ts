// The archive of many messages in the browser's own database: made as an earlier version left it, upgraded, asked, added to. Runs in a
// dedicated worker and posts what it cost.
import { openDB } from 'idb';
import { bareJid, type BareJid } from '../../../src/jid';
import { generateIdentity } from '../../../src/omemo/identity';
import { LEGACY } from '../../../src/rpc/versions';
import { archiveKey } from '../../../src/vault/archive';
import { archiveSize, sweepArchive } from '../../../src/vault/archive-upkeep';
import { createDatabase, type Change, type VaultDatabase } from '../../../src/vault/db';
import { newSite, type AccountRecord, type ArchiveRecord } from '../../../src/vault/records';
import { measureBackup, type BackupCosts } from './backup';
import { createTransactions } from '../../../src/vault/transaction';

/** What was measured, in ms; bytes for a message on disk. */
export interface ArchiveCosts {
  readonly upgrade: number;
  readonly open: number;
  readonly found: readonly number[];
  readonly absent: readonly number[];
  readonly added: readonly number[];
  readonly bytesInClear: number;
  readonly bytesSealed: number;
  /** Counting the archive. */
  readonly counted: number;
  /** Taking half of the texts off the disk. */
  readonly swept: number;
  /** Look-ups meanwhile. */
  readonly meanwhile: readonly number[];
  readonly backup: BackupCosts;
}

const MESSAGES = 100_000;
const BATCH = 1000;
const ASKED = 2000;
const ADDED = 300;
const STORES = ['sites', 'accounts', 'peers', 'sessions', 'archive', 'requests', 'streams'];

function jid(text: string): BareJid {
  const bare = bareJid(text);
  if (bare === undefined) throw new TypeError('jid');
  return bare;
}

const JULIET = jid('juliet@example.org');
const ROMEO = jid('romeo@example.net');
const SCOPE = { origin: 'https://chat.example.org', jid: JULIET };

/** 60 characters: what people write at once, about. */
const textOf = (index: number): string => `message ${index} `.padEnd(60, 'but soft, what light ');

function keyOf(index: number): string {
  const payload = new TextEncoder().encode(`payload ${index}`);
  return archiveKey(SCOPE, { version: LEGACY, sender: ROMEO, payload, key: payload });
}

function recordOf(index: number): ArchiveRecord {
  const identityKey = new Uint8Array(32).fill(7);
  return { v: 1, peer: ROMEO, text: textOf(index), identityKey, at: 1.7e12 + index };
}

async function makeFormer(name: string): Promise<void> {
  const db = await openDB(name, 2, {
    upgrade: (upgraded) => STORES.forEach((store) => upgraded.createObjectStore(store)),
  });
  for (let from = 0; from < MESSAGES; from += BATCH) {
    const { store, done } = db.transaction('archive', 'readwrite');
    for (let index = from; index < from + BATCH; index++)
      void store.put(recordOf(index), keyOf(index));
    await done;
  }
  db.close();
}

async function makeSealed(name: string): Promise<void> {
  const database = createDatabase(name);
  for (let from = 0; from < MESSAGES; from += BATCH) {
    const changes = Array.from({ length: BATCH }, (_, index) => from + index).map(
      (index): Change => ({ store: 'archive', key: keyOf(index), value: recordOf(index) }),
    );
    await database.write(changes);
  }
}

async function usage(): Promise<number> {
  return (await navigator.storage.estimate()).usage ?? NaN;
}

async function timed(count: number, work: (index: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const begin = performance.now();
    await work(index);
    times.push(performance.now() - begin);
  }
  return times;
}

/** Half of the texts are older than what is kept; someone fetches history meanwhile. */
async function measureUpkeep(
  database: VaultDatabase,
  scattered: (index: number) => number,
): Promise<Pick<ArchiveCosts, 'counted' | 'swept' | 'meanwhile' | 'backup'>> {
  const now = 1.7e12 + MESSAGES / 2 + 24 * 3600 * 1000;
  const transactions = createTransactions(database);
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  const context = { database, transactions, random, now: () => now };
  const { origin, jid: account } = SCOPE;
  const identity = await generateIdentity(random);
  const record: AccountRecord = {
    v: 2,
    ...SCOPE,
    deviceId: 7,
    identity,
    prekeys: {},
    isPublished: true,
    createdAt: 1,
  };
  await database.write([
    { store: 'accounts', key: `${origin}\n${account}`, value: record },
    { store: 'sites', key: origin, value: newSite(origin) },
  ]);
  const backup = await measureBackup(database, MESSAGES + ADDED);
  const limited = { ...newSite(origin), retention: 1 };
  await database.write([{ store: 'sites', key: origin, value: limited }]);
  const [counted = NaN] = await timed(1, async () => {
    let after: Uint8Array | undefined;
    let texts = 0;
    do {
      const part = await archiveSize(context, {
        origin,
        jid: account,
        ...(after !== undefined && { after }),
      });
      texts += part.chats.reduce((sum, { count }) => sum + count, 0);
      after = part.after;
    } while (after !== undefined);
    if (texts !== MESSAGES + ADDED) throw new Error('not all of them');
  });
  let isSwept = false;
  const sweeping = timed(1, async () => {
    await sweepArchive(context);
    isSwept = true;
  });
  const meanwhile: number[] = [];
  while (!isSwept) {
    const key = keyOf(scattered(meanwhile.length));
    meanwhile.push(...(await timed(1, () => database.get('archive', key))));
  }
  const [swept = NaN] = await sweeping;
  if ((await database.get('archive', keyOf(MESSAGES / 2 - 1))) !== undefined)
    throw new Error('a text that is to be gone');
  if ((await database.get('archive', keyOf(MESSAGES / 2))) === undefined)
    throw new Error('a text that is to be kept');
  return { counted, swept, meanwhile, backup };
}

async function measure(): Promise<ArchiveCosts> {
  const name = 'archive';
  const atFirst = await usage();
  await makeSealed('sealed');
  const withSealed = await usage();
  await makeFormer(name);
  const withBoth = await usage();
  const [upgrade = NaN] = await timed(1, () => createDatabase(name).get('sites', 'none'));
  const [open = NaN] = await timed(1, () => createDatabase(name).get('sites', 'none'));
  const database = createDatabase(name);
  const scattered = (index: number): number => (index * 7919) % MESSAGES;
  const found = await timed(ASKED, async (index) => {
    const record = await database.get('archive', keyOf(scattered(index)));
    if (record?.text !== textOf(scattered(index))) throw new Error('not the message');
  });
  const absent = await timed(ASKED, async (index) => {
    if ((await database.get('archive', keyOf(MESSAGES + index))) !== undefined)
      throw new Error('a message that is not there');
  });
  const added = await timed(ADDED, (index) => {
    const at = 2 * MESSAGES + index;
    return database.write([{ store: 'archive', key: keyOf(at), value: recordOf(at) }]);
  });
  const upkeep = await measureUpkeep(database, scattered);
  const bytesSealed = (withSealed - atFirst) / MESSAGES;
  const bytesInClear = (withBoth - withSealed) / MESSAGES;
  return {
    upgrade,
    open,
    found,
    absent,
    added,
    bytesInClear,
    bytesSealed,
    ...upkeep,
  };
}

measure().then(
  (costs) => postMessage({ costs }),
  (error: unknown) => postMessage({ failure: String(error) }),
);
