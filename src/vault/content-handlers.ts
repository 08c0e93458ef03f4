// What content scripts may ask. Every handler works on the origin the browser reported and on accounts the user granted to
// that origin; nothing here lists, searches or decides.
import type { BareJid } from '../jid';
import { verifyBundle } from '../omemo/prekeys';
import { OmemoError } from '../omemo/errors';
import { VaultError } from '../rpc/errors';
import type { ContentApi } from '../rpc/vault-api';
import { claimDeviceId, markPublished, openAccount, ownBundle } from './accounts';
import {
  loadPeer,
  loadSite,
  lockOf,
  savePeer,
  scopedKey,
  type Context,
  type Scope,
} from './context';
import { keepCaps, knownCaps } from './caps';
import { decrypt } from './decrypt';
import { withBundle, withList, withoutBundle } from './devices';
import { withLabels } from './labels';
import { withOptOut } from './opt-out';
import { countLogin, epochNode } from './epoch';
import { encryptEmpty, encryptMessage } from './encrypt';
import { prefixOf } from './names';
import { hasNews, withNews } from './own-devices';
import type { Presence } from './presence';
import { prepare } from './recipients';
import { resetChores } from './repair';
import type { PeerRecord } from './records';
import {
  changeSite,
  decisionOn,
  hasOwnOmemo,
  isGranted,
  withMiscount,
  withOwnOmemo,
  withSeenAccount,
} from './sites';
import { dropStream, loadStream, saveStream } from './streams';

/** The document a request comes from. */
export interface Document {
  readonly origin: string;
  readonly tabId: number;
  readonly portId: number;
}

/** One handler per request of `ContentApi`. */
export type ContentHandlers = {
  readonly [N in keyof ContentApi]: (
    document: Document,
    arg: ContentApi[N]['arg'],
  ) => Promise<ContentApi[N]['result']>;
};

/** The table of what content scripts may ask. */
export function contentHandlers(context: Context, presence: Presence): ContentHandlers {
  async function scopeOf({ origin }: Document, jid: BareJid): Promise<Scope> {
    const site = await loadSite(context.database, origin);
    if (!isGranted(site, jid)) throw new VaultError('not-granted');
    return { origin, jid };
  }

  async function requireProtected(origin: string): Promise<void> {
    const { isProtected } = await loadSite(context.database, origin);
    if (!isProtected) throw new VaultError('not-granted');
  }

  function changePeer(
    scope: Scope,
    peer: BareJid,
    step: (record: PeerRecord) => PeerRecord,
  ): Promise<PeerRecord> {
    return context.transactions.run(lockOf(scope), async (unit) => {
      const after = step(await loadPeer(unit, scope, peer));
      savePeer(unit, scope, after);
      return after;
    });
  }

  async function noteRefusal(
    { origin }: Document,
    { jid, peer, code }: ContentApi['refused']['arg'],
  ): Promise<void> {
    const refusal = { code, at: context.now() };
    const site = await loadSite(context.database, origin);
    if (jid !== undefined && peer !== undefined && isGranted(site, jid)) {
      await changePeer({ origin, jid }, peer, (record) => ({ ...record, refusal }));
    } else {
      await changeSite(context, origin, (record) => ({ ...record, refusal }));
    }
    presence.setRefusing(origin, peer ?? '', true);
  }

  return {
    hello: async ({ origin }) => {
      const { isProtected } = await loadSite(context.database, origin);
      return { protect: isProtected };
    },

    attach: async ({ origin }, { jid, endpoint, writesInClear }) => {
      const site = await loadSite(context.database, origin);
      if (!site.isProtected) throw new VaultError('not-granted');
      const decision = decisionOn(site, jid, endpoint);
      if (decision === 'ignored') return { kind: 'ignored' };
      if (hasOwnOmemo(site, jid, endpoint)) {
        if (writesInClear !== true) return { kind: 'expecting' };
        await changeSite(context, origin, (record) => withOwnOmemo(record, jid, endpoint, false));
      }
      if (decision === 'granted') {
        return { kind: 'granted', deviceId: await openAccount(context, { origin, jid }) };
      }
      await changeSite(context, origin, (record) => withSeenAccount(record, jid, endpoint));
      return { kind: 'pending' };
    },

    report: async ({ origin, tabId, portId }, stream) => {
      const site = await loadSite(context.database, origin);
      if (!site.isProtected) return null;
      const { jid, endpoint, state } = stream;
      if (state === 'passive' && jid !== undefined) {
        await changeSite(context, origin, (record) => withOwnOmemo(record, jid, endpoint, true));
      }
      presence.report(portId, { origin, tabId }, stream);
      // The worker may have been asleep since the list came.
      if (state === 'ready' && jid !== undefined && isGranted(site, jid)) {
        const own = await context.database.get('peers', scopedKey({ origin, jid }, jid));
        presence.setNews(origin, jid, hasNews(own));
      }
      return null;
    },

    capsKnown: async (document, { jid }) => {
      const { origin } = await scopeOf(document, jid);
      return knownCaps(context, origin);
    },
    capsSeen: async (document, { jid, ...caps }) => {
      const { origin } = await scopeOf(document, jid);
      await keepCaps(context, origin, caps);
      return null;
    },

    ownBundle: async (document, { jid, version }) =>
      ownBundle(context, await scopeOf(document, jid), version),

    claimDeviceId: async (document, { jid, listed }) => ({
      deviceId: await claimDeviceId(context, await scopeOf(document, jid), listed),
    }),

    epochNode: async (document, { jid }) => epochNode(context, await scopeOf(document, jid)),
    countLogin: async (document, { jid, found }) =>
      countLogin(context, await scopeOf(document, jid), found),

    published: async (document, { jid, deviceId }) => {
      await markPublished(context, await scopeOf(document, jid), deviceId);
      return null;
    },

    listSeen: async (document, { jid, owner, version, list, labels }) => {
      const scope = await scopeOf(document, jid);
      const account = await context.database.get('accounts', scopedKey(scope));
      const after = await changePeer(scope, owner, (record) => {
        const listed = withLabels(withList(record, version, list, context.now()), version, labels);
        const isOurs = owner === jid && account !== undefined;
        return isOurs ? withNews(record, listed, version, account.deviceId) : listed;
      });
      if (owner === jid) presence.setNews(scope.origin, jid, hasNews(after));
      return null;
    },

    bundleSeen: async (document, { jid, owner, deviceId, version, bundle }) => {
      const scope = await scopeOf(document, jid);
      const { policy } = await loadSite(context.database, document.origin);
      const now = context.now();
      const leaveOut = () =>
        changePeer(scope, owner, (record) => withoutBundle(record, deviceId, version, now));
      if (bundle.kind !== 'present') {
        await leaveOut();
        return null;
      }
      try {
        const verified = await verifyBundle(version, bundle.value);
        await changePeer(scope, owner, (record) =>
          withBundle(record, deviceId, version, verified, policy, now),
        );
      } catch (error) {
        if (!(error instanceof OmemoError)) throw error;
        await leaveOut();
        throw new VaultError('bad-bundle', { cause: error });
      }
      return null;
    },

    prepare: async (document, { jid, peer }) => {
      const scope = await scopeOf(document, jid);
      return context.transactions.run(lockOf(scope), (unit) =>
        prepare(unit, scope, peer, context.now()),
      );
    },

    encrypt: async (document, { jid, peer, ...message }) => {
      const scope = await scopeOf(document, jid);
      const outcome = await encryptMessage(context, scope, { peer, ...message });
      if (outcome.kind === 'encrypted') {
        presence.setRefusing(document.origin, peer, false);
        presence.setRefusing(document.origin, '', false);
      }
      return outcome;
    },

    encryptEmpty: async (document, { jid, peer, deviceId, version, requestId }) => {
      const scope = await scopeOf(document, jid);
      return encryptEmpty(context, scope, { jid: peer, deviceId, version }, requestId);
    },

    chores: async (document, { jid }) => {
      const scope = await scopeOf(document, jid);
      const peers = await context.database.list('peers', prefixOf(scope.origin, scope.jid));
      return peers.flatMap(resetChores);
    },

    decrypt: async (document, { jid, request }) =>
      decrypt(context, await scopeOf(document, jid), request),

    hold: async ({ origin }, { jid, ...frame }) => ({
      id: await context.database.hold({ origin, jid }, frame),
    }),
    // Not bound to a grant: they go back to the site whose own stream brought them, whatever was decided about the account.
    held: async ({ origin }, { jid }) => {
      await requireProtected(origin);
      return context.database.held({ origin, jid }, context.now());
    },
    heldShown: async ({ origin }, { jid, ids }) => {
      await requireProtected(origin);
      await context.database.dropHeld({ origin, jid }, ids);
      return null;
    },

    refused: async (document, arg) => {
      await noteRefusal(document, arg);
      return null;
    },

    plainSeen: async (document, { jid, peer, at }) => {
      const scope = await scopeOf(document, jid);
      const known = await context.database.get('peers', scopedKey(scope, peer));
      const since = known?.encryptedSince;
      if (known === undefined || known.encryption === 'off' || since === undefined) {
        return { mark: false };
      }
      if (at !== undefined && at < since) return { mark: false };
      await changePeer(scope, peer, (record) => ({
        ...record,
        plainCount: record.plainCount + 1,
      }));
      return { mark: true };
    },

    optedOut: async (document, { jid, peer, reason, at }) => {
      const scope = await scopeOf(document, jid);
      await changePeer(scope, peer, (record) => withOptOut(record, { reason, at }));
      return null;
    },

    smLoad: ({ origin }, { id }) => loadStream(context, origin, id),
    smSave: async ({ origin }, { id, record }) => {
      await saveStream(context, origin, id, record);
      return null;
    },
    smDrop: async ({ origin }, { id }) => {
      await dropStream(context, origin, id);
      return null;
    },
    smOff: async ({ origin }) => {
      const { withoutSmSince } = await loadSite(context.database, origin);
      return withoutSmSince === undefined ? null : true;
    },
    smMiscounted: async ({ origin }, { kind }) => {
      await requireProtected(origin);
      await changeSite(context, origin, (site) => withMiscount(site, kind, context.now()));
      return null;
    },
  };
}
