// A backup of many messages, made of one database and restored in another one, as the panel has it done.
import { newSecret } from '../../../src/vault/backup/code';
import { exportBackup } from '../../../src/vault/backup/export';
import { createRestoration } from '../../../src/vault/backup/restore';
import { createDatabase, type VaultDatabase } from '../../../src/vault/db';
import { createTransactions } from '../../../src/vault/transaction';

/** What was measured, in ms and bytes. */
export interface BackupCosts {
  readonly made: number;
  readonly read: number;
  readonly restored: number;
  readonly fileBytes: number;
  /** The largest part of it that the worker held. */
  readonly mostBytes: number;
}

const PIECE = 1024 * 1024;

function contextOf(database: VaultDatabase) {
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  return {
    database,
    transactions: createTransactions(database),
    random,
    now: () => 1.8e12,
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/** Backs up a database, and restores `texts` texts of it in a fresh one. */
export async function measureBackup(database: VaultDatabase, texts: number): Promise<BackupCosts> {
  const from = contextOf(database);
  const secret = newSecret(from.random);
  const parts: Blob[] = [];
  let mostBytes = 0;
  const made = await timed(async () => {
    for await (const { bytes } of exportBackup(from, secret, from.random)) {
      parts.push(new Blob([new Uint8Array(bytes)]));
      mostBytes = Math.max(mostBytes, bytes.length);
    }
  });
  const file = new Blob(parts);
  const restoration = createRestoration(contextOf(createDatabase('restored')), secret);
  const each = async (take: (bytes: Uint8Array, isLast: boolean) => unknown) => {
    for (let at = 0; at < file.size; at += PIECE) {
      const bytes = new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer());
      await take(bytes, at + PIECE >= file.size);
    }
  };
  const read = await timed(async () => {
    await each(restoration.read);
    await restoration.review();
  });
  let added = 0;
  const restored = await timed(() =>
    each(async (bytes, isLast) => {
      added += (await restoration.addTexts(bytes, isLast)).texts;
    }),
  );
  if (added !== texts) throw new Error(`${added} texts restored, not ${texts}`);
  return { made, read, restored, fileBytes: file.size, mostBytes };
}
