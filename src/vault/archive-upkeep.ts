// Takes texts that are not kept any more off the disk, counts what is kept, and does as the user decides about both (M80). An archive
// is read in parts, so that nobody waits for a large one; where everything is kept for ever it is not read at all.
import type { BareJid } from '../jid';
import type { ChatAddress, PopupApi, Retention } from '../rpc/popup-api';
import { isOver } from './clock';
import { loadPeer, loadSite, lockOf, savePeer, type Context, type Scope } from './context';
import { ARCHIVE_BATCH, SWEEP_EVERY_MS, SWEEP_PASSING_EVERY_MS } from '../limits';
import { prefixOf } from './names';
import type { PeerRecord, SiteRecord } from './records';
import { horizon, keptSince } from './retention';
import { allSites, changeSite } from './sites';

/** Removes what is forgotten of one account. Each part is looked at again under the account's lock: the user may have changed it. */
async function sweepAccount(context: Context, scope: Scope): Promise<void> {
  const { database, transactions } = context;
  const prefix = prefixOf(scope.origin, scope.jid);
  let after: Uint8Array | undefined;
  do {
    const part = await database.page('archive', prefix, ARCHIVE_BATCH, after);
    await transactions.run(lockOf(scope), async (unit) => {
      const now = context.now();
      const horizons = new Map<BareJid, number>();
      for (const { key, value } of part.records) {
        const { peer, at } = value;
        const since = horizons.get(peer) ?? (await keptSince(unit, scope, peer, now));
        horizons.set(peer, since);
        if (at < since) unit.remove('archive', key);
      }
    });
    after = part.last;
  } while (after !== undefined);
}

/** The accounts of a site that hold texts to be forgotten, some day. */
async function limitedAccounts(context: Context, site: SiteRecord): Promise<readonly Scope[]> {
  const { origin } = site;
  const accounts = await context.database.list('accounts', prefixOf(origin));
  const limited: Scope[] = [];
  for (const { jid } of accounts) {
    const peers = await context.database.list('peers', prefixOf(origin, jid));
    const isLimited = (peer?: PeerRecord): boolean =>
      horizon(site, peer, context.now()) > -Infinity;
    if (isLimited() || peers.some(isLimited)) limited.push({ origin, jid });
  }
  return limited;
}

/** Removes what is forgotten of the accounts of a site, now. */
export async function sweepSite(context: Context, origin: string): Promise<void> {
  const site = await loadSite(context.database, origin);
  for (const scope of await limitedAccounts(context, site)) await sweepAccount(context, scope);
}

async function hasPassing(context: Context, { origin, retention }: SiteRecord): Promise<boolean> {
  if (retention === 'off') return true;
  const peers = await context.database.list('peers', prefixOf(origin));
  return peers.some((peer) => peer.retention === 'off');
}

/** The same of every site, where it is due. */
export async function sweepArchive(context: Context): Promise<void> {
  for (const site of await allSites(context)) {
    const { origin, sweptAt } = site;
    const every = (await hasPassing(context, site)) ? SWEEP_PASSING_EVERY_MS : SWEEP_EVERY_MS;
    if (sweptAt !== undefined && !isOver(sweptAt, context.now(), every)) continue;
    const limited = await limitedAccounts(context, site);
    if (limited.length === 0) continue;
    for (const scope of limited) await sweepAccount(context, scope);
    await changeSite(context, origin, (record) => ({ ...record, sweptAt: context.now() }));
  }
}

/** Changes what is kept of a chat, or of all chats of a site. */
async function changeKept(
  context: Context,
  origin: string,
  chat: ChatAddress | undefined,
  step: <R extends SiteRecord | PeerRecord>(record: R) => R,
): Promise<void> {
  if (chat === undefined) {
    await changeSite(context, origin, step);
    return;
  }
  const scope = { origin, jid: chat.jid };
  await context.transactions.run(lockOf(scope), async (unit) =>
    savePeer(unit, scope, step(await loadPeer(unit, scope, chat.peer))),
  );
}

/** How long texts are kept from now on; by default as where nothing was said. */
export function setRetention(
  context: Context,
  { origin, chat, retention }: PopupApi['setRetention']['arg'],
): Promise<void> {
  return changeKept(context, origin, chat, (record) => {
    const { retention: _before, ...rest } = record;
    const kept: { retention?: Retention } = retention === 'default' ? {} : { retention };
    return { ...rest, ...kept } as typeof record; // the one field is optional in both
  });
}

/** What was archived until now answers nothing any more. It is still on the disk. */
export function forget(
  context: Context,
  { origin, chat }: PopupApi['forget']['arg'],
): Promise<void> {
  const forgottenBefore = context.now() + 1;
  return changeKept(context, origin, chat, (record) => ({ ...record, forgottenBefore }));
}

/** Counts one part of an account's archive. */
export async function archiveSize(
  { database }: Context,
  { origin, jid, after }: PopupApi['archiveSize']['arg'],
): Promise<PopupApi['archiveSize']['result']> {
  const prefix = prefixOf(origin, jid);
  const { records, last } = await database.page('archive', prefix, ARCHIVE_BATCH, after);
  const chats = new Map<BareJid, { peer: BareJid; count: number; bytes: number }>();
  for (const { value, size } of records) {
    const { peer, text } = value;
    const chat = chats.get(peer) ?? { peer, count: 0, bytes: 0 };
    // Of an empty message only its key is kept.
    if (text !== undefined) chat.count += 1;
    chat.bytes += size;
    chats.set(peer, chat);
  }
  return { chats: [...chats.values()], ...(last !== undefined && { after: last }) };
}
