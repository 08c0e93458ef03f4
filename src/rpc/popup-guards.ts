// Guards for every request our own pages may make.
import {
  MAX_FOREIGN_ID,
  MAX_HOST,
  MAX_KNOWN_DEVICES,
  MAX_NAME,
  MAX_PASSPHRASE,
  MAX_RETENTION_DAYS,
} from '../limits';
import { BACKUP_GUARDS } from './backup-guards';
import {
  bool,
  bytes,
  either,
  integer,
  jid,
  list,
  nothing,
  oneOf,
  record,
  text,
  type Guard,
} from './guards';
import type { PopupApi, Retention } from './popup-api';

const ORIGIN = text(MAX_HOST);
const ENDPOINT = text(MAX_HOST);
const DEVICE_ID = integer(0, MAX_FOREIGN_ID);
/** A day. */
const MINUTES = integer(0, 24 * 60);
const PASSPHRASE = text(MAX_PASSPHRASE);
const TAB = integer(0, Number.MAX_SAFE_INTEGER);
const CHAT = record({ jid, peer: jid });
const RETENTION: Guard<Retention | 'default'> = either(
  oneOf('off', 'ever', 'default'),
  integer(1, MAX_RETENTION_DAYS),
);

/** One guard per request of `PopupApi`. */
export const POPUP_GUARDS: { readonly [N in keyof PopupApi]: Guard<PopupApi[N]['arg']> } = {
  ...BACKUP_GUARDS,
  health: nothing,
  acknowledge: nothing,
  acknowledgeRollback: record({ origin: ORIGIN, jid }),
  discard: nothing,
  sites: nothing,
  site: record({ origin: ORIGIN }),
  intend: record({ origin: ORIGIN }, { tabId: TAB }),
  protect: record({ origin: ORIGIN }, { tabId: TAB }),
  unprotect: record({ origin: ORIGIN }),
  decideAccount: record({
    origin: ORIGIN,
    jid,
    endpoint: ENDPOINT,
    decision: oneOf('grant', 'ignore', 'forget'),
  }),
  setPolicy: record({ origin: ORIGIN, policy: oneOf('blind', 'ask', 'verified-only') }),
  setTrust: record({
    origin: ORIGIN,
    jid,
    owner: jid,
    deviceId: DEVICE_ID,
    fingerprint: text(100),
    trust: oneOf('undecided', 'trusted', 'verified', 'distrusted'),
  }),
  acknowledgeDevices: record({
    origin: ORIGIN,
    jid,
    deviceIds: list(DEVICE_ID, MAX_KNOWN_DEVICES),
  }),
  resetSession: record({ origin: ORIGIN, jid, owner: jid, deviceId: DEVICE_ID }),
  setPreference: record({ origin: ORIGIN, jid, peer: jid, prefersOmemo2: bool }),
  setRetention: record({ origin: ORIGIN, retention: RETENTION }, { chat: CHAT }),
  forget: record({ origin: ORIGIN }, { chat: CHAT }),
  archiveSize: record({ origin: ORIGIN, jid }, { after: bytes(1, MAX_NAME) }),
  lock: nothing,
  unlock: record({ passphrase: PASSPHRASE }),
  lockNow: nothing,
  setPassphrase: record({ passphrase: PASSPHRASE }, { current: PASSPHRASE }),
  removePassphrase: record({ current: PASSPHRASE }),
  setAutoLock: record({ minutes: MINUTES }),
  setEncryption: record({ origin: ORIGIN, jid, peer: jid, encryption: oneOf('on', 'off') }),
};
