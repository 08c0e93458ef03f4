// What is going on right now, by tab: the streams our content scripts report, and the toolbar icon that follows. Nothing
// here is stored; after the worker was asleep the pages are asked to report again.
import type { BareJid } from '../jid';
import type { StreamView } from '../rpc/popup-api';
import type { StreamState } from '../rpc/vault-api';

/** Which icon a tab gets. */
export type Badge = 'off' | 'on' | 'attention';

interface Stream extends StreamView {
  readonly origin: string;
}

/** The streams of all tabs. */
export interface Presence {
  report(
    portId: number,
    where: { readonly origin: string; readonly tabId: number },
    stream: {
      readonly stream: number;
      readonly endpoint: string;
      readonly state: StreamState | 'gone';
      readonly jid?: BareJid | undefined;
    },
  ): void;
  /** A document went away with all its streams. */
  drop(portId: number): void;
  streamsOf(origin: string): readonly StreamView[];
  /** A message of this origin was refused, or left encrypted again. */
  setRefusing(origin: string, peer: string, isRefusing: boolean): void;
  /** An account of this origin has a device more that the user has not answered for, or no longer (M32). */
  setNews(origin: string, jid: BareJid, hasNews: boolean): void;
}

const ATTENTION: ReadonlySet<StreamState> = new Set(['pending', 'locked', 'failed', 'in-worker']);

function badgeOf(streams: readonly Stream[], isWaiting: boolean): Badge {
  if (streams.length === 0) return 'off';
  if (isWaiting || streams.some(({ state }) => ATTENTION.has(state))) return 'attention';
  return streams.some(({ state }) => state === 'ready') ? 'on' : 'off';
}

/**
 * @param show draws the icon of a tab.
 * @param changed tells our own pages.
 */
export function createPresence(
  show: (tabId: number, badge: Badge) => void,
  changed: () => void,
): Presence {
  const streams = new Map<string, Stream>();
  /** What waits for the user, by origin. */
  const waiting = new Map<string, Set<string>>();

  function redraw(origin: string, tabId?: number): void {
    const here = [...streams.values()].filter((stream) => stream.origin === origin);
    const tabs = tabId === undefined ? here.map((stream) => stream.tabId) : [tabId];
    for (const id of new Set(tabs)) {
      const inTab = here.filter((stream) => stream.tabId === id);
      show(id, badgeOf(inTab, (waiting.get(origin)?.size ?? 0) > 0));
    }
    changed();
  }

  function setWaiting(origin: string, what: string, isWaiting: boolean): void {
    const all = waiting.get(origin) ?? new Set();
    const isChanged = all.has(what) !== isWaiting;
    if (isWaiting) all.add(what);
    else all.delete(what);
    waiting.set(origin, all);
    if (isChanged) redraw(origin);
  }

  return {
    report(portId, { origin, tabId }, { stream, endpoint, state, jid }) {
      const key = `${portId}.${stream}`;
      if (state === 'gone') streams.delete(key);
      else streams.set(key, { origin, tabId, endpoint, state, ...(jid !== undefined && { jid }) });
      redraw(origin, tabId);
    },
    drop(portId) {
      for (const [key, { origin, tabId }] of [...streams]) {
        if (!key.startsWith(`${portId}.`)) continue;
        streams.delete(key);
        redraw(origin, tabId);
      }
    },
    streamsOf: (origin) =>
      [...streams.values()]
        .filter((stream) => stream.origin === origin)
        .map(({ origin: _site, ...view }) => view),
    setRefusing: (origin, peer, isRefusing) => setWaiting(origin, `chat ${peer}`, isRefusing),
    setNews: (origin, jid, hasNews) => setWaiting(origin, `devices ${jid}`, hasNews),
  };
}
