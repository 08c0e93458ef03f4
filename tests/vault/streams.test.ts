import { describe, expect, it } from 'vitest';
import type { SmRecord } from '../../src/rpc/vault-api';
import { createDatabase } from '../../src/vault/db';
import { dropStream, loadStream, saveStream } from '../../src/vault/streams';
import { contextOver, dump, freshName, ORIGIN, present } from './world';

const RECORD: SmRecord = {
  jid: 'juliet@example.org/balcony',
  ids: 'abc',
  out: [{ kind: 'o', page: 1, wire: 2 }],
  in: [],
};

describe('positions of a stream', () => {
  it('are loaded as they were saved, also after the worker died, and dropped (I-29)', async () => {
    const name = freshName();
    const context = contextOver(createDatabase(name));
    expect(await loadStream(context, ORIGIN, 'id')).toBe(null);
    await saveStream(context, ORIGIN, 'id', RECORD);
    const later = contextOver(createDatabase(name));
    expect(await loadStream(later, ORIGIN, 'id')).toEqual(RECORD);
    await saveStream(context, ORIGIN, 'id', { ...RECORD, out: [] });
    expect(await loadStream(later, ORIGIN, 'id')).toEqual({ ...RECORD, out: [] });
    await dropStream(later, ORIGIN, 'id');
    expect(await loadStream(context, ORIGIN, 'id')).toBe(null);
    await dropStream(later, ORIGIN, 'id');
  });

  it('are not shown to another origin, and dropped by none', async () => {
    const context = contextOver(createDatabase(freshName()));
    await saveStream(context, ORIGIN, 'id', RECORD);
    expect(await loadStream(context, 'https://evil.example', 'id')).toBe(null);
    await dropStream(context, 'https://evil.example', 'id');
    expect(await loadStream(context, ORIGIN, 'id')).toEqual(RECORD);
    expect(await loadStream(context, ORIGIN, 'id2')).toBe(null);
  });

  it('have keys of one length, however long the id a server gives', async () => {
    const name = freshName();
    const context = contextOver(createDatabase(name));
    await saveStream(context, ORIGIN, 'x'.repeat(4096), RECORD);
    const [key] = Object.keys(present((await dump(name))['streams']));
    expect(present(key).length).toBe(ORIGIN.length + 1 + 64);
  });
});
