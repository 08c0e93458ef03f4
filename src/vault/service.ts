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

/** The vault as a listener of ports. */
export interface Service {
  accept(port: PortLike, caller: Caller): void;
  /** Something changed: tells our own pages. */
  changed(): void;
}

/** Makes the service. `changed` events to our own pages are gathered over a moment. */
export function createService(
  context: Context,
  makePresence: (changed: () => void) => Presence,
): Service {
  const popups = new Set<PortLike>();
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
  const popup = popupHandlers(context, presence);

  async function ask<N extends keyof ContentApi>(
    name: N,
    document: Parameters<(typeof content)[N]>[0],
    arg: unknown,
  ): Promise<unknown> {
    return content[name](document, CONTENT_GUARDS[name](arg));
  }

  async function askPopup<N extends keyof PopupApi>(name: N, arg: unknown): Promise<unknown> {
    return popup[name](POPUP_GUARDS[name](arg));
  }

  return {
    changed,
    accept(port, caller) {
      const portId = nextPortId++;
      if (caller.kind === 'popup') {
        popups.add(port);
        port.onDisconnect.addListener(() => popups.delete(port));
      } else {
        port.onDisconnect.addListener(() => presence.drop(portId));
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
