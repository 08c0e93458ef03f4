import { describe, expect, it } from 'vitest';
import { BACKUP_AGE_MS, BACKUP_VERIFICATIONS, NO_BACKUP_MS } from '../../../src/limits';
import { reminderOf } from '../../../src/vault/backup/reminder';

const NOW = 1e12;

describe('an account without a backup', () => {
  it.each([
    ['young, with nobody verified', NOW - NO_BACKUP_MS + 1, 0, undefined],
    ['young, with a few verified', NOW - 1, BACKUP_VERIFICATIONS - 1, undefined],
    ['young, with several verified', NOW - 1, BACKUP_VERIFICATIONS, 'never'],
    ['a week old', NOW - NO_BACKUP_MS, 0, 'never'],
  ])('%s', (_name, createdAt, verified, reminder) => {
    expect(reminderOf({ createdAt }, verified, NOW)).toBe(reminder);
  });
});

describe('an account with a backup', () => {
  const account = (at: number) => ({ createdAt: 0, backup: { at, verified: 10 } });

  it.each([
    ['that is fresh', NOW - BACKUP_AGE_MS + 1, 10, undefined],
    ['that is old', NOW - BACKUP_AGE_MS, 10, 'old'],
    ['from before a few verifications', NOW - 1, 10 + BACKUP_VERIFICATIONS - 1, undefined],
    ['from before several verifications', NOW - 1, 10 + BACKUP_VERIFICATIONS, 'verified'],
    ['from before some were taken back', NOW - 1, 3, undefined],
    ['of a clock that was ahead', NOW + 1, 10, 'old'],
  ])('%s', (_name, at, verified, reminder) => {
    expect(reminderOf(account(at), verified, NOW)).toBe(reminder);
  });
});
