// Which texts of the archive are kept (M80). For ever unless the user says otherwise: a text that went by itself would be lost for
// good, because what the server keeps of it opens only once. Pure, and the one way to ask it of the records.
import type { BareJid } from '../jid';
import type { Retention } from '../rpc/popup-api';
import { loadPeer, loadSite, type Scope } from './context';
import { PASSING_MS } from '../limits';
import type { PeerRecord, SiteRecord } from './records';
import type { Unit } from './transaction';

const DAY_MS = 24 * 3600 * 1000;

type Kept = Pick<SiteRecord | PeerRecord, 'retention' | 'forgottenBefore'>;

function horizonOf(retention: Retention, now: number): number {
  if (retention === 'ever') return -Infinity;
  return now - (retention === 'off' ? PASSING_MS : retention * DAY_MS);
}

/** A moment in the future was named by a clock that was wrong (I-127); nothing that comes is forgotten for it. */
function forgottenIn({ forgottenBefore }: Kept, now: number): number {
  return forgottenBefore === undefined || forgottenBefore > now + 1 ? -Infinity : forgottenBefore;
}

/** The retention of a chat: its own, else that of its site. */
export function retentionOf(site: Kept, chat?: Kept): Retention {
  return chat?.retention ?? site.retention ?? 'ever';
}

/**
 * The moment in ms since 1970 before which texts of a chat are not kept; −Infinity: all are. `chat` undefined: of one of which
 * nothing is known.
 */
export function horizon(site: Kept, chat: Kept | undefined, now: number): number {
  return Math.max(
    horizonOf(retentionOf(site, chat), now),
    forgottenIn(site, now),
    chat === undefined ? -Infinity : forgottenIn(chat, now),
  );
}

/** The same of a chat as it stands in the records. */
export async function keptSince(
  unit: Unit,
  scope: Scope,
  peer: BareJid,
  now: number,
): Promise<number> {
  const site = await loadSite(unit, scope.origin);
  return horizon(site, await loadPeer(unit, scope, peer), now);
}
