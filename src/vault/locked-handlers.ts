// What content scripts are answered while the vault is locked. Which sites are protected is sealed, so every one the browser has granted
// counts as protected; nothing is encrypted, nothing decided.
import type { ContentApi, SmRecord } from '../rpc/vault-api';
import type { ContentHandlers } from './content-handlers';
import type { Presence } from './presence';
import { hasPermission } from './scripts';
import { sessionStreams } from './session-area';
import { streamKey } from './streams';

/** The requests that are answered. */
export type LockedHandlers = Pick<
  ContentHandlers,
  'hello' | 'report' | 'refused' | 'smLoad' | 'smSave' | 'smDrop' | 'smOff' | 'smMiscounted'
>;

/** In the form that `locking` put aside, too: see streams-aside.ts. */
interface Aside {
  readonly record: SmRecord;
}

/** Is there an answer to this request although the vault is locked. */
export function isLockedName(
  handlers: LockedHandlers,
  name: keyof ContentApi,
): name is keyof LockedHandlers {
  return Object.hasOwn(handlers, name);
}

/** The table of these answers. `now` in ms since 1970. */
export function lockedHandlers(presence: Presence, now: () => number): LockedHandlers {
  return {
    hello: async ({ origin }) => ({ protect: await hasPermission(origin), locked: true }),
    report: async ({ origin, tabId, portId }, stream) => {
      if (await hasPermission(origin)) presence.report(portId, { origin, tabId }, stream);
      return null;
    },
    refused: async ({ origin }, { peer }) => {
      presence.setRefusing(origin, peer ?? '', true);
      return null;
    },
    smLoad: async ({ origin }, { id }) => {
      const stored: Partial<Aside> = Object(await sessionStreams.get(streamKey(origin, id)));
      return stored.record ?? null;
    },
    smSave: async ({ origin }, { id, record }) => {
      await sessionStreams.put({ [streamKey(origin, id)]: { v: 1, record, at: now() } });
      return null;
    },
    smDrop: async ({ origin }, { id }) => {
      await sessionStreams.remove([streamKey(origin, id)]);
      return null;
    },
    // A site that must do without it is not known now; if counting goes wrong again, the page binds anew.
    smOff: async () => null,
    smMiscounted: async () => null,
  };
}
