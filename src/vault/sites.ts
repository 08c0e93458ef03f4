// Origins the user protects, the accounts seen there and what was decided about them (design D2, D16). Steps over a site
// record are pure; the records themselves are under one lock.
import type { BareJid } from '../jid';
import { VaultError } from '../rpc/errors';
import { loadSite, type Context } from './context';
import { CONFLICT_MS, MAX_SEEN_ACCOUNTS } from '../limits';
import type { SeenAccount, SiteRecord } from './records';

/** The lock of the records of sites. */
export const SITES_LOCK = 'sites';

/** Origin in the form the browser gives, if we may protect it: https anywhere, http on this machine only. */
export function protectableOrigin(text: string): string | undefined {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return undefined;
  }
  const isLocal = url.hostname === 'localhost' || url.hostname === '127.0.0.1';
  const isAllowed = url.protocol === 'https:' || (url.protocol === 'http:' && isLocal);
  return isAllowed && url.hostname !== '' ? url.origin : undefined;
}

/** Match pattern of an origin for permissions and scripts; patterns carry no port. */
export function patternOf(origin: string): string {
  const { protocol, hostname } = new URL(origin);
  return `${protocol}//${hostname}/*`;
}

/** Changes a site's record and returns what it was changed to. */
export function changeSite(
  context: Context,
  origin: string,
  step: (site: SiteRecord) => SiteRecord,
): Promise<SiteRecord> {
  return context.transactions.run(SITES_LOCK, async (unit) => {
    const before = await loadSite(unit, origin);
    const after = step(before);
    if (after !== before) unit.put('sites', origin, after);
    return after;
  });
}

/** All sites with a record. */
export function allSites(context: Context): Promise<readonly SiteRecord[]> {
  return context.database.list('sites', '');
}

/** Origins whose pages get our scripts. */
export async function protectedOrigins(context: Context): Promise<readonly string[]> {
  const sites = await allSites(context);
  return sites.filter(({ isProtected }) => isProtected).map(({ origin }) => origin);
}

function isSame(account: SeenAccount, jid: BareJid, endpoint: string): boolean {
  return account.jid === jid && account.endpoint === endpoint;
}

/** What was decided about an account at an endpoint. */
export function decisionOn(
  site: SiteRecord,
  jid: BareJid,
  endpoint: string,
): SeenAccount['decision'] | undefined {
  return site.accounts.find((account) => isSame(account, jid, endpoint))?.decision;
}

/** Is the account granted at any endpoint of the site. */
export function isGranted(site: SiteRecord, jid: BareJid): boolean {
  return (
    site.isProtected &&
    site.accounts.some((account) => account.jid === jid && account.decision === 'granted')
  );
}

/** The site with an account that was seen; of those waiting for a decision only the newest 20 are kept. */
export function withSeenAccount(site: SiteRecord, jid: BareJid, endpoint: string): SiteRecord {
  if (decisionOn(site, jid, endpoint) !== undefined) return site;
  const decided = site.accounts.filter(({ decision }) => decision !== 'pending');
  const pending = site.accounts.filter(({ decision }) => decision === 'pending');
  const seen: SeenAccount = { jid, endpoint, decision: 'pending' };
  return { ...site, accounts: [...decided, ...pending.slice(1 - MAX_SEEN_ACCOUNTS), seen] };
}

/** Did the page of an account do OMEMO itself when it was last seen (design D15). */
export function hasOwnOmemo(site: SiteRecord, jid: BareJid, endpoint: string): boolean {
  return site.accounts.some((account) => isSame(account, jid, endpoint) && account.hasOwnOmemo);
}

/** The site with what an account's page does; the same site if it is known to. */
export function withOwnOmemo(
  site: SiteRecord,
  jid: BareJid,
  endpoint: string,
  does: boolean,
): SiteRecord {
  if (hasOwnOmemo(site, jid, endpoint) === does) return site;
  const seen = withSeenAccount(site, jid, endpoint);
  const accounts = seen.accounts.map((account) =>
    isSame(account, jid, endpoint) ? { ...account, hasOwnOmemo: does } : account,
  );
  return { ...seen, accounts };
}

/**
 * The site with a decision on an account seen there; `forget` lets it ask again.
 * @throws VaultError `stale` if it was never seen there.
 */
export function withDecision(
  site: SiteRecord,
  jid: BareJid,
  endpoint: string,
  decision: 'grant' | 'ignore' | 'forget',
): SiteRecord {
  if (decisionOn(site, jid, endpoint) === undefined) throw new VaultError('stale');
  const [before] = site.accounts.filter((account) => isSame(account, jid, endpoint));
  const others = site.accounts.filter((account) => !isSame(account, jid, endpoint));
  if (decision === 'forget') return { ...site, accounts: others };
  const decided = decision === 'grant' ? 'granted' : 'ignored';
  return { ...site, accounts: [...others, { ...before, jid, endpoint, decision: decided }] };
}

/**
 * The site after one of its streams ended over a number of stanzas, or over a conflict: from a first error of the one kind, or
 * a second of the other soon after, its pages do without stream management (I-36, I-123). `now` in ms since 1970.
 */
export function withMiscount(
  site: SiteRecord,
  kind: 'count' | 'conflict',
  now: number,
): SiteRecord {
  if (site.withoutSmSince !== undefined) return site;
  const { conflictAt, ...rest } = site;
  const isSecond = conflictAt !== undefined && Math.abs(now - conflictAt) < CONFLICT_MS;
  if (kind === 'conflict' && !isSecond) return { ...rest, conflictAt: now };
  return { ...rest, withoutSmSince: now };
}

/** The site counted anew, as if nothing had gone wrong. */
export function withoutMiscount(site: SiteRecord): SiteRecord {
  const { withoutSmSince: _since, conflictAt: _conflict, ...rest } = site;
  return rest;
}
