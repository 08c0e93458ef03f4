// What the vault stores. Plain values: a record is the state itself and goes through structured clone unchanged. Every
// record carries a version, so that later ones can be told apart.
import type { BareJid } from '../jid';
import type {
  Bundle,
  DeviceSessions,
  IdentityKeyPair,
  OmemoVersion,
  PrekeyStore,
} from '../omemo/types';
import type { RefusalCode } from '../rpc/reasons';
import type { SmRecord, Trust, TrustPolicy, WireMessage } from '../rpc/vault-api';

/** A site the user has dealt with, by origin. */
export interface SiteRecord {
  readonly v: 1;
  readonly origin: string;
  readonly isProtected: boolean;
  readonly policy: TrustPolicy;
  /** Accounts seen on this site, at the endpoint they were seen with (design D2). */
  readonly accounts: readonly SeenAccount[];
  /** Set while the permission prompt is open, in ms since 1970 (design D16). */
  readonly intentAt?: number;
  readonly intentTabId?: number;
  /** The last refusal that belongs to no contact. */
  readonly refusal?: Refusal;
}

export interface SeenAccount {
  readonly jid: BareJid;
  readonly endpoint: string;
  readonly decision: 'pending' | 'granted' | 'ignored';
}

export interface Refusal {
  readonly code: RefusalCode;
  /** ms since 1970. */
  readonly at: number;
}

/** Our device for one account on one site (design D2). */
export interface AccountRecord {
  readonly v: 1;
  readonly origin: string;
  readonly jid: BareJid;
  readonly deviceId: number;
  readonly identity: IdentityKeyPair;
  readonly prekeys: PrekeyStore;
  /** The id was free before we first published under it. */
  readonly isClaimed?: true;
  /** Has been read back from the server once. */
  readonly isPublished: boolean;
  readonly createdAt: number;
}

/** Trust in one identity key (X form, 32 bytes) of a bare JID. */
export interface KeyRecord {
  readonly identityKey: Uint8Array;
  readonly trust: Trust;
  readonly firstSeen: number;
}

/** A device id of a bare JID. */
export interface DeviceRecord {
  readonly deviceId: number;
  /** The key it is known with. */
  readonly identityKey?: Uint8Array;
  /** Another key that was offered for the same id: an alarm (M33). */
  readonly changedKey?: Uint8Array;
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** On the last known device list. */
  readonly isActive: boolean;
  /** Fetched and verified, until a session is started with it. */
  readonly bundle?: Bundle;
  /** No usable bundle was found; asked again after this time. */
  readonly noBundleUntil?: number;
  /** The present session is not to be sent with any more; the next message starts another. */
  readonly isResetWanted?: true;
  /** When a session was last started anew without being asked, ms since 1970. */
  readonly repairedAt?: number;
}

/** Someone of one account on one site; the account itself is a peer too, for its other devices. */
export interface PeerRecord {
  readonly v: 1;
  readonly peer: BareJid;
  readonly encryption: 'on' | 'off';
  readonly keys: readonly KeyRecord[];
  readonly devices: readonly DeviceRecord[];
  /** When the device list was last seen, ms since 1970. */
  readonly listAt?: number;
  /** The last fetch that brought no list. */
  readonly listFailure?: { readonly kind: 'absent' | 'hidden' | 'failed'; readonly at: number };
  /** Since when this chat is encrypted: first message sent or opened. */
  readonly encryptedSince?: number;
  /** Have we written to them. */
  readonly isWrittenTo: boolean;
  readonly plainCount: number;
  readonly refusal?: Refusal;
}

/** All sessions with the devices of one JID, of one version: one record, one write (design D5). */
export interface SessionsRecord {
  readonly v: 1;
  readonly version: OmemoVersion;
  readonly devices: Readonly<Record<number, DeviceSessions>>;
}

/** What a ciphertext says (design D6). `text` is absent for an empty message. */
export interface ArchiveRecord {
  readonly v: 1;
  readonly peer: BareJid;
  readonly text?: string;
  /** Identity key of the writer (X form); absent for our own text. */
  readonly identityKey?: Uint8Array;
  readonly at: number;
}

/** The answer to a request to encrypt, so that the same request gets the same bytes (I-31). */
export interface RequestRecord {
  readonly v: 1;
  readonly message: WireMessage;
  readonly at: number;
}

/** Positions of a resumable stream (I-29). */
export interface StreamRecord {
  readonly v: 1;
  readonly record: SmRecord;
  readonly at: number;
}

/** A peer nothing is known of. */
export function newPeer(peer: BareJid): PeerRecord {
  return {
    v: 1,
    peer,
    encryption: 'on',
    keys: [],
    devices: [],
    isWrittenTo: false,
    plainCount: 0,
  };
}

/** A site nothing is known of. */
export function newSite(origin: string): SiteRecord {
  return { v: 1, origin, isProtected: false, policy: 'blind', accounts: [] };
}
