// What happens to the frames of a protected document when no session can be loaded (extension updated or switched off,
// worker dead): messages do not leave and the page is told, everything else goes on unchanged.
import type { BridgeMessage, HookMessage } from '../../rpc/page-api';
import { explainRefusal } from '../../rpc/reasons';
import { rootName } from '../hook/peek';
import { isError, messageIn, refusalFor, smFailureFor } from '../hook/refusal';

type Frame = HookMessage & { t: 'frame' };

/** `<resume/>` or `<enable/>` inside another element. */
const INLINE =
  /<(?:[^\s<>/:='"!?]+:)?(?:resume|enable)(?=[\s/>])(?:[^<>'"]|'[^']*'|"[^"]*")*?(?:\/>|>\s*<\/[^<>]*>)/g;

/** SASL2 without the stream management it asks for along with the login. Carbons have an `<enable/>` too. */
function withoutInline(text: string): string {
  if (rootName(text) !== 'authenticate') return text;
  const isOther = (tag: string) => /\sxmlns/.test(tag) && !tag.includes('urn:xmpp:sm:');
  return text.replace(INLINE, (tag) => (isOther(tag) ? tag : ''));
}

/** What the page gets in place of the frame; `undefined`: the frame goes on. */
function answerTo({ dir, text }: Frame): { readonly text?: string } | undefined {
  if (dir === 'in') return undefined;
  const root = rootName(text);
  // Without a session nobody keeps the two sides' stanza counts apart, so the page must do without acknowledgements.
  if (root === 'enable') return { text: smFailureFor(text, 'unexpected-request') };
  if (root === 'resume') return { text: smFailureFor(text, 'item-not-found') };
  const message = messageIn(text);
  if (message === undefined) return undefined;
  return isError(message) ? {} : { text: refusalFor(message, explainRefusal('extension-gone')) };
}

/** Handler of a channel without session. */
export function createRefuser(
  post: (message: BridgeMessage) => void,
): (message: HookMessage) => void {
  let count = 0;
  return (message) => {
    if (message.t !== 'frame') return;
    const { s, dir, text } = message;
    const answer = answerTo(message);
    const frame = dir === 'out' ? withoutInline(text) : text;
    post({ t: 'release', s, dir, frames: answer === undefined ? [frame] : [] });
    if (answer?.text !== undefined) {
      post({ t: 'inject', s, dir: 'in', id: `refused-${++count}`, text: answer.text });
    }
  };
}
