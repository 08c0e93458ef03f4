// What the database is to the rest of the vault.
import type { HeldFrame } from '../rpc/vault-api';
import type { HeldPlace } from './held';
import type { StoreName, Stores } from './stores';

/** One change of a write. */
export type Change = {
  [S in StoreName]:
    | { readonly store: S; readonly key: string; readonly value: Stores[S] }
    | { readonly store: S; readonly key: string; readonly value?: never };
}[StoreName];

/**
 * The database as the rest of the vault sees it. All methods throw VaultError: `storage` when the browser fails, `damaged` when
 * what lies there is not what the vault has stored. Nothing was changed then.
 */
export interface Database {
  get<S extends StoreName>(store: S, key: string): Promise<Stores[S] | undefined>;
  /** Records whose key starts with `prefix`, nothing or whole parts, in the order of their keys. */
  list<S extends StoreName>(store: S, prefix: string): Promise<readonly Stores[S][]>;
  /** Shows every record of a store, one after the other and in no order. `visit` waits for nothing. */
  each<S extends StoreName>(
    store: S,
    visit: (key: string, value: Stores[S]) => void,
  ): Promise<void>;
  /**
   * At most `count` records whose key starts with `prefix`, in the order of their names on disk, those behind `after`. What is damaged is
   * left out and counted.
   */
  page<S extends StoreName>(
    store: S,
    prefix: string,
    count: number,
    after?: Uint8Array,
  ): Promise<Page<S>>;
  write(changes: readonly Change[]): Promise<void>;
}

/** A part of a store. */
export interface Page<S extends StoreName> {
  readonly records: readonly StoredRecord<S>[];
  readonly damaged: number;
  /** The name of the last one, if there may be more. */
  readonly last?: Uint8Array;
}

/** A record with its size on disk, in bytes. */
export interface StoredRecord<S extends StoreName> {
  readonly key: string;
  readonly value: Stores[S];
  readonly size: number;
}

/** `lost`: it does not open at all. `partly`: so many records that nothing makes up for; other work goes on. */
export type Condition =
  | { readonly kind: 'sound' }
  | { readonly kind: 'lost' }
  | { readonly kind: 'partly'; readonly unreadable: number };

/** The database as it is kept whole: for the start and for the user's decisions. */
export interface KeptDatabase extends Database {
  /** How it stands. Opens it. */
  condition(): Promise<Condition>;
  /** Gives up what cannot be read: all of it where nothing opens, else the records that do not. For the user to decide. */
  discard(): Promise<void>;
}

/** Where the key of an unlocked vault outlives its worker: in memory that the browser keeps until it is closed. */
export interface KeyPlace {
  load(): Promise<Uint8Array | undefined>;
  keep(vaultKey: Uint8Array): Promise<void>;
  forget(): Promise<void>;
}

/** A database that can be locked. Its methods throw VaultError `locked` while it is, those of `Database`, too. */
export interface VaultDatabase extends KeptDatabase {
  /** The record the key is opened with, as it is stored. */
  keyRecord(): Promise<unknown>;
  /** Is the key at hand, or can be had without a passphrase. */
  isOpen(): Promise<boolean>;
  /**
   * Goes on with this key (32 bytes), which is kept for later workers, and stores another record for it if one is given.
   * @throws VaultError `damaged` if it is not the key of what lies here.
   */
  unlock(vaultKey: Uint8Array, record?: unknown): Promise<void>;
  /** Forgets the key. */
  lock(): Promise<void>;
  /** Seals everything with another key (32 bytes), to be opened with this record; all of it or nothing. */
  rekey(vaultKey: Uint8Array, record: unknown): Promise<void>;
  /** Keeps a stanza until the vault is unlocked and answers what it is called. @throws VaultError `stale` if it is not locked, `limit` */
  hold(place: HeldPlace, frame: Omit<HeldFrame, 'id'>): Promise<string>;
  /** What was kept for an account on a site, the oldest, as many as are handed over at once. `now` in ms since 1970. */
  held(place: HeldPlace, now: number): Promise<readonly HeldFrame[]>;
  /** Forgets what was handed over. */
  dropHeld(place: HeldPlace, ids: readonly string[]): Promise<void>;
}
