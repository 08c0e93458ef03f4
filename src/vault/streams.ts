// Positions of resumable streams, kept over reloads of the page and sleep of the worker (interception I-29).
import { toHex } from '../crypto/bytes';
import { sha256 } from '../crypto/kdf';
import type { SmRecord } from '../rpc/vault-api';
import type { Context } from './context';
import type { Change } from './db';
import { keyOf } from './names';

/** What a stream is stored under: ids come from servers and may be long. */
export function streamKey(origin: string, id: string): string {
  return keyOf(origin, toHex(sha256(new TextEncoder().encode(id))));
}

/** The positions of a stream of this origin, or null. */
export async function loadStream(
  context: Context,
  origin: string,
  id: string,
): Promise<SmRecord | null> {
  const stored = await context.database.get('streams', streamKey(origin, id));
  return stored?.record ?? null;
}

/** Keeps the positions of a stream. */
export function saveStream(
  context: Context,
  origin: string,
  id: string,
  record: SmRecord,
): Promise<void> {
  const value = { v: 1, record, at: context.now() } as const;
  return context.database.write([{ store: 'streams', key: streamKey(origin, id), value }]);
}

/** Forgets every stream: nobody kept count of what went over them since. */
export async function dropStreams({ database }: Context): Promise<void> {
  const changes: Change[] = [];
  await database.each('streams', (key) => changes.push({ store: 'streams', key }));
  await database.write(changes);
}

/** Forgets a stream that can no longer be resumed. */
export function dropStream(context: Context, origin: string, id: string): Promise<void> {
  return context.database.write([{ store: 'streams', key: streamKey(origin, id) }]);
}
