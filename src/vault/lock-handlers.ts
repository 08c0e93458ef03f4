// What our own pages may ask about the lock. Apart from the other handlers, because these answer while the vault is locked.
import type { LockApi } from '../rpc/lock-api';
import type { Lock } from './lock';

/** One handler per request of `LockApi`. */
export type LockHandlers = {
  readonly [N in keyof LockApi]: (arg: LockApi[N]['arg']) => Promise<LockApi[N]['result']>;
};

/** The table of what our own pages may ask about the lock. */
export function lockHandlers(lock: Lock): LockHandlers {
  const done = () => null;
  return {
    lock: () => lock.view(),
    unlock: (arg) => lock.unlock(arg).then(done),
    lockNow: () => lock.lock().then(done),
    setPassphrase: (arg) => lock.setPassphrase(arg).then(done),
    removePassphrase: (arg) => lock.removePassphrase(arg).then(done),
    setAutoLock: (arg) => lock.setAutoLock(arg).then(done),
  };
}
