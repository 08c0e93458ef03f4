import { describe, expect, it } from 'vitest';
import { keepCaps, knownCaps } from '../../src/vault/caps';
import type { Context } from '../../src/vault/context';
import { createDatabase } from '../../src/vault/db';
import { MAX_CAPS } from '../../src/limits';
import { newSite } from '../../src/vault/records';
import { contextOver, dump, freshName, ORIGIN } from './world';

const caps = (index: number, query = '<query/>') => ({ key: `client ${index}#hash`, query });

async function site(isProtected = true): Promise<{ name: string; context: Context }> {
  const name = freshName();
  const context = contextOver(createDatabase(name));
  const value = { ...newSite(ORIGIN), isProtected };
  await context.database.write([{ store: 'sites', key: ORIGIN, value }]);
  return { name, context };
}

describe('what the pages of a site can do', () => {
  it('is kept, the newest few of it, and the site stays as it is', async () => {
    const { name, context } = await site();
    const { sites } = await dump(name);
    for (let index = 0; index <= MAX_CAPS; index++) await keepCaps(context, ORIGIN, caps(index));
    const known = await knownCaps(context, ORIGIN);
    expect(known).toEqual([1, 2, 3, 4].map((index) => caps(index)));
    expect((await dump(name))['sites']).toEqual(sites);
    expect(await knownCaps(context, 'https://other.example')).toEqual([]);
  });

  it('is replaced by what the same page says later, and not written again when it says the same', async () => {
    const { name, context } = await site();
    await keepCaps(context, ORIGIN, caps(1));
    await keepCaps(context, ORIGIN, caps(2));
    const before = await dump(name);
    await keepCaps(context, ORIGIN, caps(1));
    expect(await dump(name)).toEqual(before);
    await keepCaps(context, ORIGIN, caps(1, '<query>more</query>'));
    const known = await knownCaps(context, ORIGIN);
    expect(known).toEqual([caps(2), caps(1, '<query>more</query>')]);
  });

  it('is not kept of a site that is not protected', async () => {
    const { name, context } = await site(false);
    await keepCaps(context, ORIGIN, caps(1));
    expect(await dump(name)).toMatchObject({ caps: {} });
  });

  it('loses nothing when two pages say it at once', async () => {
    const { context } = await site();
    await Promise.all([1, 2, 3].map((index) => keepCaps(context, ORIGIN, caps(index))));
    expect(await knownCaps(context, ORIGIN)).toHaveLength(3);
  });
});
