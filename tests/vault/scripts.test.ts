import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createDatabase } from '../../src/vault/db';
import { hasPermission, injectSession, renewScripts } from '../../src/vault/scripts';
import { changeSite } from '../../src/vault/sites';
import { callsOf, fake, resetFake } from './browser';
import { contextOver, freshName, ORIGIN } from './world';

vi.mock('webextension-polyfill', async () => ({ default: (await import('./browser')).browser }));

const protect = async (...origins: readonly string[]) => {
  const context = contextOver(createDatabase(freshName()));
  for (const origin of origins) {
    await changeSite(context, origin, (site) => ({ ...site, isProtected: true }));
    fake.permitted.add(`${new URL(origin).protocol}//${new URL(origin).hostname}/*`);
  }
  return context;
};

beforeEach(resetFake);

describe('registering scripts', () => {
  it('brings the bridge before the hook, each in its world, for protected sites only', async () => {
    const context = await protect(ORIGIN, `${ORIGIN}:8443`, 'http://localhost:8080');
    await changeSite(context, 'https://seen.example', (site) => ({ ...site, policy: 'ask' }));
    fake.permitted.add('https://seen.example/*');
    await renewScripts(context);
    const common = {
      matches: ['http://localhost/*', 'https://chat.example.org/*'],
      allFrames: true,
      matchOriginAsFallback: true,
      persistAcrossSessions: true,
      runAt: 'document_start',
    };
    expect(fake.scripts).toEqual([
      { ...common, id: 'bridge', js: ['bridge.js'], world: 'ISOLATED' },
      { ...common, id: 'hook', js: ['hook.js'], world: 'MAIN' },
    ]);
  });

  it('leaves out what the user no longer permits, and registers nothing when nothing is left', async () => {
    const context = await protect(ORIGIN);
    await renewScripts(context);
    fake.permitted.clear();
    await renewScripts(context);
    expect(fake.scripts).toEqual([]);
    expect(callsOf('unregister')).toEqual([['bridge', 'hook']]);
    expect(callsOf('register')).toHaveLength(1);
  });

  it('asked for many times at once never registers an id twice', async () => {
    const context = await protect(ORIGIN);
    await Promise.all([1, 2, 3, 4].map(() => renewScripts(context)));
    expect(fake.scripts).toHaveLength(2);
    expect(callsOf('register')).toHaveLength(1);
  });

  it('never takes them away meanwhile: a page that loads just then would write in clear', async () => {
    const context = await protect(ORIGIN);
    await renewScripts(context);
    await changeSite(context, 'http://localhost:8080', (site) => ({ ...site, isProtected: true }));
    fake.permitted.add('http://localhost/*');
    await renewScripts(context);
    expect(fake.calls).toEqual([
      ['register', ['bridge', 'hook']],
      ['update', ['bridge', 'hook']],
    ]);
    const matches = ['http://localhost/*', 'https://chat.example.org/*'];
    expect(fake.scripts).toMatchObject([{ matches }, { matches }]);
    await renewScripts(context);
    expect(fake.calls).toHaveLength(2);
  });

  it('begins anew where half of them is gone: the bridge must come first', async () => {
    const context = await protect(ORIGIN);
    await renewScripts(context);
    fake.scripts = fake.scripts.filter(({ id }) => id === 'hook');
    await renewScripts(context);
    expect(fake.scripts.map(({ id }) => id)).toEqual(['bridge', 'hook']);
  });

  it('that failed says so, and the next one works', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const context = await protect(ORIGIN);
    fake.isBroken = true;
    await expect(renewScripts(context)).rejects.toThrow('no');
    expect(logged.mock.calls).toEqual([['omnemo scripts not-registered']]);
    logged.mockRestore();
    fake.isBroken = false;
    await renewScripts(context);
    expect(fake.scripts).toHaveLength(2);
  });
});

describe('a permission', () => {
  it('is asked for the host of an origin', async () => {
    await protect(ORIGIN);
    expect(await hasPermission(`${ORIGIN}:8443`)).toBe(true);
    expect(await hasPermission('https://other.example.org')).toBe(false);
  });
});

describe('the session', () => {
  it('is loaded into one document of one tab', async () => {
    await injectSession(5, 'document');
    expect(callsOf('executeScript')).toEqual([
      {
        target: { tabId: 5, documentIds: ['document'] },
        files: ['session.js'],
        injectImmediately: true,
      },
    ]);
  });
});
