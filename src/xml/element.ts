// Parse one frame to an element, serialise it back, and look things up by exact namespace (M64, I-9). Uses the platform's
// DOMParser and XMLSerializer; only DOM features that a plain XML DOM in Node also has, so that tests run the same code.
import { MAX_DEPTH, MAX_FRAME } from '../limits';
import { NS } from './ns';

export type XmlErrorCode = 'malformed' | 'doctype' | 'too-large' | 'too-deep';

/** A frame that is not parsed. Switch on `code`. */
export class XmlError extends Error {
  readonly code: XmlErrorCode;
  readonly retry = false;
  constructor(code: XmlErrorCode) {
    super(`xml: ${code}`);
    this.name = 'XmlError';
    this.code = code;
  }
}

// DOM node types; the constants on `Node` do not exist in Node.
const ELEMENT = 1;
const TEXT = 3;
const CDATA = 4;

/** Characters outside the production Char of XML 1.0 §2.2, and lone surrogates. */
const ILLEGAL =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** A reference that is neither predefined nor numeric needs a DTD, which we refuse. */
const FOREIGN_REFERENCE = /&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});)/;

/** Text with characters illegal in XML 1.0 replaced by U+FFFD (M65). */
export function cleanText(text: string): string {
  return text.replace(ILLEGAL, '\ufffd');
}

function isClean(text: string): boolean {
  return text.search(ILLEGAL) < 0;
}

function withoutDeclaration(text: string): string {
  return text.replace(/^\s*<\?xml(?=\s)[^<>]*\?>/, '').trim();
}

/** Text outside CDATA sections, where markup and references mean something. One pass: frames may be hostile. */
function markupOf(text: string): string {
  const pieces: string[] = [];
  let from = 0;
  for (;;) {
    const start = text.indexOf('<![CDATA[', from);
    if (start < 0) return pieces.join('') + text.slice(from);
    const end = text.indexOf(']]>', start);
    if (end < 0) throw new XmlError('malformed');
    pieces.push(text.slice(from, start));
    from = end + 3;
  }
}

// Parsers differ in what they forgive, so everything that must be refused is tested on the text itself.
function refuseDangerous(text: string): void {
  const markup = markupOf(text);
  if (/<!(?:DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)/i.test(markup)) throw new XmlError('doctype');
  if (markup.includes('<!') || markup.includes('<?')) throw new XmlError('malformed');
  if (FOREIGN_REFERENCE.test(markup) || !isClean(text)) throw new XmlError('malformed');
}

function parseWithPlatform(text: string): Element {
  let root: Element | null;
  try {
    root = new DOMParser().parseFromString(text, 'application/xml').documentElement;
  } catch {
    throw new XmlError('malformed'); // parsers outside browsers throw
  }
  if (root === null || isParserError(root)) throw new XmlError('malformed');
  return root;
}

/**
 * Browsers answer bad XML with a document: Chromium puts a parsererror into the root it had read so far or into an XHTML
 * document, Firefox makes it the root. A peer's element of that name counts only in the browsers' own namespaces.
 */
function isParserError(root: Element): boolean {
  if (root.namespaceURI === NS.xhtml) return true;
  return [root, ...childrenOf(root)].some(
    (element) =>
      element.localName === 'parsererror' &&
      /^http:\/\/www\.(?:w3\.org\/1999\/xhtml|mozilla\.org\/)/.test(element.namespaceURI ?? ''),
  );
}

function walk(element: Element, depth: number): void {
  if (depth > MAX_DEPTH) throw new XmlError('too-deep');
  for (const attribute of Array.from(element.attributes)) {
    if (!isClean(attribute.value)) throw new XmlError('malformed');
  }
  for (const node of Array.from(element.childNodes)) {
    if (isElement(node)) walk(node, depth + 1);
    else if (node.nodeType !== TEXT && node.nodeType !== CDATA) throw new XmlError('malformed');
    else if (!isClean(node.nodeValue ?? '')) throw new XmlError('malformed');
  }
}

function isElement(node: Node): node is Element {
  return node.nodeType === ELEMENT;
}

/**
 * Parses one frame: one root element, no DOCTYPE, entities, processing instructions or comments.
 * @param maxCharacters size up to which a frame is parsed at all.
 * @throws XmlError `malformed`, `doctype`, `too-large`, `too-deep`.
 */
export function parseFrame(text: string, maxCharacters: number = MAX_FRAME): Element {
  if (text.length > maxCharacters) throw new XmlError('too-large');
  const bare = withoutDeclaration(text);
  if (!bare.startsWith('<')) throw new XmlError('malformed');
  refuseDangerous(bare);
  const root = parseWithPlatform(bare);
  walk(root, 1);
  return root;
}

/** The element as one frame; declares what it needs, so it stands alone (I-2). */
export function serialise(element: Element): string {
  return new XMLSerializer().serializeToString(element);
}

/** Child elements in document order, of that name and namespace if given. */
export function childrenOf(parent: Element, name?: string, ns?: string): Element[] {
  return Array.from(parent.childNodes)
    .filter(isElement)
    .filter((child) => name === undefined || child.localName === name)
    .filter((child) => ns === undefined || child.namespaceURI === ns);
}

/** The first child of exactly that name and namespace. */
export function childOf(parent: Element, name: string, ns: string): Element | undefined {
  return childrenOf(parent, name, ns)[0];
}

/** The text inside an element. */
export function textOf(element: Element): string {
  return element.textContent ?? '';
}

/** A deep copy in the same document, without parent. */
export function copyOf(element: Element): Element {
  const copy = element.cloneNode(true);
  if (!isElement(copy)) throw new TypeError('copyOf: want an element');
  return copy;
}

/** Takes an element out of its tree. */
export function removeElement(element: Element): void {
  element.parentNode?.removeChild(element);
}

/** Puts a copy of an element, of any document, at the end of `parent` and returns the copy. */
export function append(parent: Element, child: Element): Element {
  const copy = parent.ownerDocument.importNode(child, true);
  parent.appendChild(copy);
  return copy;
}

/** Puts a new text-only element at the end of `parent`. */
export function appendText(parent: Element, name: string, ns: string, text: string): Element {
  const element = parent.ownerDocument.createElementNS(ns, name);
  if (text !== '') element.appendChild(parent.ownerDocument.createTextNode(cleanText(text)));
  parent.appendChild(element);
  return element;
}
