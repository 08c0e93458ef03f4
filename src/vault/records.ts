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
import type { Retention } from '../rpc/popup-api';
import type { RefusalCode } from '../rpc/reasons';
import type {
  CapsRecord,
  Chore,
  DeviceLabel,
  EncryptedMessages,
  SmRecord,
  Trust,
  TrustPolicy,
} from '../rpc/vault-api';

/** One of something for each version that there is one for. */
export type ByVersion<T> = Readonly<Partial<Record<OmemoVersion, T>>>;

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
  /** Its pages do without stream management since then, in ms since 1970 (I-36). */
  readonly withoutSmSince?: number;
  /** When a stream of it last ended over a conflict, in ms since 1970 (I-123). */
  readonly conflictAt?: number;
  /** Of all chats without one of their own; for ever if nothing was said. */
  readonly retention?: Retention;
  /** The user had all texts from before forgotten, in ms since 1970. */
  readonly forgottenBefore?: number;
  /** When texts that are not kept any more were last taken off the disk, in ms since 1970. */
  readonly sweptAt?: number;
}

/** What the pages of a site can do: apart from the site's record, which every request reads. */
export interface SiteCapsRecord {
  readonly v: 1;
  /** Newest last. */
  readonly caps: readonly CapsRecord[];
}

export interface SeenAccount {
  readonly jid: BareJid;
  readonly endpoint: string;
  readonly decision: 'pending' | 'granted' | 'ignored';
  /** Its page did OMEMO itself when it was last seen (design D15). */
  readonly hasOwnOmemo?: boolean;
}

export interface Refusal {
  readonly code: RefusalCode;
  /** ms since 1970. */
  readonly at: number;
}

/** The last signed prekey that was made, and the one-time prekey that comes next. */
export interface PrekeyIds {
  readonly signed: number;
  readonly oneTime: number;
}

/** A log-in, counted: it grows with each, and names the life of the profile it happened in (M73). */
export interface Epoch {
  readonly number: number;
  /** 16 random bytes. */
  readonly instance: Uint8Array;
}

/** Our device for one account on one site (design D2). */
export interface AccountRecord {
  readonly v: 2;
  readonly origin: string;
  readonly jid: BareJid;
  readonly deviceId: number;
  readonly identity: IdentityKeyPair;
  /** By version, each from the first time its bundle was asked for. */
  readonly prekeys: ByVersion<PrekeyStore>;
  /** Of versions whose prekeys were lost: those that are made anew get ids behind these. */
  readonly prekeyIds?: ByVersion<PrekeyIds>;
  /** The last log-in, as it stands here. */
  readonly epoch?: Epoch;
  /** The second copy knows of a later log-in: what lies here was put back. The next log-in gives up all sending chains. */
  readonly isBehind?: true;
  /** When that was found last, ms since 1970; until the user has read it. */
  readonly rolledBackAt?: number;
  /** The id was free before we first published under it. */
  readonly isClaimed?: true;
  /** Has been read back from the server once. */
  readonly isPublished: boolean;
  readonly createdAt: number;
  /** The last backup it is in: when it was made, in ms since 1970, and how many keys were verified then (M79). */
  readonly backup?: { readonly at: number; readonly verified: number };
}

/** Trust in one identity key (X form, 32 bytes) of a bare JID. */
export interface KeyRecord {
  readonly identityKey: Uint8Array;
  readonly trust: Trust;
  readonly firstSeen: number;
}

/** What is known of a device in one version. */
export interface DeviceFacts {
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
  /** When a key exchange was last answered, ms since 1970. */
  readonly answeredAt?: number;
  /** What the list calls it, as it came: shown only where the signature holds. */
  readonly label?: Omit<DeviceLabel, 'deviceId'>;
}

/** A device id of a bare JID: one key, one trust, whatever the version (design D3). */
export interface DeviceRecord {
  readonly deviceId: number;
  /** The key it is known with. */
  readonly identityKey?: Uint8Array;
  /** Another key that was offered for the same id: an alarm (M33). */
  readonly changedKey?: Uint8Array;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly versions: ByVersion<DeviceFacts>;
  /** The version of its last message with a text: one that it surely reads. */
  readonly writesIn?: OmemoVersion;
  /** A device of our own account that came after us, and the user has not said whether it is theirs (M32). */
  readonly isNew?: true;
}

/** What is known of a device list. */
export interface ListFacts {
  /** When it was last seen, ms since 1970. */
  readonly seenAt?: number;
  /** The last fetch that brought none. */
  readonly failure?: { readonly kind: 'absent' | 'hidden' | 'failed'; readonly at: number };
}

/** A wish for plain text. */
export interface OptOut {
  /** In their words, may be empty. */
  readonly reason: string;
  /** ms since 1970, as they say. */
  readonly at: number;
  readonly isAnswered?: true;
}

/** Someone of one account on one site; the account itself is a peer too, for its other devices. */
export interface PeerRecord {
  readonly v: 2;
  readonly peer: BareJid;
  readonly encryption: 'on' | 'off';
  readonly keys: readonly KeyRecord[];
  readonly devices: readonly DeviceRecord[];
  readonly lists: ByVersion<ListFacts>;
  /** Since when this chat is encrypted: first message sent or opened. */
  readonly encryptedSince?: number;
  /** They asked to go on without encryption (XEP-0384 0.9.1 §5.7); nothing is sent until the user has answered. */
  readonly optOut?: OptOut;
  /** Devices with both versions are written to in OMEMO 2 (design D4). */
  readonly prefersOmemo2?: true;
  /** Have we written to them. */
  readonly isWrittenTo: boolean;
  readonly plainCount: number;
  readonly refusal?: Refusal;
  /** Of this chat; that of the site if nothing was said. */
  readonly retention?: Retention;
  /** The user had the texts from before forgotten, in ms since 1970. */
  readonly forgottenBefore?: number;
}

/** Those who wrote to an account without being known to it, the latest last. */
export interface StrangersRecord {
  readonly v: 1;
  readonly peers: readonly BareJid[];
}

/** All sessions with the devices of one JID, of one version: one record, one write (design D5). */
export interface SessionsRecord {
  readonly v: 1;
  readonly version: OmemoVersion;
  readonly devices: Readonly<Record<number, DeviceSessions>>;
}

/** What a ciphertext says (design D6). */
export interface ArchiveRecord {
  readonly v: 1;
  readonly peer: BareJid;
  /** The plaintext of the payload: a body in legacy, an envelope in OMEMO 2. Absent for an empty message. */
  readonly text?: string;
  /** Identity key of the writer (X form); absent for our own text. */
  readonly identityKey?: Uint8Array;
  readonly at: number;
  /** What it left to be done, for whoever asks again at once. */
  readonly chores?: readonly Chore[];
}

/** The answer to a request to encrypt, so that the same request gets the same bytes (I-31). */
export interface RequestRecord {
  readonly v: 2;
  readonly messages: EncryptedMessages;
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
    v: 2,
    peer,
    encryption: 'on',
    keys: [],
    devices: [],
    lists: {},
    isWrittenTo: false,
    plainCount: 0,
  };
}

/** A site nothing is known of. */
export function newSite(origin: string): SiteRecord {
  return { v: 1, origin, isProtected: false, policy: 'blind', accounts: [] };
}
