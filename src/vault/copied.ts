// What the second copy holds of a record (M78): identity, device and prekey ids, trust, what the user decided. Never a ratchet and never
// the private half of a prekey: whoever comes back from a copy begins its sessions anew. Pure.
import { MAX_ID } from '../limits';
import { VERSIONS } from '../rpc/versions';
import { factsOf, withFacts } from './device-facts';
import type {
  AccountRecord,
  ByVersion,
  DeviceRecord,
  PeerRecord,
  PrekeyIds,
  SiteRecord,
} from './records';
import type { Stores } from './stores';

/** Stores of which there is a second copy. */
export const COPIED_STORES = ['sites', 'accounts', 'peers'] as const;

/** The name of such a store. */
export type CopiedStore = (typeof COPIED_STORES)[number];

/** One for each version there is one for. */
function byVersion<T>(of: (version: (typeof VERSIONS)[number]) => T | undefined): ByVersion<T> {
  return Object.fromEntries(
    VERSIONS.flatMap((version) => {
      const value = of(version);
      return value === undefined ? [] : [[version, value]];
    }),
  );
}

function siteCopy({ v, origin, isProtected, policy, accounts }: SiteRecord): SiteRecord {
  const decided = accounts.filter(({ decision }) => decision !== 'pending');
  return { v, origin, isProtected, policy, accounts: decided };
}

function accountCopy(account: AccountRecord): AccountRecord {
  const prekeyIds = byVersion<PrekeyIds>((version) => {
    const store = account.prekeys[version];
    if (store === undefined) return account.prekeyIds?.[version];
    return { signed: store.signedPrekey.id, oneTime: store.nextOneTimePrekeyId };
  });
  return { ...account, prekeys: {}, prekeyIds };
}

function deviceCopy(device: DeviceRecord): DeviceRecord {
  const { deviceId, identityKey, changedKey, firstSeen, writesIn } = device;
  return {
    deviceId,
    ...(identityKey !== undefined && { identityKey }),
    ...(changedKey !== undefined && { changedKey }),
    firstSeen,
    lastSeen: firstSeen,
    versions: byVersion((version) => {
      const facts = device.versions[version];
      return facts && { isActive: facts.isActive };
    }),
    ...(writesIn !== undefined && { writesIn }),
  };
}

function peerCopy(record: PeerRecord): PeerRecord {
  const { refusal: _passing, ...peer } = record;
  return { ...peer, devices: peer.devices.map(deviceCopy), lists: {}, plainCount: 0 };
}

const COPY_OF: { readonly [S in CopiedStore]: (record: Stores[S]) => Stores[S] } = {
  sites: siteCopy,
  accounts: accountCopy,
  peers: peerCopy,
};

/** The record without what the second copy does not hold: it is one that the vault can work with. */
export function copyOf<S extends CopiedStore>(store: S, record: Stores[S]): Stores[S] {
  return COPY_OF[store](record);
}

/** A copy may be some commits behind what was in use: the ids after it go on behind any of them. */
const SIGNED_MARGIN = 16;
const ONE_TIME_MARGIN = 10_000;

/** An id for the next one-time prekey that was not used by whoever went on from this one. */
export function unusedPrekeyId(next: number): number {
  return beyond(next, ONE_TIME_MARGIN);
}

/** Ids are 1…2^31−1 and start again at 1. */
function beyond(id: number, margin: number): number {
  return ((id - 1 + margin) % MAX_ID) + 1;
}

/** The account as it goes on from its copy: its prekeys will have ids that were not used before. */
export function recoveredAccount(account: AccountRecord): AccountRecord {
  return {
    ...account,
    prekeyIds: byVersion((version) => {
      const ids = account.prekeyIds?.[version];
      if (ids === undefined) return undefined;
      return {
        signed: beyond(ids.signed, SIGNED_MARGIN),
        oneTime: beyond(ids.oneTime, ONE_TIME_MARGIN),
      };
    }),
  };
}

/**
 * Somebody with whom the sessions of a version are gone: each of their devices gets a new one, if there was a chat. `isOwn`: they are
 * the account itself, whose other devices read along.
 */
export function withNewSessions(
  peer: PeerRecord,
  versions: readonly (typeof VERSIONS)[number][],
  isOwn: boolean,
): PeerRecord {
  if (!isOwn && !peer.isWrittenTo && peer.encryptedSince === undefined) return peer;
  const reset = (device: DeviceRecord): DeviceRecord =>
    versions.reduce((record, version) => {
      if (record.versions[version]?.isActive !== true) return record;
      const { bundle: _old, ...facts } = factsOf(record, version);
      return withFacts(record, version, { ...facts, isResetWanted: true });
    }, device);
  return { ...peer, devices: peer.devices.map(reset) };
}
