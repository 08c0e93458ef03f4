import { describe, expect, it } from 'vitest';
import { createDatabase } from '../../src/vault/db';
import { REQUEST_KEPT_MS, STREAM_KEPT_MS } from '../../src/limits';
import { STORE_NAMES } from '../../src/vault/stores';
import { removeExpired } from '../../src/vault/upkeep';
import { saveStream } from '../../src/vault/streams';
import {
  contextOver,
  dump,
  freshName,
  jid,
  keysOf,
  meet,
  ORIGIN,
  person,
  receive,
  send,
  START,
  textOf,
} from './world';

const ROMEO = jid('romeo@example.net');

describe('upkeep', () => {
  it('removes answers after two weeks, not before, and nothing else (I-33)', async () => {
    const juliet = await person('juliet@example.org');
    const romeo = await person(ROMEO);
    await meet(juliet, romeo);
    const message = await send(juliet, ROMEO, 'old', 'old');
    juliet.clock.now = START + 1;
    const kept = await send(juliet, ROMEO, 'young', 'young');
    juliet.clock.now = START + REQUEST_KEPT_MS;
    const before = await dump(juliet.name);
    await removeExpired(juliet.context);
    expect(await dump(juliet.name)).toEqual(before);
    juliet.clock.now += 1;
    await removeExpired(juliet.context);
    const after = await dump(juliet.name);
    expect(Object.values(after['requests'] ?? {})).toEqual([
      { v: 2, messages: [kept], at: START + 1 },
    ]);
    expect({ ...after, requests: {} }).toEqual({ ...before, requests: {} });
    expect(textOf(await receive(juliet, message, juliet, { peer: ROMEO }))).toBe('old');
    expect(await send(juliet, ROMEO, 'young', 'young')).toEqual(kept);
  });

  it('removes positions of streams after a day', async () => {
    const clock = { now: START };
    const context = contextOver(createDatabase(freshName()), { clock });
    const record = { jid: 'a@b/c', out: [], in: [] };
    await saveStream(context, ORIGIN, 'old', record);
    clock.now += 1;
    await saveStream(context, ORIGIN, 'young', record);
    clock.now = START + STREAM_KEPT_MS + 1;
    await removeExpired(context);
    expect(await keysOf(context.database, 'streams')).toHaveLength(1);
    clock.now += 1;
    await removeExpired(context);
    expect(await keysOf(context.database, 'streams')).toEqual([]);
  });

  it('has nothing to do in an empty vault', async () => {
    const name = freshName();
    await removeExpired(contextOver(createDatabase(name)));
    expect(Object.values(await dump(name))).toEqual(STORE_NAMES.map(() => ({})));
  });
});
