// What the pages of a site can do, as they answered once (interception I-50): a record of its own for each site.
import type { CapsRecord } from '../rpc/vault-api';
import { loadSite, type Context } from './context';
import { MAX_CAPS } from '../limits';

/** What is known of a site's pages, newest last. */
export async function knownCaps(context: Context, origin: string): Promise<readonly CapsRecord[]> {
  return (await context.database.get('caps', origin))?.caps ?? [];
}

/** Keeps what a page of a site can do, if the site is protected; the newest few are kept. */
export function keepCaps(context: Context, origin: string, caps: CapsRecord): Promise<void> {
  return context.transactions.run(`caps of ${origin}`, async (unit) => {
    const { isProtected } = await loadSite(unit, origin);
    const known = (await unit.get('caps', origin))?.caps ?? [];
    const isKnown = known.some(({ key, query }) => key === caps.key && query === caps.query);
    if (!isProtected || isKnown) return;
    const others = known.filter(({ key }) => key !== caps.key);
    unit.put('caps', origin, { v: 1, caps: [...others, caps].slice(-MAX_CAPS) });
  });
}
