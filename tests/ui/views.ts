// Views of a site as the vault would give them.
import { bareJid, type BareJid } from '../../src/jid';
import type { AccountView, ContactView, DeviceView, SiteView } from '../../src/rpc/popup-api';
import type { StreamState } from '../../src/rpc/vault-api';

export function jid(text: string): BareJid {
  const parsed = bareJid(text);
  if (parsed === undefined) throw new TypeError('not a bare JID');
  return parsed;
}

export const ALICE = jid('alice@example.org');
export const CAROL = jid('carol@example.org');

export function device(change: Partial<DeviceView> = {}): DeviceView {
  return {
    deviceId: 7,
    fingerprint: Array.from({ length: 8 }, () => '0123abcd').join(' '),
    firstSeen: 0,
    lastSeen: 0,
    active: true,
    versions: ['eu.siacs.conversations.axolotl'],
    trust: 'trusted',
    keyChanged: false,
    resetting: false,
    isNew: false,
    ...change,
  };
}

export function account(owner: BareJid, encryption: ContactView['encryption']): AccountView {
  return {
    jid: owner,
    endpoints: ['example.org'],
    deviceId: 1,
    fingerprint: '',
    published: true,
    ownDevices: [],
    contacts: [
      {
        jid: jid('bob@example.org'),
        encryption,
        devices: [],
        prefersOmemo2: false,
        plainCount: 0,
      },
    ],
  };
}

/** A protected site with one stream of Alice per state. */
export function site(states: readonly StreamState[], change: Partial<SiteView> = {}): SiteView {
  return {
    origin: 'https://chat.example.org',
    protectable: true,
    protected: true,
    policy: 'blind',
    retention: 'ever',
    streams: states.map((state, tabId) => ({ tabId, jid: ALICE, endpoint: 'example.org', state })),
    pending: [],
    ignored: [],
    accounts: [],
    ...change,
  };
}
