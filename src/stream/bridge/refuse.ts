// What happens to the frames of a protected document when no session can be loaded (extension updated or switched off,
// worker dead): messages do not leave and the page is told, everything else goes on unchanged.
import type { BridgeMessage, HookMessage } from '../../rpc/page-api';
import { explainRefusal } from '../../rpc/reasons';
import { fromMessageTag } from '../../xml/raw';
import { rootName } from '../hook/peek';

const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas';
const START_TAG =
  /^\s*(?:<\?xml[^>]*>\s*)?<[^\s<>/]+((?:\s+[^\s=<>/]+\s*=\s*(?:'[^'<]*'|"[^"<]*"))*)\s*\/?>/;

type Frame = HookMessage & { t: 'frame' };

/** The attribute as it is written, quotes included. */
function written(text: string, name: string): string | undefined {
  const attributes = START_TAG.exec(text)?.[1] ?? '';
  for (const [, key, value] of attributes.matchAll(/([^\s=]+)\s*=\s*('[^']*'|"[^"]*")/g)) {
    if (key === name) return value;
  }
  return undefined;
}

/** What is said of a message that does not leave, and the end of its error. */
export const WILL =
  `<error type='cancel'><not-acceptable xmlns='${STANZAS}'/>` +
  `<text xmlns='${STANZAS}'>${explainRefusal('extension-gone')}</text></error></message>`;

/** `<message type='error' id from to><error type='cancel'>…`: the page's own id, from the one it wrote to. */
function refusal(text: string): string {
  const attribute = (name: string, value: string | undefined) =>
    value === undefined ? '' : ` ${name}=${value}`;
  return (
    `<message xmlns='jabber:client' type='error'${attribute('id', written(text, 'id'))}` +
    `${attribute('from', written(text, 'to'))}${attribute('to', written(text, 'from'))}>` +
    WILL
  );
}

/** `<failed xmlns='urn:xmpp:sm:3'><item-not-found/></failed>` (XEP-0198 §3, §5). */
function smFailure(text: string, condition: string): string {
  const xmlns = written(text, 'xmlns') ?? "'urn:xmpp:sm:3'";
  return `<failed xmlns=${xmlns}><${condition} xmlns='${STANZAS}'/></failed>`;
}

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
  if (root === 'enable') return { text: smFailure(text, 'unexpected-request') };
  if (root === 'resume') return { text: smFailure(text, 'item-not-found') };
  const mayBeMessage = root === 'message' || (root === undefined && text.includes('message'));
  const message = fromMessageTag(text) ?? (mayBeMessage ? text : undefined);
  if (message === undefined) return undefined;
  // An error is never answered by an error.
  return /^.error.$/.test(written(message, 'type') ?? '') ? {} : { text: refusal(message) };
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
