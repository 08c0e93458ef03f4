// Puts the vault together and registers its listeners with the browser.
import browser, { type Runtime } from 'webextension-polyfill';
import { log } from '../log';
import { SWEEP_PASSING_EVERY_MS } from '../limits';
import { sweepArchive } from './archive-upkeep';
import { callerOf } from './caller';
import { loadSite, type Context } from './context';
import { createDatabase } from './db';
import { createHealth } from './health';
import { protectSite } from './popup-handlers';
import { AUTO_LOCK, createLock, type Lock } from './lock';
import { createPresence, type Badge } from './presence';
import { startRenewal } from './renewal';
import { grantedPatterns, hasPermission, injectSession, renewScripts } from './scripts';
import { createService } from './service';
import { guardSessionArea, sessionKeyPlace } from './session-area';
import { allSites } from './sites';
import { putStreamsAside, takeStreamsBack } from './streams-aside';
import { wakeAllTabs } from './tabs';
import { createTransactions } from './transaction';
import { removeExpired } from './upkeep';

/** Whoever woke the worker comes first. */
const FIRST_SWEEP_MS = 10 * 1000;
/** A prompt that stays open longer than this was not about this intent. */
const INTENT_MS = 10 * 60 * 1000;

function createContext(): Context {
  const area = browser.storage.local;
  const database = createDatabase('omnemo', area, sessionKeyPlace);
  return {
    health: createHealth(database, area),
    database,
    transactions: createTransactions(database),
    random: (length) => crypto.getRandomValues(new Uint8Array(length)),
    now: () => Date.now(),
  };
}

const TITLES: Readonly<Record<Badge, string>> = {
  off: 'Omnemo: nothing is encrypted on this page',
  on: 'Omnemo: messages on this page are encrypted',
  attention: 'Omnemo: this page needs your attention',
};

function showBadge(tabId: number, badge: Badge): void {
  const path = Object.fromEntries(
    [16, 32, 48].map((size) => [String(size), `icon/${badge}-${size}.png`]),
  );
  // The tab may be gone by now.
  const ignore = (): undefined => undefined;
  browser.action.setIcon({ tabId, path }).catch(ignore);
  browser.action.setTitle({ tabId, title: TITLES[badge] }).catch(ignore);
}

/** While the vault is locked nobody can tell which sites are: all that the browser lets us into (M70). */
async function isProtected(context: Context, origin: string): Promise<boolean> {
  if (!(await context.database.isOpen())) return hasPermission(origin);
  return (await loadSite(context.database, origin)).isProtected;
}

/** Does this origin's page get a session? Answers the bridge, which waits with everything the page sends. */
async function loadSession(
  context: Context,
  sender: Runtime.MessageSender,
): Promise<{ readonly protect: boolean }> {
  const caller = callerOf(sender);
  if (caller?.kind !== 'content' || caller.documentId === undefined) return { protect: false };
  if (!(await isProtected(context, caller.origin))) return { protect: false };
  await injectSession(caller.tabId, caller.documentId);
  return { protect: true };
}

/** The permission came after the popup had closed: finish what the user began (design D16). */
async function finishIntents(context: Context): Promise<void> {
  if (!(await context.database.isOpen())) return;
  for (const { origin, intentAt, intentTabId } of await allSites(context)) {
    if (intentAt === undefined || context.now() - intentAt > INTENT_MS) continue;
    if (await hasPermission(origin)) await protectSite(context, origin, intentTabId);
  }
}

function isLoadSession(message: unknown): boolean {
  return (
    typeof message === 'object' &&
    message !== null &&
    'omnemo' in message &&
    message.omnemo === 'load-session'
  );
}

/** Locks by itself: when the user locks the computer, and when nobody has been there for a while. */
function lockWhenIdle(lock: Lock, complain: (error: unknown) => void): void {
  const setInterval = async (): Promise<void> => {
    const minutes = await lock.autoLockMinutes();
    if (minutes > 0) browser.idle.setDetectionInterval(minutes * 60);
  };
  const onState = async (state: string): Promise<void> => {
    const isDue = state === 'idle' && (await lock.autoLockMinutes()) > 0;
    if (state === 'locked' || isDue) await lock.lock();
  };
  browser.idle.onStateChanged.addListener((state) => void onState(state).catch(complain));
  browser.storage.local.onChanged.addListener((changes) => {
    if (AUTO_LOCK in changes) setInterval().catch(complain);
  });
  setInterval().catch(complain);
}

/** Starts the vault. */
export function startVault(): void {
  const context = createContext();
  const complain = (error: unknown): void => {
    if (error instanceof Error) log('vault', 'error', error.name);
  };
  const renew = (): void => void renewScripts(context).catch(() => undefined);

  const lock = createLock({
    ...context,
    area: browser.storage.local,
    locking: () => putStreamsAside(context),
    unlocked: () => takeStreamsBack(context),
    changed: () => void lockChanged().catch(complain),
  });
  const service = createService(context, (changed) => createPresence(showBadge, changed), lock);

  /** What had to wait, and what every page must know. */
  async function lockChanged(): Promise<void> {
    service.lockChanged();
    await finishIntents(context);
    await renewScripts(context);
    await removeExpired(context);
    // Those whose port went with an earlier worker.
    await wakeAllTabs(await grantedPatterns());
  }

  browser.runtime.onConnect.addListener((port) => {
    const caller = callerOf(port.sender);
    if (caller === undefined) port.disconnect();
    else service.accept(port, caller);
  });
  browser.runtime.onMessage.addListener((message: unknown, sender: Runtime.MessageSender) =>
    isLoadSession(message) ? loadSession(context, sender) : undefined,
  );
  const renewal = startRenewal(context, complain);
  browser.runtime.onInstalled.addListener(({ reason }) => {
    renewal.installed(reason);
    renew();
  });
  browser.runtime.onStartup.addListener(() => {
    renewal.startedUp();
    renew();
    removeExpired(context).catch(complain);
  });
  const sweepIfOpen = async (): Promise<void> => {
    if (await context.database.isOpen()) await sweepArchive(context);
  };
  const sweep = (): void => void sweepIfOpen().catch(complain);
  setTimeout(sweep, FIRST_SWEEP_MS);
  setInterval(sweep, SWEEP_PASSING_EVERY_MS);
  browser.permissions.onAdded.addListener(() => {
    finishIntents(context).then(service.changed, complain);
  });
  browser.permissions.onRemoved.addListener(renew);
  lockWhenIdle(lock, complain);
  guardSessionArea().catch(complain);
  // The worker before this one may have died in the middle.
  finishIntents(context).then(service.changed, complain);
  renew();
}
