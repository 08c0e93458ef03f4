import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDatabase } from '../../src/vault/db';
import { newSite } from '../../src/vault/records';
import { startVault } from '../../src/vault/start';
import { callsOf, fake, fire, resetFake } from './browser';
import { ORIGIN } from './world';

vi.mock('webextension-polyfill', async () => ({ default: (await import('./browser')).browser }));

const database = createDatabase();

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  resetFake();
  fake.session.clear();
  fake.permitted.add('https://chat.example.org/*');
  await database.write([
    { store: 'sites', key: ORIGIN, value: { ...newSite(ORIGIN), isProtected: true } },
    {
      store: 'sites',
      key: 'https://let-go.example.org',
      value: newSite('https://let-go.example.org'),
    },
  ]);
});
afterEach(() => vi.useRealTimers());

/** Starts the vault, lets the browser say why, and waits until the start is over. */
async function start(...events: readonly (readonly [string, unknown?])[]): Promise<unknown[]> {
  startVault();
  for (const [name, arg] of events) fire(name, arg);
  const wasLoaded = fake.session.get('isLoaded') === true;
  await vi.waitFor(
    async () => {
      await vi.advanceTimersByTimeAsync(1000);
      expect(fake.session.get('isLoaded')).toBe(true);
    },
    { interval: 1 },
  );
  // What a start does that it should not would come by now.
  if (wasLoaded) await vi.advanceTimersByTimeAsync(5000);
  return callsOf('reload');
}

describe('the open pages of protected sites (I-126, M19)', () => {
  it('are loaded anew after an update, with the scripts registered before', async () => {
    expect(await start(['onInstalled', { reason: 'update' }])).toEqual([5, 6]);
    const names = fake.calls.map(([name]) => name);
    expect(names.indexOf('register')).toBeLessThan(names.indexOf('reload'));
  });

  it('are loaded anew after an update that came as the browser started', async () => {
    const events = [['onStartup'], ['onInstalled', { reason: 'update' }]] as const;
    expect(await start(...events)).toEqual([5, 6]);
  });

  it('are loaded anew where the extension was reloaded or switched on, of which nothing is said', async () => {
    expect(await start()).toEqual([5, 6]);
  });

  it.each([['onStartup'], ['onInstalled', { reason: 'chrome_update' }]] as const)(
    'stay as they are where the browser started and says %s',
    async (...event) => {
      expect(await start(['onStartup'], event)).toEqual([]);
    },
  );

  it('stay as they are where the worker only slept', async () => {
    fake.session.set('isLoaded', true);
    expect(await start()).toEqual([]);
  });

  it('stay as they are without the permission', async () => {
    fake.permitted.clear();
    expect(await start(['onInstalled', { reason: 'update' }])).toEqual([]);
  });

  it('are loaded anew by the next worker where the first died on the way', async () => {
    fake.isBroken = true;
    startVault();
    await vi.advanceTimersByTimeAsync(5000);
    expect(fake.session.size).toBe(0);
    fake.isBroken = false;
    expect(await start()).toEqual([5, 6]);
  });
});
