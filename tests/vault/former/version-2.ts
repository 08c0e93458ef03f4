// A database as the last version wrote it that left records in clear: version-2.json was made by that code, in the run of a chat.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { openDB } from 'idb';
import { bareJid } from '../../../src/jid';
import type { OmemoVersion } from '../../../src/omemo/types';
import type { DecryptRequest, EncryptOutcome } from '../../../src/rpc/vault-api';
import { freshName, present } from '../world';

/** What was said in the chat: written, read, or on its way when the database was kept. */
export type Said =
  | {
      readonly way: 'out';
      readonly requestId: string;
      readonly peer: string;
      readonly text: string;
      readonly version: OmemoVersion;
      readonly outcome: EncryptOutcome;
    }
  | {
      readonly way: 'in' | 'later';
      readonly text: string;
      /** What the page gets to see of it: the envelope, in OMEMO 2. */
      readonly shown: string;
      readonly request: DecryptRequest;
    };

interface Former {
  readonly records: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly said: readonly Said[];
}

/** Brings bytes back that JSON cannot hold. */
export function revived(_name: string, value: unknown): unknown {
  const isBytes = typeof value === 'object' && value !== null && '$bytes' in value;
  return isBytes ? new Uint8Array(Buffer.from(String(value.$bytes), 'base64')) : value;
}

const file = path.join(import.meta.dirname, 'version-2.json');

/** What the file holds. */
export const FORMER = JSON.parse(readFileSync(file, 'utf8'), revived) as Former;

/** The account of the chat. */
export const JULIET = present(bareJid('juliet@example.org'));

/** Makes a database of the earlier version with these records in clear; answers its name. */
export async function formerDatabase(version: number, records: Former['records']): Promise<string> {
  const name = freshName();
  const stores = ['sites', 'accounts', 'peers', 'sessions', 'archive', 'requests', 'streams'];
  const db = await openDB(name, version, {
    upgrade(upgraded) {
      for (const store of stores) upgraded.createObjectStore(store);
    },
  });
  for (const [store, byKey] of Object.entries(records))
    for (const [key, value] of Object.entries(byKey)) await db.put(store, value, key);
  db.close();
  return name;
}
