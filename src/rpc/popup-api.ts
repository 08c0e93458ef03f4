// What our own pages see, and may ask of the vault and decide. Nothing here is for content scripts.
import type { BareJid } from '../jid';
import type { BackupApi, BackupReminder } from './backup-api';
import type { LockApi } from './lock-api';
import type { RefusalCode } from './reasons';
import type { OmemoVersion, StreamState, Trust, TrustPolicy } from './vault-api';

/** How long the texts of a chat are kept to answer the page: not beyond their delivery, for days, or for ever. */
export type Retention = 'off' | 'ever' | number;

/** What of one chat is kept. */
export interface ChatSize {
  readonly peer: BareJid;
  readonly count: number;
  /** Room on disk. */
  readonly bytes: number;
}

export interface DeviceView {
  readonly deviceId: number;
  /** Eight groups of eight hex digits; absent while no key of the device is known. */
  readonly fingerprint?: string;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly active: boolean;
  /** The versions in whose lists it stands, preferred first. */
  readonly versions: readonly OmemoVersion[];
  /** What it calls itself, signed by its key. */
  readonly label?: string;
  readonly trust: Trust;
  /** This device id had another key before. */
  readonly keyChanged: boolean;
  /** The next message to it starts a new session. */
  readonly resetting: boolean;
  /** Of our own account, came after us, and waits for the user's answer (M32). */
  readonly isNew: boolean;
}

/** A chat of an account. */
export interface ChatAddress {
  readonly jid: BareJid;
  readonly peer: BareJid;
}

export interface ContactView {
  readonly jid: BareJid;
  readonly encryption: 'on' | 'off';
  readonly devices: readonly DeviceView[];
  readonly refusal?: { readonly code: RefusalCode; readonly at: number };
  /** Devices with both versions are written to in OMEMO 2. */
  readonly prefersOmemo2: boolean;
  /** Asked to go on without encryption, and waits for the user's answer. */
  readonly optOut?: { readonly reason: string; readonly at: number };
  /** Plain messages that arrived although the chat is encrypted. */
  readonly plainCount: number;
  /** Set for this chat alone. */
  readonly retention?: Retention;
}

export interface AccountView {
  readonly jid: BareJid;
  readonly endpoints: readonly string[];
  readonly deviceId: number;
  readonly fingerprint: string;
  readonly published: boolean;
  /** A backup is due. */
  readonly reminder?: BackupReminder;
  /** It was found then, ms since 1970, that this profile was put back to an earlier state; not acknowledged yet. */
  readonly rolledBackAt?: number;
  /** Other devices of this account. */
  readonly ownDevices: readonly DeviceView[];
  readonly contacts: readonly ContactView[];
}

export interface StreamView {
  readonly tabId: number;
  readonly jid?: BareJid;
  readonly endpoint: string;
  readonly state: StreamState;
}

export interface SiteView {
  readonly origin: string;
  readonly protectable: boolean;
  readonly protected: boolean;
  readonly policy: TrustPolicy;
  /** That of all chats without one of their own. */
  readonly retention: Retention;
  readonly streams: readonly StreamView[];
  /** Accounts seen at an endpoint and not decided yet. */
  readonly pending: readonly { readonly jid: BareJid; readonly endpoint: string }[];
  readonly ignored: readonly { readonly jid: BareJid; readonly endpoint: string }[];
  readonly accounts: readonly AccountView[];
  /** The last refusal on this site that has no contact. */
  readonly refusal?: { readonly code: RefusalCode; readonly at: number };
  /** Its pages do without stream management since then, in ms since 1970 (I-36). */
  readonly withoutSmSince?: number;
}

/** How the vault stands (M78). */
export interface HealthView {
  /** `lost`: nothing opens it. `partly`: some of it cannot be read and nothing makes up for it. */
  readonly condition: 'sound' | 'partly' | 'lost';
  /** What came back from the second copy and was not acknowledged yet. */
  readonly notice?: 'restored-all' | 'restored-part';
}

/** Requests of our own pages. */
export interface PopupApi extends BackupApi, LockApi {
  health: { arg: Record<string, never>; result: HealthView };
  /** The user has read the notice. */
  acknowledge: { arg: Record<string, never>; result: null };
  /** The user has read that an account was put back. */
  acknowledgeRollback: {
    arg: { readonly origin: string; readonly jid: BareJid };
    result: null;
  };
  /** Gives up what cannot be read: all of a vault that is lost, else only that. */
  discard: { arg: Record<string, never>; result: null };
  sites: {
    arg: Record<string, never>;
    result: readonly { readonly origin: string; readonly protected: boolean }[];
  };
  site: { arg: { readonly origin: string }; result: SiteView };
  /** Stored before the permission prompt opens, because the prompt closes the popup (D16). */
  intend: { arg: { readonly origin: string; readonly tabId?: number }; result: null };
  /** Permission is there: register scripts, reload the tab. */
  protect: { arg: { readonly origin: string; readonly tabId?: number }; result: null };
  unprotect: { arg: { readonly origin: string }; result: null };
  decideAccount: {
    arg: {
      readonly origin: string;
      readonly jid: BareJid;
      readonly endpoint: string;
      readonly decision: 'grant' | 'ignore' | 'forget';
    };
    result: null;
  };
  setPolicy: { arg: { readonly origin: string; readonly policy: TrustPolicy }; result: null };
  setTrust: {
    arg: {
      readonly origin: string;
      readonly jid: BareJid;
      readonly owner: BareJid;
      readonly deviceId: number;
      /** The fingerprint the user looked at: the decision is for this key only. */
      readonly fingerprint: string;
      readonly trust: Trust;
    };
    result: null;
  };
  /** These other devices of the account are the user's own (M32). */
  acknowledgeDevices: {
    arg: {
      readonly origin: string;
      readonly jid: BareJid;
      readonly deviceIds: readonly number[];
    };
    result: null;
  };
  /** Start a new session with a device (design D13). Throws `stale` for a device that cannot be written to. */
  resetSession: {
    arg: {
      readonly origin: string;
      readonly jid: BareJid;
      readonly owner: BareJid;
      readonly deviceId: number;
    };
    result: null;
  };
  /** Write to this contact's devices in OMEMO 2 where they have both versions (design D4). */
  setPreference: {
    arg: {
      readonly origin: string;
      readonly jid: BareJid;
      readonly peer: BareJid;
      readonly prefersOmemo2: boolean;
    };
    result: null;
  };
  /** Also the answer to a wish for plain text. */
  setEncryption: {
    arg: {
      readonly origin: string;
      readonly jid: BareJid;
      readonly peer: BareJid;
      readonly encryption: 'on' | 'off';
    };
    result: null;
  };
  /** How long texts are kept: of a chat, by default as on its site; or of the site, by default for ever. */
  setRetention: {
    arg: {
      readonly origin: string;
      readonly chat?: ChatAddress;
      readonly retention: Retention | 'default';
    };
    result: null;
  };
  /** The texts of a chat, or of all chats of a site, answer nothing from now on; they go from the disk behind it. */
  forget: { arg: { readonly origin: string; readonly chat?: ChatAddress }; result: null };
  /**
   * What the next records of an account's archive come to, by chat; `after` names the last one of them for the next request, and
   * is absent at the end.
   */
  archiveSize: {
    arg: { readonly origin: string; readonly jid: BareJid; readonly after?: Uint8Array };
    result: { readonly chats: readonly ChatSize[]; readonly after?: Uint8Array };
  };
}

/** Pushed to our own pages. */
export type PopupEvent = { readonly event: 'changed' };
