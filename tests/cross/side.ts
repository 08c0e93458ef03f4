// One end of a cross-check, whatever implementation is behind it. Bytes are what stands on the wire after base64.
import type { OmemoVersion } from '../../src/omemo/types';
import type { Facts } from './facts';

export interface WireBundle {
  readonly identityKey: Uint8Array;
  readonly signedPrekey: {
    readonly id: number;
    readonly key: Uint8Array;
    readonly signature: Uint8Array;
  };
  readonly prekeys: readonly { readonly id: number; readonly key: Uint8Array }[];
}

/** Time in ms, which the run moves on. */
export interface Clock {
  ms: number;
}

/** The content of a `<key>` and its attribute. */
export interface WireKey {
  readonly bytes: Uint8Array;
  readonly isKeyExchange: boolean;
}

export type Answer =
  | { readonly kind: 'opened'; readonly keyMaterial: Uint8Array }
  /** `code` in the side's own words; only `duplicate` is common to all. */
  | { readonly kind: 'refused'; readonly code: string };

export interface Side {
  readonly name: string;
  readonly version: OmemoVersion;
  readonly facts: Facts;
  bundle(): Promise<WireBundle>;
  /** A new session from a bundle, which becomes the current one, and its first message. */
  start(bundle: WireBundle, keyMaterial: Uint8Array): Promise<WireKey>;
  encrypt(keyMaterial: Uint8Array): Promise<WireKey>;
  decrypt(key: WireKey): Promise<Answer>;
  /** A new signed prekey; the present one stays usable until the next call. */
  rotate(): Promise<void>;
  /** The ephemeral keys (hex of the X form) the stored sessions began with, the current one first. */
  sessions(): Promise<readonly string[]>;
  /** Everything stored, as text. */
  save(): Promise<string>;
  /** Forgets everything in memory and goes on from the stored bytes, `inProcess` or in a new process. */
  restart(inProcess: boolean): Promise<void>;
  stop(): Promise<void>;
}
