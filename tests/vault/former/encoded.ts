// Records as they were sealed before a library encoded them: encoded.json was made by that code.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { deserialize } from 'node:v8';
import type { StoreName } from '../../../src/vault/stores';

const file = path.join(import.meta.dirname, 'encoded.json');
const kept = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly vaultKey: string;
  readonly records: readonly { store: StoreName; key: string; name: string; sealed: string }[];
  readonly values: readonly { what: string; clone: string; encoded: string }[];
};

const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));

/** The key these records are sealed with. */
export const FORMER_KEY = bytesOf(kept.vaultKey);

/** Records of a chat, the same as in version-2.json, as they lay on disk. */
export const FORMER_RECORDS = kept.records.map(({ store, key, name, sealed }) => ({
  ...{ store, key },
  name: bytesOf(name),
  sealed: bytesOf(sealed),
}));

/** What is odd about text, numbers and names, and how it was encoded. */
export const FORMER_VALUES = kept.values.map(({ what, clone, encoded }) => ({
  what,
  value: deserialize(bytesOf(clone)) as unknown,
  encoded: bytesOf(encoded),
}));
