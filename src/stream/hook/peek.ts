// Cheap test whether a frame could matter to the session, without parsing it: most frames pass at once, byte for byte.
import type { Direction } from '../../rpc/page-api';
import { includes, matchIn } from './natives';

/** Local name of the root, after white space and an XML declaration. */
const ROOT = /^\s*(?:<\?xml[^>]*>\s*)?<(?:[^\s<>/:='"!?]+:)?([^\s<>/:='"!?]+)/;

/** `undefined`: the frame does not start like an element. */
export function rootName(text: string): string | undefined {
  return matchIn(ROOT, text);
}

/** What stream management counts (XEP-0198 §4). */
export function isStanza(text: string): boolean {
  const root = rootName(text);
  return root === 'message' || root === 'presence' || root === 'iq';
}

/** Ids of our own requests begin with one of these; a list without array methods. */
export interface Prefixes {
  readonly prefix: string;
  readonly next: Prefixes | undefined;
}

function hasPrefix(text: string, prefixes: Prefixes | undefined): boolean {
  for (let each = prefixes; each !== undefined; each = each.next) {
    if (includes(text, each.prefix)) return true;
  }
  return false;
}

/** Archive queries and everything of OMEMO. Beside it the session has to know who is a contact. */
function isOfOmemo(text: string): boolean {
  return (
    includes(text, 'axolotl') || includes(text, 'urn:xmpp:omemo') || includes(text, 'urn:xmpp:mam:')
  );
}

/** Answers and questions about what the page can do. */
function isOfCaps(text: string, type: string): boolean {
  return includes(text, 'http://jabber.org/protocol/disco#info') && includes(text, type);
}

function isInterestingOut(text: string, prefixes: Prefixes | undefined): boolean {
  // Anywhere: no way of writing a message stanza comes without this word.
  if (includes(text, 'message')) return true;
  switch (rootName(text)) {
    case 'iq':
      return (
        isOfOmemo(text) ||
        includes(text, 'jabber:iq:roster') ||
        includes(text, 'jabber:iq:auth') ||
        isOfCaps(text, 'result') ||
        hasPrefix(text, prefixes)
      );
    case 'presence':
      return true;
    case 'auth': // of no other login is anything to be known
      return includes(text, 'ANONYMOUS');
    case undefined: // white space keepalives
    case 'open':
    case 'close':
    case 'stream':
    case 'response':
    case 'abort':
    case 'active':
    case 'inactive':
      return false;
    default: // stream management, SASL2 with what it carries inline, and whatever comes to be
      return true;
  }
}

function isInterestingIn(text: string, prefixes: Prefixes | undefined): boolean {
  switch (rootName(text)) {
    case 'message':
    case 'enabled':
    case 'resumed':
    case 'failed':
    case 'a':
    case 'r':
    case 'error': // of the stream: it may be about a number of ours
      return true;
    case 'features':
      return includes(text, 'urn:xmpp:sm:');
    case 'failure': // of a login, which is tried in another way then
      return true;
    case 'success':
      return includes(text, 'urn:xmpp:sasl:2');
    case 'iq':
      return (
        includes(text, 'urn:ietf:params:xml:ns:xmpp-bind') ||
        includes(text, 'jabber:iq:roster') ||
        isOfOmemo(text) ||
        isOfCaps(text, 'get') ||
        hasPrefix(text, prefixes)
      );
    case undefined:
      return includes(text, 'message');
    default:
      return false;
  }
}

/** Whether the session has to see the frame before it goes on. */
export function isInteresting(
  dir: Direction,
  text: string,
  prefixes: Prefixes | undefined,
): boolean {
  return dir === 'out' ? isInterestingOut(text, prefixes) : isInterestingIn(text, prefixes);
}
