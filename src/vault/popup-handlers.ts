// What our own pages may ask: to see, and to decide. Only a caller the browser calls ours reaches this table.
import browser from 'webextension-polyfill';
import { fingerprint } from '../omemo/identity';
import { VaultError } from '../rpc/errors';
import type { LockApi } from '../rpc/lock-api';
import type { PopupApi } from '../rpc/popup-api';
import { log } from '../log';
import { archiveSize, forget, setRetention, sweepSite } from './archive-upkeep';
import { backupHandlers } from './backup/handlers';
import { loadPeer, loadSite, lockOf, savePeer, type Context } from './context';
import { deviceOf, withAcceptedKey } from './devices';
import { hasNews, withoutNews } from './own-devices';
import { acknowledgeRollback } from './epoch';
import type { Presence } from './presence';
import { withAnswer } from './opt-out';
import { loadParty } from './recipients';
import { withReset } from './repair';
import { hasPermission, renewScripts } from './scripts';
import {
  allSites,
  changeSite,
  patternOf,
  protectableOrigin,
  withDecision,
  withoutMiscount,
} from './sites';
import { withTrust } from './trust';
import { siteView } from './views';
import { reloadTabs, wakeTabs } from './tabs';

/** One handler per request of `PopupApi` that needs the vault open. */
export type PopupHandlers = {
  readonly [N in Exclude<keyof PopupApi, keyof LockApi>]: (
    arg: PopupApi[N]['arg'],
  ) => Promise<PopupApi[N]['result']>;
};

function requireProtectable(origin: string): void {
  if (protectableOrigin(origin) !== origin) throw new VaultError('bad-request');
}

let protecting: Promise<void> = Promise.resolve();

/**
 * Marks a site as protected, gets its pages our scripts and loads them anew: they connected before we were there. Popup and
 * background both ask for it, one after the other; the second finds it done. The intent stays until all of it is, so that a
 * worker that dies on the way is followed up by the next.
 * @throws VaultError `forbidden` without permission.
 */
export function protectSite(
  context: Context,
  origin: string,
  tabId: number | undefined,
): Promise<void> {
  const done = protecting.then(() => protectNow(context, origin, tabId));
  protecting = done.catch(() => undefined);
  return done;
}

async function protectNow(
  context: Context,
  origin: string,
  tabId: number | undefined,
): Promise<void> {
  if (!(await hasPermission(origin))) throw new VaultError('forbidden');
  const { isProtected, intentAt } = await loadSite(context.database, origin);
  if (isProtected && intentAt === undefined) return renewScripts(context);
  await changeSite(context, origin, (site) => ({ ...withoutMiscount(site), isProtected: true }));
  await renewScripts(context);
  await reloadTabs(origin, tabId);
  await changeSite(context, origin, (site) => {
    const { intentAt: _done, intentTabId: _tab, ...rest } = site;
    return rest;
  });
}

/** The table of what our own pages may ask. */
export function popupHandlers(context: Context, presence: Presence): PopupHandlers {
  /** A large archive takes longer than a request may: what is forgotten answers nothing meanwhile. */
  const tidy = (origin: string): void => {
    sweepSite(context, origin).catch((error: unknown) => {
      if (error instanceof Error) log('vault', 'error', error.name);
    });
  };
  return {
    ...backupHandlers(context),
    health: async () => (await context.health?.view()) ?? { condition: 'sound' },

    acknowledge: async () => {
      await context.health?.acknowledge();
      return null;
    },

    acknowledgeRollback: async (scope) => {
      await acknowledgeRollback(context, scope);
      return null;
    },

    discard: async () => {
      await context.health?.discard();
      return null;
    },

    sites: async () => {
      const sites = (await allSites(context)).filter(({ isProtected }) => isProtected);
      const isAllowed = await Promise.all(sites.map(({ origin }) => hasPermission(origin)));
      return sites.map(({ origin }, index) => ({ origin, protected: isAllowed[index] === true }));
    },

    site: async ({ origin }) => {
      // After the worker slept, the pages tell again what is going on; a later event brings it here.
      if (presence.streamsOf(origin).length === 0) void wakeTabs(origin);
      const view = await siteView(context, origin, presence.streamsOf(origin));
      // The user may have taken the permission back in the browser's own settings: then nothing of ours runs there.
      return { ...view, protected: view.protected && (await hasPermission(origin)) };
    },

    intend: async ({ origin, tabId }) => {
      requireProtectable(origin);
      await changeSite(context, origin, (site) => ({
        ...site,
        intentAt: context.now(),
        ...(tabId !== undefined && { intentTabId: tabId }),
      }));
      return null;
    },

    protect: async ({ origin, tabId }) => {
      requireProtectable(origin);
      await protectSite(context, origin, tabId);
      return null;
    },

    unprotect: async ({ origin }) => {
      await changeSite(context, origin, (site) => ({ ...site, isProtected: false }));
      const pattern = patternOf(origin);
      const others = await allSites(context);
      const isShared = others.some(
        (site) => site.isProtected && patternOf(site.origin) === pattern,
      );
      await renewScripts(context);
      // Running streams end first: a page without us must not resume what it counted with us.
      await wakeTabs(origin);
      await reloadTabs(origin);
      if (!isShared) await browser.permissions.remove({ origins: [pattern] });
      return null;
    },

    decideAccount: async ({ origin, jid, endpoint, decision }) => {
      await changeSite(context, origin, (site) => {
        const { refusal: _answered, ...rest } = withDecision(site, jid, endpoint, decision);
        return rest;
      });
      await wakeTabs(origin);
      return null;
    },

    setPolicy: async ({ origin, policy }) => {
      await changeSite(context, origin, (site) => ({ ...site, policy }));
      return null;
    },

    setTrust: async ({ origin, jid, owner, deviceId, fingerprint: shown, trust }) => {
      const scope = { origin, jid };
      await context.transactions.run(lockOf(scope), async (unit) => {
        const peer = await loadPeer(unit, scope, owner);
        const device = deviceOf(peer, deviceId);
        const identityKey = device?.changedKey ?? device?.identityKey;
        if (device === undefined || identityKey === undefined) throw new VaultError('stale');
        if (fingerprint(identityKey) !== shown) throw new VaultError('stale');
        const accepts = trust === 'trusted' || trust === 'verified';
        const accepted = accepts ? withAcceptedKey(peer, device) : peer;
        savePeer(unit, scope, withTrust(accepted, identityKey, trust, context.now()));
      });
      return null;
    },

    acknowledgeDevices: async ({ origin, jid, deviceIds }) => {
      const scope = { origin, jid };
      const after = await context.transactions.run(lockOf(scope), async (unit) => {
        const own = withoutNews(await loadPeer(unit, scope, jid), deviceIds);
        savePeer(unit, scope, own);
        return own;
      });
      presence.setNews(origin, jid, hasNews(after));
      return null;
    },

    resetSession: async ({ origin, jid, owner, deviceId }) => {
      const scope = { origin, jid };
      await context.transactions.run(lockOf(scope), async (unit) => {
        const after = withReset(await loadParty(unit, scope, owner), deviceId);
        if (after === undefined) throw new VaultError('stale');
        savePeer(unit, scope, after);
      });
      // A page with a stream tells the device at once; without one the next message does.
      await wakeTabs(origin);
      return null;
    },

    setPreference: async ({ origin, jid, peer, prefersOmemo2 }) => {
      const scope = { origin, jid };
      await context.transactions.run(lockOf(scope), async (unit) => {
        const { prefersOmemo2: _before, ...rest } = await loadPeer(unit, scope, peer);
        savePeer(unit, scope, { ...rest, ...(prefersOmemo2 && { prefersOmemo2 }) });
      });
      return null;
    },

    setRetention: async (arg) => {
      await setRetention(context, arg);
      tidy(arg.origin);
      return null;
    },

    forget: async (arg) => {
      await forget(context, arg);
      tidy(arg.origin);
      return null;
    },

    archiveSize: (arg) => archiveSize(context, arg),

    setEncryption: async ({ origin, jid, peer, encryption }) => {
      const scope = { origin, jid };
      await context.transactions.run(lockOf(scope), async (unit) => {
        const { refusal: _answered, ...rest } = await loadPeer(unit, scope, peer);
        savePeer(unit, scope, { ...withAnswer(rest), encryption });
      });
      return null;
    },
  };
}
