// One BOSH body (XEP-0124 §6) as text: taken apart into stanzas that stand alone as frames, and put together again. Nothing
// is parsed, so what is not touched stays byte for byte. Pure.

/** The namespace of `<body/>`. */
export const HTTPBIND = 'http://jabber.org/protocol/httpbind';

const CLIENT = 'jabber:client';
const HEAD =
  /^\s*(?:<\?xml[^>]*>\s*)?(<([^\s<>/]+)((?:\s+[^\s=<>/]+\s*=\s*(?:'[^'<]*'|"[^"<]*"))*)\s*)(\/?)>/;
const ATTRIBUTE = /([^\s=]+)\s*=\s*(?:'([^'<]*)'|"([^"<]*)")/g;

export interface Body {
  /** The start tag without its end, as written. */
  readonly head: string;
  readonly tag: string;
  readonly attributes: ReadonlyMap<string, string>;
  /** The stanzas as frames; a body nobody can take apart is one frame with all of it. */
  readonly frames: readonly string[];
}

function attributesOf(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(ATTRIBUTE)].map(([, name = '', single, double]) => [
      name,
      single ?? double ?? '',
    ]),
  );
}

/** Index behind the `>` of the tag that begins at `start`; -1: it has no end. */
function endOfTag(text: string, start: number): number {
  let quote = '';
  for (let index = start + 1; index < text.length; index++) {
    const char = text.charAt(index);
    if (quote !== '') {
      if (char === quote) quote = '';
    } else if (char === '"' || char === "'") quote = char;
    else if (char === '<') return -1;
    else if (char === '>') return index + 1;
  }
  return -1;
}

/** Index behind the markup that begins at `start`, and how it changes the depth. */
function markupAt(text: string, start: number): { end: number; by: number } | undefined {
  if (text.startsWith('<![CDATA[', start)) {
    const close = text.indexOf(']]>', start);
    return close < 0 ? undefined : { end: close + 3, by: 0 };
  }
  const next = text.charAt(start + 1);
  if (next === '!' || next === '?') return undefined;
  const end = endOfTag(text, start);
  if (end < 0) return undefined;
  if (next === '/') return { end, by: -1 };
  return { end, by: text.charAt(end - 2) === '/' ? 0 : 1 };
}

/** The elements in a text that holds nothing else; undefined: it does. */
function elementsIn(text: string): readonly string[] | undefined {
  const elements: string[] = [];
  let depth = 0;
  let start = 0;
  let index = 0;
  while (index < text.length) {
    const next = text.indexOf('<', index);
    if (depth === 0 && text.slice(index, next < 0 ? text.length : next).trim() !== '') {
      return undefined;
    }
    if (next < 0) break;
    const markup = markupAt(text, next);
    if (markup === undefined) return undefined;
    if (depth === 0) start = next;
    if (depth === 0 && (markup.by < 0 || text.startsWith('<!', next))) return undefined;
    depth += markup.by;
    index = markup.end;
    if (depth === 0) elements.push(text.slice(start, index));
  }
  return depth === 0 ? elements : undefined;
}

/** The element with the namespaces declared that it has from the body; stanzas without one are the client's (XEP-0206 §2). */
function standingAlone(element: string, body: ReadonlyMap<string, string>): string {
  const end = endOfTag(element, 0);
  const own = attributesOf(element.slice(0, end));
  const missing = own.has('xmlns') ? [] : [` xmlns='${CLIENT}'`];
  for (const [name, value] of body) {
    const prefix = name.startsWith('xmlns:') ? `${name.slice(6)}:` : undefined;
    if (prefix === undefined || own.has(name) || !element.includes(prefix)) continue;
    missing.push(` ${name}='${value.replaceAll("'", '&apos;')}'`);
  }
  const name = /^<[^\s<>/]+/.exec(element)?.[0] ?? '';
  return name + missing.join('') + element.slice(name.length);
}

/** Takes a body apart. Undefined: it has no start tag that could be read. */
export function readBody(text: string): Body | undefined {
  const match = HEAD.exec(text);
  if (match === null) return undefined;
  const [all, head = '', tag = '', written = '', isEmpty] = match;
  const attributes = attributesOf(written);
  const rest = text.slice(all.length);
  const end = rest.lastIndexOf(`</${tag}`);
  const isWhole =
    isEmpty === '/' ? rest.trim() === '' : /^<\/[^\s<>/]+\s*>\s*$/.test(rest.slice(end));
  const inner = isEmpty === '/' ? '' : rest.slice(0, end);
  const elements = isWhole ? elementsIn(inner) : undefined;
  const frames =
    elements === undefined ? [rest] : elements.map((element) => standingAlone(element, attributes));
  return { head: head.trimEnd(), tag, attributes, frames };
}

/** The body with other frames in it. */
export function writeBody({ head, tag }: Body, frames: readonly string[]): string {
  return frames.length === 0 ? `${head}/>` : `${head}>${frames.join('')}</${tag}>`;
}
