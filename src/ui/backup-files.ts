// Moves backups between the vault and files, piece by piece.
import type { BackupApi, RestoreReview } from '../rpc/backup-api';
import type { Client } from '../rpc/port';

/** What of the vault is asked here. */
export type BackupClient = Pick<Client<BackupApi>, 'request'>;

/** A large piece takes longer than other requests: its texts are looked up one by one. */
const PIECE_MS = 120_000;

/** Bytes that are held before they are given to the browser to keep. */
const BLOB_LENGTH = 1024 * 1024;

/** A backup as it was made. */
export interface MadeBackup {
  readonly id: number;
  readonly code: string;
  /** Where the browser keeps it is its own affair: on disk, if it is large. */
  readonly file: Blob;
  readonly texts: number;
  readonly damaged: number;
}

/** Makes a backup; `onTexts` is told how many texts are in it so far. */
export async function makeBackup(
  client: BackupClient,
  onTexts: (texts: number) => void,
): Promise<MadeBackup> {
  const { id, code } = await client.request('backupBegin', {});
  // Blobs of parts are not copied into one array: the page holds little of a large backup.
  let parts: Blob[] = [];
  let waiting: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (;;) {
    const { bytes, isLast, texts, damaged } = await client.request('backupNext', { id }, PIECE_MS);
    waiting.push(new Uint8Array(bytes));
    size += bytes.length;
    if (size > BLOB_LENGTH || isLast) {
      parts = [...parts, new Blob(waiting)];
      waiting = [];
      size = 0;
    }
    onTexts(texts);
    if (isLast) return { id, code, file: new Blob(parts), texts, damaged };
  }
}

/** Shows `file` to `take` piece by piece; `onPart` is told which part of it, up to 1, was taken. */
async function eachPiece(
  file: Blob,
  length: number,
  take: (bytes: Uint8Array, isLast: boolean) => Promise<unknown>,
  onPart: (part: number) => void,
): Promise<void> {
  let at = 0;
  do {
    const end = Math.min(at + length, file.size);
    const bytes = new Uint8Array(await file.slice(at, end).arrayBuffer());
    await take(bytes, end === file.size);
    at = end;
    onPart(file.size === 0 ? 1 : at / file.size);
  } while (at < file.size);
}

/** A backup that was read. */
export interface ReadBackup {
  readonly id: number;
  readonly pieceLength: number;
  readonly review: RestoreReview;
}

/** Reads a backup and says what it would change. Nothing is changed. */
export async function lookInto(
  client: BackupClient,
  code: string,
  file: Blob,
  onPart: (part: number) => void,
): Promise<ReadBackup> {
  const { id, pieceLength } = await client.request('restoreBegin', { code });
  const read = (bytes: Uint8Array, isLast: boolean) =>
    client.request('restoreRead', { id, bytes, isLast }, PIECE_MS);
  await eachPiece(file, pieceLength, read, onPart);
  return { id, pieceLength, review: await client.request('restoreReview', { id }, PIECE_MS) };
}

/** Does what the review said; answers how many texts were added, and how many left out as too old. */
export async function restore(
  client: BackupClient,
  { id, pieceLength }: ReadBackup,
  file: Blob,
  onPart: (part: number) => void,
): Promise<{ readonly texts: number; readonly left: number }> {
  let added = { texts: 0, left: 0 };
  const add = async (bytes: Uint8Array, isLast: boolean): Promise<void> => {
    const { texts, left } = await client.request('restoreTexts', { id, bytes, isLast }, PIECE_MS);
    added = { texts: added.texts + texts, left: added.left + left };
  };
  await eachPiece(file, pieceLength, add, onPart);
  await client.request('restoreApply', { id }, PIECE_MS);
  return added;
}
