// Backups, as our own pages make and restore them. Files go through the port in pieces, so that no size of them is held at once.
import type { BareJid } from '../jid';
import type { Retention } from './popup-api';
import type { Trust, TrustPolicy } from './vault-api';

/** An account this browser has a device for. */
export interface KeptAccount {
  readonly origin: string;
  readonly jid: BareJid;
  readonly deviceId: number;
  readonly fingerprint: string;
  readonly retention: Retention;
  /** When it was last in a backup that was saved, in ms since 1970. */
  readonly backedUpAt?: number;
  /** Keys verified since then, or at all. */
  readonly verifiedSince: number;
}

/** Why an account is worth a word: in no backup, in an old one, or people were verified since. */
export type BackupReminder = 'never' | 'old' | 'verified';

/** What a backup does to the device of an account. */
export interface IdentityChange {
  readonly origin: string;
  readonly jid: BareJid;
  /** `new`: none is here; `same`: it is here; `replaced`: another one is here and goes. */
  readonly kind: 'new' | 'same' | 'replaced';
  readonly deviceId: number;
  readonly fingerprint: string;
  /** The fingerprint that goes. */
  readonly before?: string;
}

/** What a backup does to the trust in a key. */
export interface TrustChange {
  readonly origin: string;
  readonly jid: BareJid;
  readonly peer: BareJid;
  readonly fingerprint: string;
  /** `unknown`: the key is not known here. */
  readonly before: Trust | 'unknown';
  readonly after: Trust;
  /** The device has another key here: the user is asked about it, and nothing is sent to it until then. */
  readonly isAlarm?: true;
}

/** What a backup does to the encryption of a chat. */
export interface ChatChange {
  readonly origin: string;
  readonly jid: BareJid;
  readonly peer: BareJid;
  readonly encryption: 'on' | 'off';
}

/** What a backup does to a site. */
export interface SiteChange {
  readonly origin: string;
  readonly before?: TrustPolicy;
  readonly policy: TrustPolicy;
  /** Accounts that are protected there, each at its server. */
  readonly granted: readonly { readonly jid: BareJid; readonly endpoint: string }[];
}

/** All that a backup would change, before it does. */
export interface RestoreReview {
  /** When the backup was made, in ms since 1970. */
  readonly createdAt: number;
  readonly identities: readonly IdentityChange[];
  readonly trust: readonly TrustChange[];
  readonly chats: readonly ChatChange[];
  readonly sites: readonly SiteChange[];
  readonly texts: number;
}

/** Requests about backups. The ones with `id` fail with `stale` once another was begun or the worker was restarted. */
export interface BackupApi {
  accounts: { arg: Record<string, never>; result: readonly KeptAccount[] };
  /** Begins a backup; the code is shown once and kept nowhere. */
  backupBegin: {
    arg: Record<string, never>;
    result: { readonly id: number; readonly code: string };
  };
  /** Its next bytes. `damaged`: records so far that could not be read and are left out. */
  backupNext: {
    arg: { readonly id: number };
    result: {
      readonly bytes: Uint8Array;
      readonly isLast: boolean;
      readonly texts: number;
      readonly damaged: number;
    };
  };
  /** The user has the file. */
  backupSaved: { arg: { readonly id: number }; result: null };
  /** Begins to read a backup. Throws `bad-code`. */
  restoreBegin: {
    arg: { readonly code: string };
    /** `pieceLength`: bytes of a piece at most. */
    result: { readonly id: number; readonly pieceLength: number };
  };
  /** The next bytes of its file; nothing is changed by it. Throws `bad-backup`, `new-backup`, `wrong-code`, `limit`. */
  restoreRead: { arg: RestorePiece; result: null };
  /** What it would change. */
  restoreReview: { arg: { readonly id: number }; result: RestoreReview };
  /**
   * The same file from the start, for its texts: those that are missing are added, and answer nothing while there is no account for them.
   * `left`: of this piece, those that are older than what is kept here and are left out.
   */
  restoreTexts: {
    arg: RestorePiece;
    result: { readonly texts: number; readonly left: number };
  };
  /** All the rest, in one write. Throws `stale` if it would change anything else than the review said. */
  restoreApply: { arg: { readonly id: number }; result: null };
}

/** A piece of a file. */
export interface RestorePiece {
  readonly id: number;
  readonly bytes: Uint8Array;
  /** Nothing follows it. */
  readonly isLast: boolean;
}
