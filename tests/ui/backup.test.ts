// Backups as the panel moves and words them.
import { describe, expect, it } from 'vitest';
import type { TrustChange } from '../../src/rpc/backup-api';
import { countArchive } from '../../src/ui/kept';
import { lookInto, makeBackup, restore, type BackupClient } from '../../src/ui/backup-files';
import { byWeight, fileName, identityText, savedText, trustText } from '../../src/ui/backup-words';
import { ALICE, CAROL, jid } from './views';

const ORIGIN = 'https://chat.example.org';
const BOB = jid('bob@example.org');

/** A vault that answers with what the test gives, and notes what it was asked. */
function scripted(answers: Readonly<Record<string, (arg: object) => unknown>>) {
  const asked: [string, object][] = [];
  const client = {
    request: async (name: string, arg: object) => {
      asked.push([name, arg]);
      return answers[name]?.(arg) ?? null;
    },
  } as BackupClient; // the shape of each answer is that of the table
  return { client, asked };
}

describe('a backup', () => {
  it('becomes a file of all its parts, in their order', async () => {
    let part = 0;
    const { client, asked } = scripted({
      backupBegin: () => ({ id: 4, code: 'CODE' }),
      backupNext: () => {
        part += 1;
        const bytes = new Uint8Array(700_000).fill(part);
        return { bytes, isLast: part === 4, texts: 10 * part, damaged: 1 };
      },
    });
    const seen: number[] = [];
    const made = await makeBackup(client, (texts) => seen.push(texts));
    expect({ ...made, file: made.file.size }).toEqual({
      id: 4,
      code: 'CODE',
      file: 2_800_000,
      texts: 40,
      damaged: 1,
    });
    const bytes = new Uint8Array(await made.file.arrayBuffer());
    expect([0, 1, 2, 3].map((index) => bytes[index * 700_000 + 5])).toEqual([1, 2, 3, 4]);
    expect(seen).toEqual([10, 20, 30, 40]);
    expect(asked.slice(1).every(([, arg]) => Object(arg).id === 4)).toBe(true);
  });

  it.each([
    [0, [0]],
    [1, [1]],
    [10, [10]],
    [11, [10, 1]],
    [30, [10, 10, 10]],
  ])('of %i bytes is read in pieces of what the vault takes', async (size, lengths) => {
    const { client, asked } = scripted({
      restoreBegin: () => ({ id: 9, pieceLength: 10 }),
      restoreReview: () => ({ texts: 1 }),
      restoreTexts: () => ({ texts: 2, left: 1 }),
    });
    const file = new Blob([new Uint8Array(size)]);
    const parts: number[] = [];
    const read = await lookInto(client, 'CODE', file, (part) => parts.push(part));
    const pieces = asked.filter(([name]) => name === 'restoreRead').map(([, arg]) => Object(arg));
    expect(pieces.map(({ bytes }) => bytes.length)).toEqual(lengths);
    expect(pieces.map(({ isLast }) => isLast)).toEqual(
      lengths.map((_, index) => index === lengths.length - 1),
    );
    expect(parts.at(-1)).toBe(1);
    expect(await restore(client, read, file, () => undefined)).toEqual({
      texts: 2 * lengths.length,
      left: lengths.length,
    });
    expect(asked.at(-1)).toEqual(['restoreApply', { id: 9 }]);
  });

  it('is told apart by age and verifications', () => {
    const account = {
      origin: ORIGIN,
      jid: ALICE,
      deviceId: 1,
      fingerprint: '',
      retention: 'ever',
      verifiedSince: 0,
    } as const;
    expect(savedText(account, 5)).toBe('in no backup yet');
    expect(savedText({ ...account, backedUpAt: 5 }, 5)).toBe('in the backup of today');
    expect(savedText({ ...account, backedUpAt: 5, verifiedSince: 2 }, 5)).toContain('2 keys');
    expect(fileName(new Date(2026, 0, 5, 12).getTime())).toBe('omnemo-2026-01-05.backup');
  });
});

describe('what a backup changes', () => {
  const change = (more: Partial<TrustChange>): TrustChange => ({
    origin: ORIGIN,
    jid: ALICE,
    peer: BOB,
    fingerprint: 'f',
    before: 'unknown',
    after: 'trusted',
    ...more,
  });

  it('is said of each device by what happens to it', () => {
    const identity = { origin: ORIGIN, jid: ALICE, deviceId: 7, fingerprint: 'f' };
    expect(identityText({ ...identity, kind: 'same' })).toContain('is here already');
    expect(identityText({ ...identity, kind: 'new' })).toContain('device 7');
    expect(identityText({ ...identity, kind: 'replaced' })).toContain('deleted here');
  });

  it('is said of each key by what it was and becomes', () => {
    expect(trustText(change({}))).toBe('Not known here → Trusted');
    expect(trustText(change({ before: 'trusted', after: 'verified' }))).toBe('Trusted → Verified');
    const alarm = trustText(change({ before: 'trusted', after: 'trusted', isAlarm: true }));
    expect(alarm).toMatch(/^Trusted\. In the backup this device has another key/);
  });

  it('comes with what matters first', () => {
    const changes = [
      change({ fingerprint: 'new' }),
      change({ fingerprint: 'verified', after: 'verified' }),
      change({ fingerprint: 'other', before: 'trusted', after: 'distrusted' }),
      change({ fingerprint: 'alarm', isAlarm: true }),
    ];
    expect(byWeight(changes).map(({ fingerprint }) => fingerprint)).toEqual([
      'alarm',
      'other',
      'verified',
      'new',
    ]);
  });
});

it('counts an archive over all its parts', async () => {
  const parts = [
    { chats: [{ peer: BOB, count: 2, bytes: 20 }], after: Uint8Array.of(1) },
    {
      chats: [
        { peer: BOB, count: 1, bytes: 5 },
        { peer: CAROL, count: 9, bytes: 90 },
      ],
    },
  ];
  const { client, asked } = scripted({ archiveSize: () => parts.shift() });
  const counted = await countArchive(client as Parameters<typeof countArchive>[0], {
    origin: ORIGIN,
    jid: ALICE,
  });
  expect(counted).toEqual([
    { peer: CAROL, count: 9, bytes: 90 },
    { peer: BOB, count: 3, bytes: 25 },
  ]);
  expect(asked.map(([, arg]) => Object(arg).after)).toEqual([undefined, Uint8Array.of(1)]);
});
