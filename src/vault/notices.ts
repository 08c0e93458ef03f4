// What the user is told once, in the popup, of what happened to the vault: kept until they have read it, and it names nobody.
import type { Restored } from './care';
import type { CopyArea } from './second-copy';

/** `restored-all`: the database was gone. `restored-part`: part of it was. */
export type NoticeCode = 'restored-all' | 'restored-part';

const ITEM = 'notice';

function isNotice(value: unknown): value is NoticeCode {
  return value === 'restored-all' || value === 'restored-part';
}

/** What has not been read yet. */
export async function readNotice(area: CopyArea): Promise<NoticeCode | undefined> {
  const { [ITEM]: stored } = await area.get(null);
  return isNotice(stored) ? stored : undefined;
}

/** Keeps what has happened; the graver stays. */
export async function noteRestored(area: CopyArea, restored: Restored): Promise<void> {
  if (restored === 'nothing') return;
  const isAll = restored === 'all' || (await readNotice(area)) === 'restored-all';
  await area.set({ [ITEM]: isAll ? 'restored-all' : 'restored-part' });
}

/** The user has read it. */
export function dropNotice(area: CopyArea): Promise<void> {
  return area.remove([ITEM]);
}
