// The positions of streams while the vault is locked: pages go on counting, so they are moved to where they can be written, and back. They
// are in one place only: an old one would have a page resume with wrong numbers.
import type { Context } from './context';
import type { Change } from './db';
import type { StreamRecord } from './records';
import { sessionStreams } from './session-area';

/** Moves them out of the vault that is about to be locked. */
export async function putStreamsAside({ database }: Context): Promise<void> {
  const records: Record<string, StreamRecord> = {};
  await database.each('streams', (key, value) => {
    records[key] = value;
  });
  try {
    await sessionStreams.put(records);
  } finally {
    const gone: Change[] = Object.keys(records).map((key) => ({ store: 'streams', key }));
    await database.write(gone);
  }
}

/** Moves them back into the unlocked vault. */
export async function takeStreamsBack({ database }: Context): Promise<void> {
  const aside = await sessionStreams.all();
  const changes: Change[] = [];
  for (const [key, value] of Object.entries(aside)) {
    // A page that was quicker has written the newer one.
    if ((await database.get('streams', key)) !== undefined) continue;
    // Written above, or by the handlers of a locked vault.
    changes.push({ store: 'streams', key, value: value as StreamRecord });
  }
  await database.write(changes);
  await sessionStreams.remove(Object.keys(aside));
}
