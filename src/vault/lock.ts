// The passphrase and the lock (design D18, M68, M70): what the user may ask about them, one after the other.
import type { Argon2Cost } from '../crypto/argon2';
import { AUTO_LOCK_MINUTES, MIN_PASSPHRASE, PASSPHRASE_ARGON2 } from '../limits';
import type { Random } from '../omemo/types';
import { VaultError } from '../rpc/errors';
import type { LockApi, LockView } from '../rpc/lock-api';
import { attemptDelay, attempted, type Area } from './attempts';
import type { VaultDatabase } from './db';
import {
  isCheaper,
  isPassphraseRecord,
  passphraseRecordFrom,
  unwrapVaultKey,
  wrapVaultKey,
} from './passphrase';
import { VAULT_KEY_LENGTH } from './seal';
import { newVaultKey } from './vault-key';

/** The item that says after how many minutes. */
export const AUTO_LOCK = 'auto-lock-minutes';

/** What the lock works with. */
export interface LockParts {
  readonly database: VaultDatabase;
  readonly random: Random;
  now(): number;
  /** Storage that outlives the browser; nothing secret is put there. */
  readonly area: Area;
  /** The vault is about to be locked: what is needed while it is must be put aside. */
  readonly locking: () => Promise<void>;
  /** It was unlocked: what was put aside goes back. */
  readonly unlocked: () => Promise<void>;
  /** It was locked or unlocked, or is under another key. */
  readonly changed: () => void;
  /** What a new record costs; of the product, unless a test says otherwise. */
  readonly cost?: Argon2Cost;
}

/** The lock. Its methods throw VaultError: those of a passphrase `wrong-passphrase`, `throttled`, `storage`, `damaged`. */
export interface Lock {
  view(): Promise<LockView>;
  /** Minutes without input after which it locks itself; 0: never. */
  autoLockMinutes(): Promise<number>;
  setAutoLock(arg: LockApi['setAutoLock']['arg']): Promise<void>;
  unlock(arg: LockApi['unlock']['arg']): Promise<void>;
  /** Does nothing without a passphrase: nobody could unlock it. */
  lock(): Promise<void>;
  /** @throws VaultError `bad-request` for one that is too short. */
  setPassphrase(arg: LockApi['setPassphrase']['arg']): Promise<void>;
  removePassphrase(arg: LockApi['removePassphrase']['arg']): Promise<void>;
}

/** The lock of a vault. */
export function createLock(parts: LockParts): Lock {
  const { database, random, now, area, cost = PASSPHRASE_ARGON2 } = parts;
  let queue: Promise<unknown> = Promise.resolve();

  /** One at a time: each is about the one key. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = queue.then(work);
    queue = done.catch(() => undefined);
    return done;
  }

  async function passphraseRecord() {
    const stored = await database.keyRecord();
    return isPassphraseRecord(stored) ? passphraseRecordFrom(stored) : undefined;
  }

  /** The key, if this is the passphrase. */
  async function keyBy(passphrase: string): Promise<Uint8Array> {
    const record = await passphraseRecord();
    if (record === undefined) throw new VaultError('stale');
    return attempted(area, now, () => unwrapVaultKey(record, passphrase));
  }

  async function requireCurrent(current: string | undefined): Promise<void> {
    if ((await passphraseRecord()) === undefined) return;
    if (current === undefined) throw new VaultError('wrong-passphrase');
    (await keyBy(current)).fill(0);
    if (!(await database.isOpen())) throw new VaultError('locked');
  }

  async function autoLockMinutes(): Promise<number> {
    const stored = (await area.get(AUTO_LOCK))[AUTO_LOCK];
    return typeof stored === 'number' ? stored : AUTO_LOCK_MINUTES;
  }

  return {
    autoLockMinutes,

    async view() {
      // A vault that is lost is not locked: see health.ts.
      const record = await database.keyRecord().catch(() => undefined);
      const hasPassphrase = isPassphraseRecord(record);
      const isLocked = !(await database.isOpen().catch(() => true));
      const waitMs = await attemptDelay(area, now());
      return { hasPassphrase, isLocked, waitMs, autoLockMinutes: await autoLockMinutes() };
    },

    setAutoLock: ({ minutes }) => area.set({ [AUTO_LOCK]: minutes }),

    unlock: ({ passphrase }) =>
      inTurn(async () => {
        const before = await passphraseRecord();
        const vaultKey = await keyBy(passphrase);
        const isOld = before !== undefined && isCheaper(before, cost);
        const raised = isOld ? await wrapVaultKey(vaultKey, passphrase, random, cost) : undefined;
        await database.unlock(vaultKey, raised);
        // Before the pages hear of it; what cannot be put back is lost for going on, not for logging in anew.
        await parts.unlocked().catch(() => undefined);
        parts.changed();
      }),

    lock: () =>
      inTurn(async () => {
        if (!isPassphraseRecord(await database.keyRecord())) return;
        // Locked all the same if that fails: the pages then begin anew.
        if (await database.isOpen()) await parts.locking().catch(() => undefined);
        await database.lock();
        parts.changed();
      }),

    setPassphrase: ({ passphrase, current }) =>
      inTurn(async () => {
        if (passphrase.length < MIN_PASSPHRASE) throw new VaultError('bad-request');
        await requireCurrent(current);
        const vaultKey = random(VAULT_KEY_LENGTH);
        await database.rekey(vaultKey, await wrapVaultKey(vaultKey, passphrase, random, cost));
        parts.changed();
      }),

    removePassphrase: ({ current }) =>
      inTurn(async () => {
        if ((await passphraseRecord()) === undefined) throw new VaultError('stale');
        await requireCurrent(current);
        const { vaultKey, record } = await newVaultKey(random);
        await database.rekey(vaultKey, record);
        parts.changed();
      }),
  };
}
