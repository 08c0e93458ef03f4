// What may be asked of the vault, by whom, and what it answers. The vault never sees XML; content never sees keys.
// Bytes are Uint8Array (the manifest asks for structured clone). Every request is safe to repeat (design D5).
import type { BareJid } from '../jid';
import type { Bundle, OmemoVersion, PublishedBundle } from '../omemo/types';
import type { FailureCode, RefusalCode } from './reasons';

export type { OmemoVersion, PublishedBundle };

/** Trust in one identity key of one bare JID. */
export type Trust = 'undecided' | 'trusted' | 'verified' | 'distrusted';

/** How a new key gets its first trust (design D7). */
export type TrustPolicy = 'blind' | 'ask' | 'verified-only';

/** What a device list of `urn:xmpp:omemo:2` calls a device; not checked before the vault shows it. */
export interface DeviceLabel {
  readonly deviceId: number;
  /** At most 53 code points. */
  readonly label: string;
  /** 64 bytes; made with the identity key of the device over the label in UTF-8. */
  readonly signature: Uint8Array;
}

/** Answer of a PEP fetch. `hidden`: the server refused to show it, which proves nothing about what is there. */
export type Fetched<T> =
  | { readonly kind: 'present'; readonly value: T }
  | { readonly kind: 'absent' }
  | { readonly kind: 'hidden' }
  | { readonly kind: 'failed' };

/** State of one stream in words the popup can show truthfully. */
export type StreamState =
  | 'connecting' // socket open, account not known yet
  | 'anonymous' // an account for this login only; nothing is published, messages are refused
  | 'pending' // account known, the user has not confirmed it for this site
  | 'ignored' // the user left this account unprotected on this site
  | 'publishing' // account granted, keys not yet read back from the server
  | 'ready' // keys are published; messages are encrypted
  | 'locked' // the vault waits for its passphrase; what comes is kept, messages are refused
  | 'failed' // keys could not be published; messages are refused
  | 'expecting' // the page did OMEMO itself in an earlier stream; it gets what comes as it came until it writes in clear
  | 'in-worker' // the page tried to open it in a worker and was refused
  | 'passive'; // the page does OMEMO itself; we stay out of it (design D15)

/** The account of a stream, as the vault sees it for this origin. */
export type Attachment =
  | { readonly kind: 'pending' }
  | { readonly kind: 'ignored' }
  /** In an earlier stream its page did OMEMO itself, and may in this one. */
  | { readonly kind: 'expecting' }
  | { readonly kind: 'granted'; readonly deviceId: number };

export interface DeviceAddress {
  readonly jid: BareJid;
  readonly deviceId: number;
}

/** A device list: every account has one for each version. */
export interface ListAddress {
  readonly jid: BareJid;
  readonly version: OmemoVersion;
}

/** The bundle of a device: every device has one for each version. */
export interface BundleAddress extends DeviceAddress {
  readonly version: OmemoVersion;
}

/** What must happen before a message to `peer` can be encrypted. */
export type Preparation =
  | { readonly kind: 'plain' } // the user switched encryption off for this chat
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'fetch';
      readonly lists: readonly ListAddress[];
      readonly bundles: readonly BundleAddress[];
    }
  | { readonly kind: 'refused'; readonly code: RefusalCode };

export interface WireKey {
  /** Owner of the device. `urn:xmpp:omemo:2` names it, the legacy form does not. */
  readonly jid?: BareJid;
  readonly deviceId: number;
  readonly bytes: Uint8Array;
  readonly isKeyExchange: boolean;
}

/** A legacy message as it goes on the wire; `iv` 12 bytes; `payload` ciphertext without tag, absent in an empty message. */
export interface WireMessage {
  readonly version: 'eu.siacs.conversations.axolotl';
  readonly senderDeviceId: number;
  readonly iv: Uint8Array;
  readonly keys: readonly WireKey[];
  readonly payload?: Uint8Array;
}

export interface Omemo2Key extends WireKey {
  readonly jid: BareJid;
}

/** A message of `urn:xmpp:omemo:2` as it goes on the wire; `payload` ciphertext, absent in an empty message. */
export interface Omemo2Message {
  readonly version: 'urn:xmpp:omemo:2';
  readonly senderDeviceId: number;
  readonly keys: readonly Omemo2Key[];
  readonly payload?: Uint8Array;
}

/** A message ready for the wire, of either version. */
export type EncryptedMessage = WireMessage | Omemo2Message;

/** One for each version that a recipient needs, legacy first. */
export type EncryptedMessages = readonly [EncryptedMessage, ...EncryptedMessage[]];

export type EncryptOutcome =
  | {
      readonly kind: 'encrypted';
      readonly messages: EncryptedMessages;
      /** Active devices that got no key, and why. */
      readonly skipped: readonly (DeviceAddress & {
        readonly code: 'no-bundle' | 'distrusted' | 'not-verified';
      })[];
    }
  | { readonly kind: 'refused'; readonly code: RefusalCode };

export interface DecryptRequest {
  /** Bare JID of the other side of the chat (for carbons and archives of own messages: the recipient). */
  readonly peer: BareJid;
  /** Real bare JID of the writer. */
  readonly sender: BareJid;
  /** As received; `keys` holds only those with our device id, all of them. `iv` may be missing without payload. */
  readonly version: OmemoVersion;
  readonly senderDeviceId: number;
  readonly keys: readonly WireKey[];
  readonly iv?: Uint8Array;
  readonly payload?: Uint8Array;
  /** Is the sender in the account's roster, as far as the page's stream showed it. */
  readonly isContact: boolean;
  /** When a server says it was sent, in ms since 1970. */
  readonly at?: number;
}

/** Work for the session after a decryption, off the path of the message. */
export type Chore =
  | { readonly kind: 'publish-bundle'; readonly version: OmemoVersion }
  | ({ readonly kind: 'refresh-list' } & ListAddress)
  | ({ readonly kind: 'send-empty' } & BundleAddress)
  /** Fetch the bundle of the device and send it an empty message in a new session. */
  | ({ readonly kind: 'reset-session' } & BundleAddress);

export type DecryptOutcome =
  | {
      readonly kind: 'text';
      /** What the payload holds: the body in legacy, the envelope of XEP-0420 in `urn:xmpp:omemo:2`. */
      readonly text: string;
      readonly trust: Trust;
      readonly chores: readonly Chore[];
    }
  | { readonly kind: 'empty'; readonly chores: readonly Chore[] }
  | { readonly kind: 'failed'; readonly code: FailureCode; readonly chores: readonly Chore[] };

/** XEP-0198 positions where page and server count differently, kept over reloads (interception I-24 to I-29). */
export interface SmEvent {
  /** o: ours, the page never sent it; d: page sent it, server never got it; s: server sent, page never saw; y: page saw, server never sent. */
  readonly kind: 'o' | 'd' | 's' | 'y';
  /** Stanzas counted before it on either side, in the numbering of this XEP-0198 session. */
  readonly page: number;
  readonly wire: number;
}

export interface SmRecord {
  readonly jid: string; // full JID as bound
  /** Prefix of the ids of our own IQs: their answers may come after a resumption. */
  readonly ids?: string;
  readonly out: readonly SmEvent[];
  readonly in: readonly SmEvent[];
}

/** A stanza that came while the vault was locked, as text; `at` in ms since 1970. */
export interface HeldFrame {
  readonly id: string;
  readonly frame: string;
  readonly at: number;
}

/** Requests of a content script; origin and tab come from the browser, never from the message. */
export interface ContentApi {
  /** First call on a port. `protect` false: this origin is not protected. */
  hello: {
    arg: Record<string, never>;
    result: { readonly protect: boolean; readonly locked?: boolean };
  };
  /** The account and endpoint of a stream (host[:port] of the socket's URL). */
  attach: {
    arg: {
      readonly stream: number;
      readonly jid: BareJid;
      readonly endpoint: string;
      /** The page wrote in clear in this stream: it does not do OMEMO itself, whatever it did before. */
      readonly writesInClear?: boolean;
    };
    result: Attachment;
  };
  /** What the pages of this origin can do, as they told it before. */
  capsKnown: { arg: { readonly jid: BareJid }; result: readonly CapsRecord[] };
  capsSeen: { arg: CapsRecord & { readonly jid: BareJid }; result: null };
  /** Truth for popup and icon. `gone`: the stream ended. */
  report: {
    arg: {
      readonly stream: number;
      readonly jid?: BareJid;
      readonly endpoint: string;
      readonly state: StreamState | 'gone';
    };
    result: null;
  };
  /** Our public bundle of a version as it should stand on the server. Rotates and refills when due. */
  ownBundle: {
    arg: { readonly jid: BareJid; readonly version: OmemoVersion };
    result: { readonly deviceId: number; readonly bundle: Bundle };
  };
  /**
   * Our own lists, of both versions, before the first publication: is our id free? Answers the id to publish under, and the
   * same from then on: what stands on a list later is our own entry.
   */
  claimDeviceId: {
    arg: { readonly jid: BareJid; readonly listed: readonly number[] };
    result: { readonly deviceId: number };
  };
  /** The node of ours that counts the log-ins of this device (M73); private, and its name tells nothing. */
  epochNode: { arg: { readonly jid: BareJid }; result: { readonly node: string } };
  /** A log-in, and what that node holds: the item to publish there. */
  countLogin: {
    arg: { readonly jid: BareJid; readonly found: Fetched<Uint8Array> };
    result: { readonly item: Uint8Array };
  };
  published: { arg: { readonly jid: BareJid; readonly deviceId: number }; result: null };
  listSeen: {
    arg: {
      readonly jid: BareJid;
      readonly owner: BareJid;
      readonly version: OmemoVersion;
      readonly list: Fetched<readonly number[]>;
      readonly labels?: readonly DeviceLabel[];
    };
    result: null;
  };
  /** Throws `bad-bundle` for a bundle whose signature or lengths are wrong; the device is then skipped for a while. */
  bundleSeen: {
    arg: {
      readonly jid: BareJid;
      readonly owner: BareJid;
      readonly deviceId: number;
      readonly version: OmemoVersion;
      readonly bundle: Fetched<PublishedBundle>;
    };
    result: null;
  };
  prepare: { arg: { readonly jid: BareJid; readonly peer: BareJid }; result: Preparation };
  /** `requestId` names the page's stanza (its id and a hash): the same request gets the same bytes (I-31, I-125). */
  encrypt: {
    arg: {
      readonly jid: BareJid;
      readonly peer: BareJid;
      readonly requestId: string;
      /** What legacy encrypts. */
      readonly text: string;
      /** What `urn:xmpp:omemo:2` encrypts: the envelope of XEP-0420. */
      readonly envelope: string;
    };
    result: EncryptOutcome;
  };
  /** An empty message for one device, in the session there is or, where a reset is wanted, in a new one. */
  encryptEmpty: {
    arg: {
      readonly jid: BareJid;
      readonly peer: BareJid;
      readonly deviceId: number;
      readonly version: OmemoVersion;
      readonly requestId: string;
    };
    result: EncryptOutcome;
  };
  decrypt: {
    arg: { readonly jid: BareJid; readonly request: DecryptRequest };
    result: DecryptOutcome;
  };
  /**
   * Keeps a stanza that came while the vault is locked, durably, and answers what it is called. Throws `stale` if it is not locked,
   * `limit` if too much is kept.
   */
  hold: { arg: Omit<HeldFrame, 'id'> & { readonly jid: BareJid }; result: { readonly id: string } };
  /** What was kept for the account on this site, the oldest first, as much as is handed over at once. */
  held: { arg: { readonly jid: BareJid }; result: readonly HeldFrame[] };
  /** The page got these. */
  heldShown: { arg: { readonly jid: BareJid; readonly ids: readonly string[] }; result: null };
  /** Work that is due on a stream that is ready, of all contacts of the account. */
  chores: { arg: { readonly jid: BareJid }; result: readonly Chore[] };
  /** A message to `peer` was refused before it reached the vault: shown in the popup. */
  refused: {
    arg: { readonly jid?: BareJid; readonly peer?: BareJid; readonly code: RefusalCode };
    result: null;
  };
  /**
   * Plain text arrived. `mark`: the chat is encrypted since before `at` (ms since 1970, as servers say; absent: it comes now,
   * whatever the clock says), so the page must see it marked.
   */
  plainSeen: {
    arg: { readonly jid: BareJid; readonly peer: BareJid; readonly at?: number };
    result: { readonly mark: boolean };
  };
  /** The peer asked for plain text; `at` in ms since 1970, as they say, or as servers do. */
  optedOut: {
    arg: {
      readonly jid: BareJid;
      readonly peer: BareJid;
      readonly reason: string;
      readonly at: number;
    };
    result: null;
  };
  smLoad: { arg: { readonly id: string }; result: SmRecord | null };
  smSave: { arg: { readonly id: string; readonly record: SmRecord }; result: null };
  smDrop: { arg: { readonly id: string }; result: null };
  /** Must the pages of this site do without stream management (I-36); null: they need not. */
  smOff: { arg: Record<string, never>; result: true | null };
  /** A stream of this site ended over a number of stanzas, or over a conflict that may come from one (I-123). */
  smMiscounted: { arg: { readonly kind: 'count' | 'conflict' }; result: null };
}

/** What a page can do (XEP-0115): public, and the same for everybody who has this page. */
export interface CapsRecord {
  /** `node#ver` as the page announces it, '' if it announces nothing. */
  readonly key: string;
  /** Its answer to disco#info, a `<query/>` as text. */
  readonly query: string;
}

/** Pushed to content scripts. */
export type ContentEvent =
  /** Grant, policy or protection of this origin changed: say hello and attach again. */
  { readonly event: 'changed' };
