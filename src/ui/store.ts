// Loads what the popup shows and keeps it fresh; every action ends with a new look at the truth.
import { VaultError } from '../rpc/errors';
import type { LockView } from '../rpc/lock-api';
import type { Client } from '../rpc/port';
import type { HealthView, PopupApi, SiteView } from '../rpc/popup-api';

/** What the views show. */
export interface Snapshot {
  readonly lock?: LockView;
  readonly health?: HealthView;
  /** Not while the vault is locked. */
  readonly view?: SiteView;
  readonly sites: PopupApi['sites']['result'];
  readonly error?: string;
}

/** The popup's memory. */
export interface Store {
  get(): Snapshot;
  /** Calls back after every change; returns the function that ends this. */
  subscribe(listener: () => void): () => void;
  /** Asks the vault to do something and looks again; a refusal is shown. */
  act<N extends keyof PopupApi>(name: N, arg: PopupApi[N]['arg']): Promise<boolean>;
  /** Shows a failure that happened outside the vault. */
  fail(sentence: string): void;
}

/** A failure of the vault in words. */
export function sentenceFor(error: unknown): string {
  const code = error instanceof VaultError ? error.code : 'internal';
  if (code === 'stale') return 'That has changed in the meantime. Look again and decide anew.';
  if (code === 'forbidden') return 'The browser has not given the permission for this site.';
  if (code === 'storage') return 'The browser could not store this. Nothing was changed.';
  if (code === 'wrong-passphrase') return 'That is not the passphrase. Nothing was changed.';
  if (code === 'throttled') return 'Too many wrong passphrases. Wait a while before the next.';
  if (code === 'locked') return 'Omnemo is locked. Its popup unlocks it.';
  if (code === 'damaged') return 'What Omnemo stored in this browser was damaged or changed.';
  if (code === 'bad-code') return 'This is no code of a backup. Look for a mistyped character.';
  if (code === 'wrong-code') return 'This code belongs to another backup. Nothing was changed.';
  if (code === 'bad-backup')
    return 'This file is no backup, or it is not as it was made. Nothing was changed.';
  if (code === 'new-backup')
    return 'This backup was made by a later version of Omnemo. Nothing was changed.';
  if (code === 'limit') return 'This is more than Omnemo takes. Nothing was changed.';
  return `Omnemo could not do this (${code}).`;
}

/** Makes a store for one origin; `origin` undefined: a page that cannot be protected. */
export function createStore(client: Client<PopupApi>, origin: string | undefined): Store {
  const listeners = new Set<() => void>();
  let snapshot: Snapshot = { sites: [] };
  let turn = 0;
  /** What the user's last action came to; a failed look is no part of it and goes with the next good one. */
  let lastFailure: string | undefined;

  function set(next: Snapshot): void {
    snapshot = next;
    listeners.forEach((listener) => listener());
  }

  async function load(): Promise<void> {
    const mine = ++turn;
    try {
      const lock = await client.request('lock', {});
      const failed = lastFailure !== undefined && { error: lastFailure };
      if (lock.isLocked) {
        if (mine === turn) set({ lock, sites: [], ...failed });
        return;
      }
      const health = await client.request('health', {});
      if (health.condition === 'lost') {
        // Nothing else can be asked of it.
        if (mine === turn) set({ lock, health, sites: [], ...failed });
        return;
      }
      const sites = await client.request('sites', {});
      const view = origin === undefined ? undefined : await client.request('site', { origin });
      if (mine !== turn) return; // a later look is on its way
      set({ lock, health, sites, ...(view !== undefined && { view }), ...failed });
    } catch (failure) {
      if (mine === turn) set({ ...snapshot, error: sentenceFor(failure) });
    }
  }

  client.onEvent(() => void load());
  void load();
  return {
    get: () => snapshot,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async act(name, arg) {
      lastFailure = undefined; // cleared here, not on success: an earlier action may still be running
      let isDone = true;
      try {
        await client.request(name, arg);
      } catch (failure) {
        isDone = false;
        lastFailure = sentenceFor(failure);
      }
      await load();
      return isDone;
    },
    fail(sentence) {
      lastFailure = sentence;
      set({ ...snapshot, error: sentence });
    },
  };
}
