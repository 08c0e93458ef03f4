// Answers ports: who is calling decides which table is used, the guard rebuilds the argument, then the handler runs. The
// two tables share no name, so that a content script cannot reach what our own pages may ask.
import type { Caller } from './caller';
import { CONTENT_GUARDS } from '../rpc/content-guards';
import { VaultError } from '../rpc/errors';
import { POPUP_GUARDS } from '../rpc/popup-guards';
import { serve, type PortLike } from '../rpc/port';
import type { PopupApi } from '../rpc/popup-api';
import type { ContentApi } from '../rpc/vault-api';
import { contentHandlers } from './content-handlers';
import type { Context } from './context';
import {
  MAX_WAITING_REQUESTS,
  REQUEST_BURST,
  REQUESTS_AT_ONCE,
  REQUESTS_PER_SECOND,
} from '../limits';
import type { Lock } from './lock';
import { lockHandlers } from './lock-handlers';
import { isLockedName, lockedHandlers } from './locked-handlers';
import { popupHandlers } from './popup-handlers';
import type { Presence } from './presence';
import { createTurns } from './turns';

/** Requests that change what our own pages show. */
const SHOWN: ReadonlySet<string> = new Set([
  'attach',
  'published',
  'listSeen',
  'bundleSeen',
  'encrypt',
  'encryptEmpty',
  'decrypt',
  'refused',
  'plainSeen',
  'smMiscounted',
  'protect',
  'unprotect',
  'decideAccount',
  'setPolicy',
  'setTrust',
  'acknowledgeDevices',
  'resetSession',
  'setEncryption',
  'setRetention',
  'forget',
  'backupSaved',
  'restoreApply',
  'setAutoLock',
  'acknowledge',
  'acknowledgeRollback',
  'countLogin',
  'discard',
]);

function isContentName(name: string): name is keyof ContentApi {
  return Object.hasOwn(CONTENT_GUARDS, name);
}

function isPopupName(name: string): name is keyof PopupApi {
  return Object.hasOwn(POPUP_GUARDS, name);
}

/** One handler per request of our own pages. */
type PopupTable = {
  readonly [N in keyof PopupApi]: (arg: PopupApi[N]['arg']) => Promise<PopupApi[N]['result']>;
};

/** The vault as a listener of ports. */
export interface Service {
  accept(port: PortLike, caller: Caller): void;
  /** Something changed: tells our own pages. */
  changed(): void;
  /** The vault was locked or unlocked: has every page say again what it is about, too. */
  lockChanged(): void;
}

/** Makes the service. `changed` events to our own pages are gathered over a moment. */
export function createService(
  context: Context,
  makePresence: (changed: () => void) => Presence,
  lock: Lock,
): Service {
  const popups = new Set<PortLike>();
  const pages = new Set<PortLike>();
  let announced: ReturnType<typeof setTimeout> | undefined;
  let nextPortId = 1;
  const turns = createTurns({
    atOnce: REQUESTS_AT_ONCE,
    waiting: MAX_WAITING_REQUESTS,
    burst: REQUEST_BURST,
    perSecond: REQUESTS_PER_SECOND,
  });

  function changed(): void {
    announced ??= setTimeout(() => {
      announced = undefined;
      for (const port of popups) port.postMessage({ event: 'changed' });
    }, 50);
  }

  const presence = makePresence(changed);
  const content = contentHandlers(context, presence);
  const popup: PopupTable = { ...popupHandlers(context, presence), ...lockHandlers(lock) };
  const locked = lockedHandlers(presence, context.now);

  async function ask<N extends keyof ContentApi>(
    name: N,
    document: Parameters<(typeof content)[N]>[0],
    arg: unknown,
  ): Promise<unknown> {
    const guarded = CONTENT_GUARDS[name](arg);
    try {
      return await content[name](document, guarded);
    } catch (error) {
      const isLocked = error instanceof VaultError && error.code === 'locked';
      if (!isLocked || !isLockedName(locked, name)) throw error;
      return answerLocked(name, document, arg);
    }
  }

  async function answerLocked<N extends keyof typeof locked>(
    name: N,
    document: Parameters<(typeof locked)[N]>[0],
    arg: unknown,
  ): Promise<unknown> {
    return locked[name](document, CONTENT_GUARDS[name](arg));
  }

  async function askPopup<N extends keyof PopupApi>(name: N, arg: unknown): Promise<unknown> {
    return popup[name](POPUP_GUARDS[name](arg));
  }

  return {
    changed,
    lockChanged() {
      changed();
      for (const port of pages) port.postMessage({ event: 'changed' });
    },
    accept(port, caller) {
      const portId = nextPortId++;
      if (caller.kind === 'popup') {
        popups.add(port);
        port.onDisconnect.addListener(() => popups.delete(port));
      } else {
        pages.add(port);
        port.onDisconnect.addListener(() => {
          pages.delete(port);
          presence.drop(portId);
        });
      }
      serve(port, async (name, arg) => {
        if (caller.kind === 'content' && isContentName(name)) {
          const { origin, tabId } = caller;
          const document = { origin, tabId, portId };
          const result = await turns.run(origin, () => ask(name, document, arg));
          if (SHOWN.has(name)) changed();
          return result;
        }
        if (caller.kind === 'popup' && isPopupName(name)) {
          const result = await askPopup(name, arg);
          if (SHOWN.has(name)) changed();
          return result;
        }
        throw new VaultError('forbidden');
      });
    },
  };
}
