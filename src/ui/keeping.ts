// What is kept of texts, in words that hold. Pure.
import type { Retention } from '../rpc/popup-api';

/** What can be chosen; other numbers of days are shown as they are. */
export const CHOICES: readonly Retention[] = ['ever', 365, 90, 30, 7, 'off'];

/** A retention by name. */
export function retentionTitle(retention: Retention): string {
  if (retention === 'ever') return 'Keep texts for ever';
  if (retention === 'off') return 'Keep no texts';
  return retention === 1 ? 'Keep texts for a day' : `Keep texts for ${retention} days`;
}

/** What follows from it for the user. */
export function retentionDetail(retention: Retention): string {
  if (retention === 'ever')
    return 'What you read or wrote can be shown again whenever the page fetches its history.';
  if (retention === 'off')
    return (
      'A text answers your tabs for ten minutes. Within an hour, as long as this browser runs, it is off the disk. Loaded anew, ' +
      'the page cannot show it again: what the server keeps opens only once.'
    );
  return (
    'Older texts cannot be shown again when the page fetches its history, and nothing brings them back: what the server keeps ' +
    'opens only once. They are off the disk within a day, as long as this browser runs.'
  );
}

function days(retention: Retention): number {
  if (retention === 'ever') return Infinity;
  return retention === 'off' ? 0 : retention;
}

/** Does the change lose texts that are kept now. */
export function isShorter(before: Retention, after: Retention): boolean {
  return days(after) < days(before);
}

/** Room on disk as people say it. */
export function bytesText(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const shown = unit === 0 || value >= 10 ? Math.round(value) : Math.round(value * 10) / 10;
  return `${shown} ${units[unit] ?? ''}`;
}

/** How much there is of it. */
export function sizeText(count: number, bytes: number): string {
  if (bytes === 0) return 'nothing kept';
  return `${count === 1 ? '1 text' : `${count} texts`}, ${bytesText(bytes)}`;
}
