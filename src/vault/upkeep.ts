// Old answers and positions nobody will ask for again.
import type { Context } from './context';
import type { Change } from './db';
import { REQUEST_KEPT_MS, STREAM_KEPT_MS } from '../limits';

/** Removes answers to requests after two weeks and positions of streams after a day. */
export async function removeExpired({ database, now }: Context): Promise<void> {
  // Once it is unlocked will do.
  if (!(await database.isOpen())) return;
  const changes: Change[] = [];
  await database.each('requests', (key, { at }) => {
    if (now() - at > REQUEST_KEPT_MS) changes.push({ store: 'requests', key });
  });
  await database.each('streams', (key, { at }) => {
    if (now() - at > STREAM_KEPT_MS) changes.push({ store: 'streams', key });
  });
  await database.write(changes);
}
