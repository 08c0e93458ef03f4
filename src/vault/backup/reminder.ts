// When an account is worth a word about backups (M79). Pure.
import { BACKUP_AGE_MS, BACKUP_VERIFICATIONS, NO_BACKUP_MS } from '../../limits';
import type { BackupReminder } from '../../rpc/backup-api';
import { isOver } from '../clock';
import type { AccountRecord } from '../records';

/** What to say of an account; undefined: nothing. `verified`: keys of people that are verified now; `now` in ms since 1970. */
export function reminderOf(
  { backup, createdAt }: Pick<AccountRecord, 'backup' | 'createdAt'>,
  verified: number,
  now: number,
): BackupReminder | undefined {
  if (backup === undefined) {
    const isDue = verified >= BACKUP_VERIFICATIONS || isOver(createdAt, now, NO_BACKUP_MS);
    return isDue ? 'never' : undefined;
  }
  if (verified - backup.verified >= BACKUP_VERIFICATIONS) return 'verified';
  return isOver(backup.at, now, BACKUP_AGE_MS) ? 'old' : undefined;
}
