// Our own device of an account: made once, published, rotated and refilled when due.
import { generateIdentity } from '../omemo/identity';
import { MAX_ID } from '../limits';
import {
  bundleOf,
  createPrekeyStore,
  dateSignedPrekey,
  dropSpentPrekeys,
  isRotationDue,
  nextPrekeyId,
  refillOneTimePrekeys,
  rotateSignedPrekey,
} from '../omemo/prekeys';
import type { Bundle, OmemoVersion, PrekeyStore, Random } from '../omemo/types';
import { loadAccount, lockOf, scopedKey, type Context, type Scope } from './context';
import type { AccountRecord } from './records';

/** A device id: 1…2^31−1 (XEP-0384 0.9.1 §4.1), never one of `taken`. */
function newDeviceId(random: Random, taken: readonly number[] = []): number {
  for (;;) {
    const [a = 0, b = 0, c = 0, d = 0] = random(4);
    const id = (a | (b << 8) | (c << 16) | ((d & 0x7f) << 24)) >>> 0;
    if (id >= 1 && id <= MAX_ID && !taken.includes(id)) return id;
  }
}

/** The account's device id; the device is made at the first call. */
export function openAccount(context: Context, scope: Scope): Promise<number> {
  const { transactions, random, now } = context;
  return transactions.run(lockOf(scope), async (unit) => {
    const known = await unit.get('accounts', scopedKey(scope));
    if (known !== undefined) return known.deviceId;
    const identity = await generateIdentity(random);
    const account: AccountRecord = {
      v: 2,
      ...scope,
      deviceId: newDeviceId(random),
      identity,
      prekeys: {},
      isPublished: false,
      createdAt: now(),
    };
    unit.put('accounts', scopedKey(scope), account);
    return account.deviceId;
  });
}

/** The prekeys of a version as they should be: made, rotated, refilled. */
async function tended(
  { random, now }: Context,
  version: OmemoVersion,
  { identity, prekeys, prekeyIds }: AccountRecord,
): Promise<PrekeyStore> {
  const stored = prekeys[version];
  if (stored === undefined) {
    const lost = prekeyIds?.[version];
    const firstIds = lost && { signed: nextPrekeyId(lost.signed), oneTime: lost.oneTime };
    return createPrekeyStore({ version, identity, now: now(), random, firstIds });
  }
  const dated = dateSignedPrekey(stored, now());
  const store = isRotationDue(dated, now())
    ? await rotateSignedPrekey({ version, store: dated, identity, now: now(), random })
    : dated;
  return dropSpentPrekeys(await refillOneTimePrekeys(store, random), now());
}

/** Our public bundle of a version as it should stand on the server; made at the first call, tended at every one. */
export function ownBundle(
  context: Context,
  scope: Scope,
  version: OmemoVersion,
): Promise<{ readonly deviceId: number; readonly bundle: Bundle }> {
  return context.transactions.run(lockOf(scope), async (unit) => {
    const account = await loadAccount(unit, scope);
    const { deviceId, identity } = account;
    const stored = account.prekeys[version];
    const prekeys = await tended(context, version, account);
    if (prekeys !== stored) {
      const all = { ...account.prekeys, [version]: prekeys };
      unit.put('accounts', scopedKey(scope), { ...account, prekeys: all });
    }
    return { deviceId, bundle: bundleOf(version, identity, prekeys) };
  });
}

/**
 * The id to publish under: another one if ours is on the list before we ever tried to publish it. Afterwards it is our own
 * entry that stands there, also when nobody could tell us so.
 */
export function claimDeviceId(
  context: Context,
  scope: Scope,
  listed: readonly number[],
): Promise<number> {
  return context.transactions.run(lockOf(scope), async (unit) => {
    const account = await loadAccount(unit, scope);
    if (account.isPublished || account.isClaimed === true) return account.deviceId;
    const isTaken = listed.includes(account.deviceId);
    const deviceId = isTaken ? newDeviceId(context.random, listed) : account.deviceId;
    unit.put('accounts', scopedKey(scope), { ...account, deviceId, isClaimed: true });
    return deviceId;
  });
}

/** Our keys were read back from the server under this id. */
export function markPublished(context: Context, scope: Scope, deviceId: number): Promise<void> {
  return context.transactions.run(lockOf(scope), async (unit) => {
    const account = await loadAccount(unit, scope);
    if (account.deviceId !== deviceId || account.isPublished) return;
    unit.put('accounts', scopedKey(scope), { ...account, isPublished: true });
  });
}
