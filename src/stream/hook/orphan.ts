// What the page gets for a message once the extension is gone, and with it everybody who could answer: in Firefox the bridge
// is destroyed as the extension is updated or switched off (I-126). In other browsers it stays and refuses by itself.
import { includes, matchIn } from './natives';
import { rootName } from './peek';
import { emptied } from './requests';

const ID = /\sid\s*=\s*('[^']*'|"[^"]*")/;
const TO = /\sto\s*=\s*('[^']*'|"[^"]*")/;

/**
 * What the page gets in place of a frame: for its own message an error with the same id, from the one it wrote to; empty where
 * there is nobody to tell. Acknowledgements are left out: nobody knows any more how the two sides count. `undefined`: the
 * frame goes on.
 */
export function orphanAnswer(
  dir: 'out' | 'in',
  text: string,
  will: string | undefined,
): string | undefined {
  const root = rootName(text);
  if (root === 'a' || root === 'r') return '';
  if (dir === 'in' || (root ?? 'message') !== 'message' || !includes(text, 'message'))
    return undefined;
  const head = emptied(text) ?? '';
  const id = matchIn(ID, head);
  const to = matchIn(TO, head);
  return will && id && to
    ? `<message xmlns='jabber:client' type='error' id=${id} from=${to}>${will}`
    : '';
}
