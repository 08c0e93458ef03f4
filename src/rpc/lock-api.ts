// What our own pages may ask about the passphrase and the lock.

/** The lock as it is. */
export interface LockView {
  readonly hasPassphrase: boolean;
  readonly isLocked: boolean;
  /** How long the next passphrase must wait, in ms. */
  readonly waitMs: number;
  /** Minutes without input after which it locks itself; 0: never. */
  readonly autoLockMinutes: number;
}

/** Requests of our own pages. None gets anything back but that it was done. */
export interface LockApi {
  lock: { arg: Record<string, never>; result: LockView };
  /** Throws `wrong-passphrase`, `throttled`. */
  unlock: { arg: { readonly passphrase: string }; result: null };
  lockNow: { arg: Record<string, never>; result: null };
  /** `current`: where there is one. Throws `bad-request` for one that is too short. */
  setPassphrase: { arg: { readonly passphrase: string; readonly current?: string }; result: null };
  removePassphrase: { arg: { readonly current: string }; result: null };
  setAutoLock: { arg: { readonly minutes: number }; result: null };
}
