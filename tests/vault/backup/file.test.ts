// The file of a backup: read in any pieces, refused in any other form than the one it was made in.
import { describe, expect, it } from 'vitest';
import { MAX_BACKUP_FRAME } from '../../../src/limits';
import {
  createBackupReader,
  createBackupWriter,
  HEADER_LENGTH,
} from '../../../src/vault/backup/file';
import { seeded } from '../world';

const SECRET = new Uint8Array(16).fill(7);
const FRAMES = ['one', '', 'three'].map((text) => new TextEncoder().encode(text));

function fileOf(frames = FRAMES, seed = 'file'): Uint8Array {
  const writer = createBackupWriter(SECRET, seeded(seed));
  const parts = frames.map((frame, index) => writer.frame(frame, index === frames.length - 1));
  return Buffer.concat([writer.header, ...parts]);
}

function readIn(pieces: readonly Uint8Array[], secret = SECRET): readonly string[] {
  const reader = createBackupReader(secret);
  return pieces.flatMap((piece, index) =>
    reader
      .read(piece, index === pieces.length - 1)
      .map((plaintext) => Buffer.from(plaintext).toString()),
  );
}

const refusal = (code: string) => expect.objectContaining({ code });

describe('a file', () => {
  it.each([1, 2, 3, 7, 64, 1000])('is read in pieces of %i bytes', (size) => {
    const file = fileOf();
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < file.length; at += size) pieces.push(file.subarray(at, at + size));
    expect(readIn(pieces)).toEqual(['one', '', 'three']);
  });

  it('with a flipped bit anywhere is refused', () => {
    const file = fileOf();
    for (let at = 0; at < file.length; at++) {
      for (const bit of [0, 7]) {
        const changed = Uint8Array.from(file);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        expect(() => readIn([changed]), `byte ${at}`).toThrow(
          expect.objectContaining({
            code: expect.stringMatching(/^(bad-backup|new-backup|wrong-code)$/),
          }),
        );
      }
    }
  });

  it('cut off anywhere is refused', () => {
    const file = fileOf();
    for (let length = 0; length < file.length; length++)
      expect(() => readIn([file.subarray(0, length)]), `${length}`).toThrow(refusal('bad-backup'));
  });

  it('with something behind it is refused', () => {
    expect(() => readIn([fileOf(), Uint8Array.of(0)])).toThrow(refusal('bad-backup'));
    expect(() => readIn([Buffer.concat([fileOf(), fileOf()])])).toThrow(refusal('bad-backup'));
  });

  it('with frames in another order, twice or missing is refused', () => {
    const writer = createBackupWriter(SECRET, seeded('order'));
    const [one, two, last] = [
      writer.frame(new Uint8Array(5), false),
      writer.frame(new Uint8Array(5), false),
      writer.frame(new Uint8Array(5), true),
    ] as const;
    const whole = [writer.header, one, two, last];
    expect(readIn(whole)).toHaveLength(3);
    for (const frames of [[two, one, last], [one, one, two, last], [one, last], [one, two], [last]])
      expect(() => readIn([writer.header, ...frames])).toThrow(refusal('bad-backup'));
  });

  it('with the frames of another file of the same code is refused', () => {
    const [one, other] = [fileOf(FRAMES, 'one'), fileOf(FRAMES, 'other')];
    const mixed = Buffer.concat([one.subarray(0, HEADER_LENGTH), other.subarray(HEADER_LENGTH)]);
    expect(() => readIn([mixed])).toThrow(refusal('bad-backup'));
  });

  it('of another code says so, and of a later version', () => {
    expect(() => readIn([fileOf()], new Uint8Array(16).fill(8))).toThrow(refusal('wrong-code'));
    const later = fileOf();
    later[8] = 2;
    expect(() => readIn([later])).toThrow(refusal('new-backup'));
    later[8] = 0;
    expect(() => readIn([later])).toThrow(refusal('bad-backup'));
  });

  it('that announces a frame above the limit is refused before it is there', () => {
    const frame = new Uint8Array(MAX_BACKUP_FRAME);
    expect(readIn([fileOf([frame])])).toHaveLength(1);
    const over = createBackupWriter(SECRET, seeded('over'));
    const head = over.frame(new Uint8Array(MAX_BACKUP_FRAME + 1), true).subarray(0, 4);
    const reader = createBackupReader(SECRET);
    expect(() => reader.read(Buffer.concat([over.header, head]), false)).toThrow(
      refusal('bad-backup'),
    );
  });

  it('shows nothing of what is in it', () => {
    expect(Buffer.from(fileOf()).includes('three')).toBe(false);
  });
});
