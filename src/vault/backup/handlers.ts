// What our own pages may ask about backups. One backup is made and one restored at a time; what has begun is in memory only, and ends
// with the worker.
import { MAX_BACKUP_PIECE } from '../../limits';
import { fingerprint } from '../../omemo/identity';
import { VaultError } from '../../rpc/errors';
import type { BackupApi, KeptAccount } from '../../rpc/backup-api';
import { loadAccount, loadSite, lockOf, scopedKey, type Context, type Scope } from '../context';
import { prefixOf } from '../names';
import type { AccountRecord } from '../records';
import { retentionOf } from '../retention';
import { reloadTabs } from '../tabs';
import { codeOf, newSecret, secretOf } from './code';
import { exportBackup, type BackupChunk } from './export';
import { createRestoration, type Restoration } from './restore';

/** One handler per request of `BackupApi`. */
export type BackupHandlers = {
  readonly [N in keyof BackupApi]: (arg: BackupApi[N]['arg']) => Promise<BackupApi[N]['result']>;
};

/** How many keys of people of an account are verified. */
export async function verifiedKeys({ database }: Context, scope: Scope): Promise<number> {
  const peers = await database.list('peers', prefixOf(scope.origin, scope.jid));
  return peers.flatMap(({ keys }) => keys.filter(({ trust }) => trust === 'verified')).length;
}

async function allAccounts({ database }: Context): Promise<readonly AccountRecord[]> {
  return database.list('accounts', '');
}

async function keptAccount(context: Context, account: AccountRecord): Promise<KeptAccount> {
  const { origin, jid, deviceId, identity, backup } = account;
  const site = await loadSite(context.database, origin);
  const verified = await verifiedKeys(context, account);
  return {
    origin,
    jid,
    deviceId,
    fingerprint: fingerprint(identity.publicKey),
    retention: retentionOf(site),
    verifiedSince: Math.max(0, verified - (backup?.verified ?? 0)),
    ...(backup !== undefined && { backedUpAt: backup.at }),
  };
}

/** The backup that is made. */
interface Making {
  readonly id: number;
  readonly chunks: AsyncGenerator<BackupChunk>;
  readonly at: number;
  /** Keys that were verified as it began. */
  readonly verified: ReadonlyMap<string, number>;
  isWhole: boolean;
}

/** The table of requests about backups. */
export function backupHandlers(context: Context): BackupHandlers {
  let nextId = 1;
  let making: Making | undefined;
  let restoring: { readonly id: number; readonly restoration: Restoration } | undefined;

  function restorationOf(id: number): Restoration {
    if (restoring?.id !== id) throw new VaultError('stale');
    return restoring.restoration;
  }

  function makingOf(id: number): Making {
    if (making?.id !== id) throw new VaultError('stale');
    return making;
  }

  return {
    accounts: async () => {
      const accounts = await allAccounts(context);
      return Promise.all(accounts.map((account) => keptAccount(context, account)));
    },

    backupBegin: async () => {
      const secret = newSecret(context.random);
      const verified = new Map<string, number>();
      for (const account of await allAccounts(context)) {
        verified.set(scopedKey(account), await verifiedKeys(context, account));
      }
      const id = nextId++;
      const chunks = exportBackup(context, secret, context.random);
      making = { id, chunks, at: context.now(), verified, isWhole: false };
      return { id, code: codeOf(secret) };
    },

    backupNext: async ({ id }) => {
      const begun = makingOf(id);
      const { value, done } = await begun.chunks.next();
      if (done === true) throw new VaultError('stale');
      begun.isWhole = value.isLast;
      return value;
    },

    backupSaved: async ({ id }) => {
      const { at, verified, isWhole } = makingOf(id);
      if (!isWhole) throw new VaultError('stale');
      for (const account of await allAccounts(context)) {
        const then = verified.get(scopedKey(account));
        if (then === undefined) continue;
        await context.transactions.run(lockOf(account), async (unit) => {
          const record = await loadAccount(unit, account);
          unit.put('accounts', scopedKey(account), { ...record, backup: { at, verified: then } });
        });
      }
      making = undefined;
      return null;
    },

    restoreBegin: async ({ code }) => {
      const id = nextId++;
      restoring = { id, restoration: createRestoration(context, secretOf(code)) };
      return { id, pieceLength: MAX_BACKUP_PIECE };
    },

    restoreRead: async ({ id, bytes, isLast }) => {
      restorationOf(id).read(bytes, isLast);
      return null;
    },

    restoreReview: ({ id }) => restorationOf(id).review(),

    restoreTexts: async ({ id, bytes, isLast }) => restorationOf(id).addTexts(bytes, isLast),

    restoreApply: async ({ id }) => {
      const origins = await restorationOf(id).apply();
      restoring = undefined;
      for (const origin of origins) await reloadTabs(origin);
      return null;
    },
  };
}
