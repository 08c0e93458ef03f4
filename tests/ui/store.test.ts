import { describe, expect, it, vi } from 'vitest';
import { VaultError, type VaultErrorCode } from '../../src/rpc/errors';
import type { Client } from '../../src/rpc/port';
import type { HealthView, PopupApi } from '../../src/rpc/popup-api';
import { createStore } from '../../src/ui/store';
import { site } from './views';

const ORIGIN = 'https://chat.example.org';

/** A vault whose answers the test decides: a name in `failures` fails with that code. */
function fakeVault() {
  const failures = new Map<string, VaultErrorCode>();
  const asked: string[] = [];
  const listeners = new Set<() => void>();
  const health: HealthView = { condition: 'sound' };
  const lock = { hasPassphrase: true, isLocked: false, waitMs: 0, autoLockMinutes: 15 };
  const vault = {
    lock,
    health,
    view: site([]),
    failures,
    asked,
    changed: () => listeners.forEach((l) => l()),
  };
  const answers: Record<string, () => object> = {
    health: () => vault.health,
    site: () => vault.view,
    lock: () => vault.lock,
    sites: () => [{ origin: ORIGIN, protected: true }],
  };
  const client: Client<PopupApi> = {
    request: async (name) => {
      asked.push(name);
      const code = failures.get(name);
      if (code !== undefined) throw new VaultError(code);
      return (answers[name]?.() ?? null) as never; // the shape of each answer is the table's above
    },
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    renew: () => undefined,
    close: () => listeners.clear(),
  };
  return { vault, client };
}

async function opened() {
  const { vault, client } = fakeVault();
  const store = createStore(client, ORIGIN);
  await vi.waitFor(() => expect(store.get().view).toBeDefined());
  return { vault, store };
}

describe('the popup', () => {
  it('looks again after an event and after an action', async () => {
    const { vault, store } = await opened();
    vault.view = site(['ready']);
    vault.changed();
    await vi.waitFor(() => expect(store.get().view?.streams).toHaveLength(1));
    vault.view = site(['ready'], { policy: 'ask' });
    expect(await store.act('setPolicy', { origin: ORIGIN, policy: 'ask' })).toBe(true);
    expect(store.get().view?.policy).toBe('ask');
  });

  it('asks for nothing but the lock while the vault is locked, and says why it does not open', async () => {
    const { vault, store } = await opened();
    vault.lock = { ...vault.lock, isLocked: true };
    vault.asked.length = 0;
    vault.failures.set('unlock', 'wrong-passphrase');
    expect(await store.act('unlock', { passphrase: 'x' })).toBe(false);
    expect(vault.asked).toEqual(['unlock', 'lock']);
    expect(store.get()).toMatchObject({ lock: { isLocked: true }, sites: [] });
    expect(store.get().view).toBeUndefined();
    expect(store.get().error).toContain('not the passphrase');
    vault.lock = { ...vault.lock, isLocked: false };
    vault.failures.clear();
    expect(await store.act('unlock', { passphrase: 'y' })).toBe(true);
    expect(store.get().error).toBeUndefined();
    expect(store.get().view).toBeDefined();
  });

  it('asks for no site where none can be protected', async () => {
    const { vault, client } = fakeVault();
    const store = createStore(client, undefined);
    await vi.waitFor(() =>
      expect(store.get().sites).toEqual([{ origin: ORIGIN, protected: true }]),
    );
    expect(vault.asked).toEqual(['lock', 'health', 'sites']);
  });

  it('keeps the failure of an action in sight until the next action', async () => {
    const { vault, store } = await opened();
    vault.failures.set('setPolicy', 'stale');
    expect(await store.act('setPolicy', { origin: ORIGIN, policy: 'ask' })).toBe(false);
    expect(store.get().error).toContain('changed in the meantime');
    vault.changed();
    await vi.waitFor(() => expect(vault.asked.filter((name) => name === 'site')).toHaveLength(3));
    expect(store.get().error).toContain('changed in the meantime');
    vault.failures.clear();
    await store.act('setPolicy', { origin: ORIGIN, policy: 'ask' });
    expect(store.get().error).toBeUndefined();
  });

  it('forgets a failed look once a later one succeeds, and shows the old view meanwhile', async () => {
    const { vault, store } = await opened();
    vault.failures.set('site', 'timeout');
    vault.changed();
    await vi.waitFor(() => expect(store.get().error).toContain('timeout'));
    expect(store.get().view).toBeDefined();
    vault.failures.clear();
    vault.changed();
    await vi.waitFor(() => expect(store.get().error).toBeUndefined());
  });

  it('does not lose a refused permission to the answer of the wish before it', async () => {
    const { store } = await opened();
    const wish = store.act('intend', { origin: ORIGIN });
    store.fail('The browser was not allowed.');
    expect(await wish).toBe(true);
    expect(store.get().error).toBe('The browser was not allowed.');
  });
});
