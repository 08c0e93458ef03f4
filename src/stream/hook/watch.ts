// Notices that the bridge is gone: Firefox takes the isolated world away with an extension that is updated or switched off,
// and its port stays silent (I-126). Held frames would wait for ever, and the page take them for sent; from then on the hook
// answers in place of the bridge: messages do not leave and the page is told, everything else goes on unchanged.
import type { HookMessage, HttpMessage } from '../../rpc/page-api';
import type { HookChannel } from './channel';
import { bare, type Natives } from './natives';
import { rootName } from './peek';
import { isError, messageIn, refusalFor, smFailureFor } from './refusal';

type Frame = HookMessage & { t: 'frame' };
type Request = HttpMessage & { t: 'request' };
type Handler = Parameters<HookChannel['listen']>[0];

/** As in rpc/reasons.ts, which is not for the page's world. */
export const EXTENSION_GONE = 'Omnemo was updated or switched off. Reload this page.';
/** While a frame waits, the bridge is asked this often; a living one answers at once, however slow the vault is. */
export const PING_MS = 3000;
/** Questions without an answer after which nobody is there. A busy thread delays question and answer alike. */
export const MAX_SILENT = 3;

/** What the page gets in place of a frame; `undefined`: the frame goes on. */
function answerTo({ dir, text }: Frame): string | undefined {
  if (dir === 'in') return undefined;
  const root = rootName(text);
  // Nobody keeps the two sides' stanza counts apart any more.
  if (root === 'enable') return smFailureFor(text, 'unexpected-request');
  if (root === 'resume') return smFailureFor(text, 'item-not-found');
  const message = messageIn(text);
  if (message === undefined) return undefined;
  return isError(message) ? '' : refusalFor(message, EXTENSION_GONE);
}

/** The channel, as long as there is a bridge at its other end. */
export function watchBridge(channel: HookChannel, natives: Natives): HookChannel {
  /** What waits for the bridge: a frame of each lane, and requests of BOSH. */
  const held = bare<Record<string, Frame | Request | undefined>>({});
  let handle: Handler = () => undefined;
  let isTimed = false;
  let isGone = false;
  let silent = 0;
  let answers = 0;

  const laneOf = ({ s, dir }: { readonly s: number; readonly dir: string }) => `${s} ${dir}`;
  const requestOf = ({ r }: { readonly r: number }) => `r ${r}`;
  const isWaiting = () => {
    for (const _lane in held) return true;
    return false;
  };
  const answer = (frame: Frame | Request) => {
    // The page takes it for a lost network, which is the truth: nothing of it left.
    if (frame.t === 'request') return handle(bare({ t: 'answer', r: frame.r, body: null }));
    const { s, dir, text } = frame;
    const told = answerTo(frame);
    handle(bare({ t: 'release', s, dir, frames: told === undefined ? [text] : [] }));
    if (told === undefined || told === '') return;
    handle(bare({ t: 'inject', s, dir: 'in', id: `gone-${++answers}`, text: told }));
  };
  const giveUp = () => {
    isGone = true;
    for (const lane in held) {
      const frame = held[lane];
      delete held[lane];
      if (frame !== undefined) answer(frame);
    }
  };
  const watch = () => {
    if (isTimed || !isWaiting()) return;
    isTimed = true;
    natives.later(PING_MS, () => {
      isTimed = false;
      if (!isWaiting()) return;
      if (silent >= MAX_SILENT) return giveUp();
      silent++;
      channel.post({ t: 'ping', s: 0 });
      watch();
    });
  };

  return {
    post: (message) => {
      if (!isGone) channel.post(message);
      if (message.t === 'aborted') delete held[requestOf(message)];
      if (message.t !== 'frame' && message.t !== 'request') return;
      // Later: the lane that shows this frame is not done yet.
      if (isGone) return natives.later(0, () => answer(message));
      held[message.t === 'frame' ? laneOf(message) : requestOf(message)] = message;
      watch();
    },
    listen: (handler) => {
      const others = handle;
      handle = (message) => {
        others(message);
        handler(message);
      };
      channel.listen((message) => {
        silent = 0;
        // It was slow beyond all measure: what it says now is about frames that were answered.
        if (isGone || message.t === 'alive') return;
        if (message.t === 'release') delete held[laneOf(message)];
        if (message.t === 'send' || message.t === 'answer') delete held[requestOf(message)];
        handler(message);
      });
    },
  };
}
