// One valid argument for every request of the vault.
import type { PopupApi } from '../../src/rpc/popup-api';
import type { ContentApi } from '../../src/rpc/vault-api';
import { jid, ORIGIN } from './world';

type Samples<A extends Partial<ContentApi & PopupApi>> = {
  readonly [N in keyof A]: A[N] extends { arg: infer Arg } ? Arg : never;
};

const JULIET = jid('juliet@example.org');
const ROMEO = jid('romeo@example.net');
const bytes = (length: number) => new Uint8Array(length).fill(7);

export const CONTENT_SAMPLES: Samples<ContentApi> = {
  hello: {},
  attach: { stream: 1, jid: JULIET, endpoint: 'xmpp.example.org' },
  report: { stream: 1, jid: JULIET, endpoint: 'xmpp.example.org', state: 'ready' },
  capsKnown: { jid: JULIET },
  capsSeen: {
    jid: JULIET,
    key: 'https://example.org#QgayPKawpkPSDYmwT/WM94uAlu0=',
    query: '<query/>',
  },
  ownBundle: { jid: JULIET, version: 'urn:xmpp:omemo:2' },
  claimDeviceId: { jid: JULIET, listed: [1, 2] },
  published: { jid: JULIET, deviceId: 5 },
  listSeen: {
    jid: JULIET,
    owner: ROMEO,
    version: 'urn:xmpp:omemo:2',
    list: { kind: 'present', value: [1, 2] },
    labels: [{ deviceId: 1, label: 'phone', signature: bytes(64) }],
  },
  bundleSeen: {
    jid: JULIET,
    owner: ROMEO,
    deviceId: 5,
    version: 'urn:xmpp:omemo:2',
    bundle: {
      kind: 'present',
      value: {
        identityKey: bytes(32),
        identityKeyEd: bytes(32),
        signedPrekey: { id: 1, publicKey: bytes(32), signature: bytes(64) },
        oneTimePrekeys: [{ id: 1, publicKey: bytes(32) }],
      },
    },
  },
  epochNode: { jid: JULIET },
  countLogin: { jid: JULIET, found: { kind: 'present', value: bytes(60) } },
  prepare: { jid: JULIET, peer: ROMEO },
  encrypt: { jid: JULIET, peer: ROMEO, requestId: 'r', text: 'hello', envelope: '<e/>' },
  encryptEmpty: {
    jid: JULIET,
    peer: ROMEO,
    deviceId: 5,
    version: 'urn:xmpp:omemo:2',
    requestId: 'r',
  },
  decrypt: {
    jid: JULIET,
    request: {
      peer: ROMEO,
      sender: ROMEO,
      version: 'eu.siacs.conversations.axolotl',
      senderDeviceId: 5,
      keys: [{ jid: JULIET, deviceId: 6, bytes: bytes(100), isKeyExchange: true }],
      iv: bytes(12),
      payload: bytes(5),
      isContact: true,
      at: 5,
    },
  },
  chores: { jid: JULIET },
  refused: { jid: JULIET, peer: ROMEO, code: 'no-devices' },
  plainSeen: { jid: JULIET, peer: ROMEO, at: 1 },
  optedOut: { jid: JULIET, peer: ROMEO, reason: 'lost my keys', at: 1 },
  smLoad: { id: 'id' },
  smSave: {
    id: 'id',
    record: {
      jid: 'juliet@example.org/balcony',
      ids: 'abc',
      out: [{ kind: 'o', page: 1, wire: 2 }],
      in: [{ kind: 's', page: 1, wire: 2 }],
    },
  },
  hold: { jid: JULIET, frame: '<message/>', at: 5 },
  held: { jid: JULIET },
  heldShown: { jid: JULIET, ids: ['0000000000000005-100-abcd'] },
  smOff: {},
  smMiscounted: { kind: 'count' },
  smDrop: { id: 'id' },
};

export const POPUP_SAMPLES: Samples<PopupApi> = {
  health: {},
  acknowledge: {},
  discard: {},
  acknowledgeRollback: { origin: ORIGIN, jid: JULIET },
  sites: {},
  site: { origin: ORIGIN },
  intend: { origin: ORIGIN, tabId: 7 },
  protect: { origin: ORIGIN, tabId: 7 },
  unprotect: { origin: ORIGIN },
  decideAccount: {
    origin: ORIGIN,
    jid: JULIET,
    endpoint: 'xmpp.example.org',
    decision: 'grant',
  },
  setPolicy: { origin: ORIGIN, policy: 'ask' },
  setTrust: {
    origin: ORIGIN,
    jid: JULIET,
    owner: ROMEO,
    deviceId: 5,
    fingerprint: 'x',
    trust: 'verified',
  },
  acknowledgeDevices: { origin: ORIGIN, jid: JULIET, deviceIds: [5, 6] },
  resetSession: { origin: ORIGIN, jid: JULIET, owner: ROMEO, deviceId: 5 },
  setPreference: { origin: ORIGIN, jid: JULIET, peer: ROMEO, prefersOmemo2: true },
  lock: {},
  unlock: { passphrase: 'correct horse' },
  lockNow: {},
  setPassphrase: { passphrase: 'correct horse', current: 'battery staple' },
  removePassphrase: { current: 'battery staple' },
  setAutoLock: { minutes: 5 },
  setEncryption: { origin: ORIGIN, jid: JULIET, peer: ROMEO, encryption: 'off' },
  setRetention: { origin: ORIGIN, chat: { jid: JULIET, peer: ROMEO }, retention: 30 },
  forget: { origin: ORIGIN, chat: { jid: JULIET, peer: ROMEO } },
  accounts: {},
  backupBegin: {},
  backupNext: { id: 1 },
  backupSaved: { id: 1 },
  restoreBegin: { code: 'code' },
  restoreRead: { id: 1, bytes: new Uint8Array(3), isLast: true },
  restoreReview: { id: 1 },
  restoreTexts: { id: 1, bytes: new Uint8Array(3), isLast: true },
  restoreApply: { id: 1 },
  archiveSize: { origin: ORIGIN, jid: JULIET, after: new Uint8Array(48) },
};
