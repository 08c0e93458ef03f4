// What the popup shows of a site, put together from the records: no secret is in it.
import { fingerprint } from '../omemo/identity';
import type { AccountView, ContactView, DeviceView, SiteView, StreamView } from '../rpc/popup-api';
import { reminderOf } from './backup/reminder';
import { loadSite, type Context } from './context';
import { isActive, versionsFor } from './device-facts';
import { labelOf } from './labels';
import { prefixOf } from './names';
import { isOptedOut } from './opt-out';
import type { AccountRecord, DeviceRecord, PeerRecord, SiteRecord } from './records';
import { isResetting } from './repair';
import { retentionOf } from './retention';
import { protectableOrigin } from './sites';
import { trustOf } from './trust';

async function deviceView(peer: PeerRecord, device: DeviceRecord): Promise<DeviceView> {
  // While a key has changed, the new one is what the user must look at and decide on.
  const identityKey = device.changedKey ?? device.identityKey;
  const label = await labelOf(device);
  return {
    deviceId: device.deviceId,
    ...(identityKey !== undefined && { fingerprint: fingerprint(identityKey) }),
    firstSeen: device.firstSeen,
    lastSeen: device.lastSeen,
    active: isActive(device),
    versions: versionsFor(peer, device),
    ...(label !== undefined && { label }),
    trust: identityKey === undefined ? 'undecided' : trustOf(peer, identityKey),
    keyChanged: device.changedKey !== undefined,
    resetting: isResetting(device),
    isNew: device.isNew === true,
  };
}

function optOutView(peer: PeerRecord): Pick<ContactView, 'optOut'> {
  if (peer.optOut === undefined || !isOptedOut([{ record: peer }])) return {};
  const { reason, at } = peer.optOut;
  return { optOut: { reason, at } };
}

async function contactView(peer: PeerRecord): Promise<ContactView> {
  return {
    jid: peer.peer,
    encryption: peer.encryption,
    devices: await Promise.all(peer.devices.map((device) => deviceView(peer, device))),
    prefersOmemo2: peer.prefersOmemo2 === true,
    ...optOutView(peer),
    ...(peer.refusal !== undefined && { refusal: peer.refusal }),
    ...(peer.retention !== undefined && { retention: peer.retention }),
    plainCount: peer.plainCount,
  };
}

function otherDevices(own: PeerRecord, ownDeviceId: number): Promise<DeviceView[]> {
  const others = own.devices.filter(({ deviceId }) => deviceId !== ownDeviceId);
  return Promise.all(others.map((device) => deviceView(own, device)));
}

async function accountView(
  context: Context,
  site: SiteRecord,
  account: AccountRecord,
): Promise<AccountView> {
  const peers = await context.database.list('peers', prefixOf(account.origin, account.jid));
  const own = peers.find(({ peer }) => peer === account.jid);
  const seen = site.accounts.filter(({ jid, decision }) => {
    return jid === account.jid && decision === 'granted';
  });
  const verified = peers.flatMap(({ keys }) => keys.filter(({ trust }) => trust === 'verified'));
  const reminder = reminderOf(account, verified.length, context.now());
  return {
    jid: account.jid,
    endpoints: seen.map(({ endpoint }) => endpoint),
    deviceId: account.deviceId,
    fingerprint: fingerprint(account.identity.publicKey),
    published: account.isPublished,
    ...(reminder !== undefined && { reminder }),
    ...(account.rolledBackAt !== undefined && { rolledBackAt: account.rolledBackAt }),
    ownDevices: own === undefined ? [] : await otherDevices(own, account.deviceId),
    contacts: await Promise.all(peers.filter(({ peer }) => peer !== account.jid).map(contactView)),
  };
}

/** The whole view of a site. */
export async function siteView(
  context: Context,
  origin: string,
  streams: readonly StreamView[],
): Promise<SiteView> {
  const site = await loadSite(context.database, origin);
  const accounts = await context.database.list('accounts', prefixOf(origin));
  const granted = accounts.filter(({ jid }) =>
    site.accounts.some((seen) => seen.jid === jid && seen.decision === 'granted'),
  );
  const seenAs = (decision: 'pending' | 'ignored') =>
    site.accounts
      .filter((seen) => seen.decision === decision)
      .map(({ jid, endpoint }) => ({ jid, endpoint }));
  return {
    origin,
    protectable: protectableOrigin(origin) === origin,
    protected: site.isProtected,
    policy: site.policy,
    retention: retentionOf(site),
    streams,
    pending: seenAs('pending'),
    ignored: seenAs('ignored'),
    accounts: await Promise.all(granted.map((account) => accountView(context, site, account))),
    ...(site.refusal !== undefined && { refusal: site.refusal }),
    ...(site.withoutSmSince !== undefined && { withoutSmSince: site.withoutSmSince }),
  };
}
