// What a page gets in place of a frame that does not leave, made from the frame's own text: used where there is no session,
// on both sides of the private port. Runs in the page's world, so it uses nothing a page can patch.
import { includes, matchIn } from './natives';
import { rootName } from './peek';

const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas';

/** From the first start tag called `message` on, as ../../xml/raw.ts finds it. */
const MESSAGE = /(<(?:[^\s<>/:='"!?]+:)?message(?=[\s/>])[^]*)/;

/** The attribute of the first start tag, in its quotes. */
function pattern(name: string): RegExp {
  const value = `'[^'<]*'|"[^"<]*"`;
  const other = `\\s+[^\\s=<>/]+\\s*=\\s*(?:${value})`;
  return new RegExp(
    `^\\s*(?:<\\?xml[^>]*>\\s*)?<[^\\s<>/]+(?:${other})*?\\s+${name}\\s*=\\s*(${value})`,
  );
}

const ID = pattern('id');
const FROM = pattern('from');
const TO = pattern('to');
const TYPE = pattern('type');
const XMLNS = pattern('xmlns');

function written(name: string, value: string | undefined): string {
  return value === undefined ? '' : ` ${name}=${value}`;
}

/** The frame from its first message on, or all of one that may be a message and cannot be read; `undefined`: none is in it. */
export function messageIn(text: string): string | undefined {
  const root = rootName(text);
  const mayBe = root === 'message' || (root === undefined && includes(text, 'message'));
  return matchIn(MESSAGE, text) ?? (mayBe ? text : undefined);
}

/** An error is never answered by an error. */
export function isError(message: string): boolean {
  const type = matchIn(TYPE, message);
  return type === "'error'" || type === '"error"';
}

/** `<message type='error' id from to><error type='cancel'>…`: the page's own id, from the one it wrote to. */
export function refusalFor(message: string, sentence: string): string {
  return (
    `<message xmlns='jabber:client' type='error'${written('id', matchIn(ID, message))}` +
    `${written('from', matchIn(TO, message))}${written('to', matchIn(FROM, message))}>` +
    `<error type='cancel'><not-acceptable xmlns='${STANZAS}'/>` +
    `<text xmlns='${STANZAS}'>${sentence}</text></error></message>`
  );
}

/** `<failed xmlns='urn:xmpp:sm:3'><item-not-found/></failed>` (XEP-0198 §3, §5). */
export function smFailureFor(text: string, condition: string): string {
  const xmlns = matchIn(XMLNS, text) ?? "'urn:xmpp:sm:3'";
  return `<failed xmlns=${xmlns}><${condition} xmlns='${STANZAS}'/></failed>`;
}
