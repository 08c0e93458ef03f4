// What was seen of a stream in a form in which two runs can be compared: without ids, times and names.
import type { Frame } from './frames';

/** Each direction in its order; which of two comes first across directions is up to the network. */
export interface Seen {
  /** By the page. */
  readonly sent: readonly string[];
  readonly got: readonly string[];
}

/** Acknowledgements are asked for and given by time. */
const IS_ACKNOWLEDGEMENT = /^<[ar]\s/;

/** Attributes that name something made for one session, or a time. */
const PASSING = new Set(['id', 'queryid', 'previd', 'stamp', 'sid', 'rid', 'authid', 'ver']);
const SASL = /<(auth|challenge|response|success)\b[^>]*>[^<]*(<\/\1>)?/g;
/** Archive ids in the answers of XEP-0059. */
const PASSING_TEXT = /<(first|last|before|after)\b([^>]*)>[^<]*<\/\1>/g;
const TAG = /<([a-z][\w:.-]*)((?:\s+[\w:.-]+=(?:"[^"]*"|'[^']*'))*)\s*(\/?)>/gi;
const ATTRIBUTE = /([\w:.-]+)=(?:"([^"]*)"|'([^']*)')/g;

/** A tag with its attributes in one order: servers write them in any. */
function inOrder(_tag: string, name: string, attributes: string, end: string): string {
  const written = [...attributes.matchAll(ATTRIBUTE)]
    .filter(([, key = '']) => !PASSING.has(key))
    .map(([, key = '', double, single]) => ` ${key}="${double ?? single ?? ''}"`);
  return `<${name}${written.toSorted().join('')}${end}>`;
}

function comparable(xml: string, { me, them }: { me: string; them: string }): string {
  const nameOf = (jid: string) => jid.replace(/@.*/, '');
  return xml
    .replaceAll(nameOf(me), 'me')
    .replaceAll(nameOf(them), 'them')
    .replace(/(@[\w.]+)\/[^"'<]+/g, '$1/resource')
    .replace(/converse\.js-\d+/g, 'resource')
    .replace(SASL, '<$1/>')
    .replace(PASSING_TEXT, '<$1/>')
    .replace(TAG, inOrder);
}

/** @param names bare JIDs of both sides in this run. */
export function asSeen(frames: readonly Frame[], names: { me: string; them: string }): Seen {
  const told = frames.filter(({ xml }) => xml !== '' && !IS_ACKNOWLEDGEMENT.test(xml));
  const of = (wanted: Frame['dir']) =>
    told.filter(({ dir }) => dir === wanted).map(({ xml }) => comparable(xml, names));
  return { sent: of('out'), got: of('in') };
}

const idOf = (xml: string) => /^<[^>]*\sid=["']([^"']*)["']/.exec(xml)?.[1];
const isIq = ({ xml }: Frame) => xml.startsWith('<iq');
const isPepEvent = ({ xml }: Frame) =>
  xml.startsWith('<message') && xml.includes('http://jabber.org/protocol/pubsub#event');

/**
 * What the server saw without the extension's own: IQs under ids that are not the page's, and notifications that were asked
 * for on the page's behalf, which show in its presence as other capabilities (XEP-0115).
 */
export function withoutOurs(atServer: readonly Frame[], page: readonly Frame[]): readonly Frame[] {
  const ids = new Set(page.filter(isIq).map(({ xml }) => idOf(xml)));
  return atServer
    .filter((frame) => (isIq(frame) ? ids.has(idOf(frame.xml)) : !isPepEvent(frame)))
    .map(({ dir, xml }) => ({
      dir,
      xml: xml.startsWith('<presence') ? xml.replace(/<c\s[^>]*\/>/g, '') : xml,
    }));
}
