// Old answers and positions nobody will ask for again.
import type { Context } from './context';
import type { Change } from './db';
import { REQUEST_KEPT_MS, STREAM_KEPT_MS } from './limits';

/** Removes answers to requests after two weeks and positions of streams after a day. */
export async function removeExpired(context: Context): Promise<void> {
  const { database, now } = context;
  const changes: Change[] = [];
  for (const key of await database.keys('requests', '')) {
    const record = await database.get('requests', key);
    if (record !== undefined && now() - record.at > REQUEST_KEPT_MS) {
      changes.push({ store: 'requests', key });
    }
  }
  for (const key of await database.keys('streams', '')) {
    const record = await database.get('streams', key);
    if (record !== undefined && now() - record.at > STREAM_KEPT_MS) {
      changes.push({ store: 'streams', key });
    }
  }
  await database.write(changes);
}
