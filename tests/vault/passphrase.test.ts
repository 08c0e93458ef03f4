import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { MAX_ARGON2, MIN_ARGON2 } from '../../src/limits';
import {
  isCheaper,
  isKeyOfRecord,
  passphraseRecordFrom,
  unwrapVaultKey,
  wrapVaultKey,
} from '../../src/vault/passphrase';
import { CHEAP, seeded } from './world';

const { record: given } = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '..', 'vectors', 'argon2id.json'), 'utf8'),
);
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
const { memory, passes, lanes, passphrase } = given;
const RECORD = {
  v: 2,
  cost: { memory, passes, lanes },
  salt: bytes(given.salt),
  nonce: bytes(given.nonce),
  wrapped: bytes(given.wrapped),
  heldKey: bytes(given.heldKey),
} as const;
const KEY = bytes(given.vaultKey);
const WRONG = { code: 'wrong-passphrase' };
const DAMAGED = expect.objectContaining({ code: 'damaged' });

describe('a vault key under a passphrase', () => {
  it('opens where others wrapped it', async () => {
    expect(await unwrapVaultKey(passphraseRecordFrom(RECORD), passphrase)).toEqual(KEY);
    expect(isKeyOfRecord(RECORD, KEY)).toBe(true);
    expect(isKeyOfRecord(RECORD, new Uint8Array(32))).toBe(false);
  });

  it('opens for the same letters from another keyboard', async () => {
    expect(passphrase.normalize('NFD')).not.toBe(passphrase);
    expect(await unwrapVaultKey(RECORD, passphrase.normalize('NFD'))).toEqual(KEY);
  });

  it('does not open for another one', async () => {
    await expect(unwrapVaultKey(RECORD, `${passphrase} `)).rejects.toMatchObject(WRONG);
  });

  it('has a salt of its own and comes back', async () => {
    const random = seeded('records');
    const first = await wrapVaultKey(KEY, 'correct horse', random, CHEAP);
    const second = await wrapVaultKey(KEY, 'correct horse', random, CHEAP);
    expect(first.salt).toHaveLength(16);
    expect(second.salt).not.toEqual(first.salt);
    expect(second.wrapped).not.toEqual(first.wrapped);
    expect(await unwrapVaultKey(passphraseRecordFrom(second), 'correct horse')).toEqual(KEY);
  });

  it.each([
    ['salt', { ...RECORD, salt: new Uint8Array(16) }],
    ['held key', { ...RECORD, heldKey: new Uint8Array(32).fill(9) }],
    ['cost', { ...RECORD, cost: { ...RECORD.cost, passes: 3 } }],
  ])('does not open with another %s', async (_name, record) => {
    await expect(unwrapVaultKey(record, passphrase)).rejects.toMatchObject(WRONG);
  });
});

describe('a stored record', () => {
  const of = (cost: object) => ({ ...RECORD, cost: { ...RECORD.cost, ...cost } });

  it.each([
    ['memory', MIN_ARGON2.memory, MAX_ARGON2.memory],
    ['passes', MIN_ARGON2.passes, MAX_ARGON2.passes],
    ['lanes', MIN_ARGON2.lanes, MAX_ARGON2.lanes],
  ])('is refused below the floor of %s and above any', (name, least, most) => {
    for (const number of [least, most])
      expect(passphraseRecordFrom(of({ [name]: number })).v).toBe(2);
    for (const number of [least - 1, most + 1, 0, -1, least + 0.5, Number.NaN, String(least)])
      expect(() => passphraseRecordFrom(of({ [name]: number }))).toThrow(DAMAGED);
  });

  it('is refused if anything of it is missing or has another length', () => {
    for (const name of ['cost', 'salt', 'nonce', 'wrapped', 'heldKey'])
      for (const value of [undefined, null, 5, 'x', new Uint8Array(15)])
        expect(() => passphraseRecordFrom({ ...RECORD, [name]: value }), name).toThrow(DAMAGED);
    for (const stored of [undefined, null, 5, {}, { v: 1 }])
      expect(() => passphraseRecordFrom(stored)).toThrow(DAMAGED);
  });

  it('is cheaper if memory or passes are fewer', () => {
    expect(isCheaper(RECORD, { memory, passes, lanes })).toBe(false);
    expect(isCheaper(RECORD, { memory: memory + 1, passes, lanes })).toBe(true);
    expect(isCheaper(RECORD, { memory, passes: passes + 1, lanes })).toBe(true);
    expect(isCheaper(RECORD, { memory: memory - 1, passes, lanes: 4 })).toBe(false);
  });
});
