// Backups in words that hold. Pure.
import type { BackupReminder, IdentityChange, KeptAccount, TrustChange } from '../rpc/backup-api';
import { dayText, TRUST_WORDS } from './format';

/** What the popup says where a backup is due. */
export const REMINDERS: Readonly<Record<BackupReminder, string>> = {
  never: 'There is no backup of your keys and texts: if this browser profile is lost, so are they.',
  old: 'Your last backup is more than three months old.',
  verified: 'You have verified people since your last backup.',
};

/** What is asked before a backup is made. */
export const BEFORE_BACKUP =
  'Whoever has the file and its code can read all texts in it and pose as you. The file alone says nothing but its size and date. ' +
  'The code is shown once, kept nowhere, and without it nobody can open the file, not even you.';

/** What is in a backup, and what is not. */
export const ABOUT_BACKUP =
  'A backup holds your keys, your trust in the keys of others, the settings of your sites, and the texts that are kept. It does not ' +
  'hold what a running conversation needs: after it is restored, new sessions begin, and a message that was on its way meanwhile ' +
  'may not be readable.';

/** What two copies of one device do to each other. */
export const CLONE_WARNING =
  'Is the browser this backup comes from still in use? Then do not use both: they would be one device in two places, each would undo ' +
  'the sessions of the other, and messages would be lost in both. Stop protecting your sites there first.';

/** When an account was last saved. */
export function savedText({ backedUpAt, verifiedSince }: KeptAccount, now: number): string {
  if (backedUpAt === undefined) return 'in no backup yet';
  const day = `in the backup of ${dayText(backedUpAt, now)}`;
  if (verifiedSince === 0) return day;
  return `${day}; ${verifiedSince === 1 ? 'one key' : `${verifiedSince} keys`} verified since`;
}

/** What happens to the device of an account. */
export function identityText({ kind, deviceId }: IdentityChange): string {
  if (kind === 'same')
    return `Device ${deviceId} is here already. Its keys and sessions stay as they are; texts and decisions that are missing are added.`;
  if (kind === 'new') return `Becomes device ${deviceId} in this browser, with this fingerprint.`;
  return (
    `Takes the place of the device this browser has for the account, whose keys and sessions are deleted here. It becomes device ` +
    `${deviceId}. Contacts who verified the former one see another fingerprint, and may go on encrypting for the former one as well.`
  );
}

/** What happens to the trust in a key. */
export function trustText({ before, after, isAlarm }: TrustChange): string {
  const from = before === 'unknown' ? 'Not known here' : TRUST_WORDS[before];
  const change = before === after ? TRUST_WORDS[after] : `${from} → ${TRUST_WORDS[after]}`;
  if (isAlarm !== true) return change;
  return `${change}. In the backup this device has another key: nothing is sent to it until you have decided.`;
}

/** The changes somebody must look at come first. */
export function byWeight(changes: readonly TrustChange[]): readonly TrustChange[] {
  const weight = ({ isAlarm, before, after }: TrustChange): number => {
    if (isAlarm === true) return 0;
    if (before !== 'unknown') return 1;
    return after === 'trusted' || after === 'undecided' ? 3 : 2;
  };
  return changes.toSorted((a, b) => weight(a) - weight(b));
}

/** The name of a file made at this moment, by the day people live in. */
export function fileName(at: number): string {
  const day = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `omnemo-${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}.backup`;
}
