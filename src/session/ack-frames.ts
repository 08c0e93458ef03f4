// Finds the elements of stream management in a frame, alone or inline in Bind 2 and SASL2 (I-34), and writes a frame anew
// with another `h`. Pure.
import { build, frameOf } from '../xml/build';
import { childrenOf, copyOf, removeElement, serialise } from '../xml/element';
import { NS } from '../xml/ns';

const KINDS = ['enable', 'enabled', 'resume', 'resumed', 'failed', 'r', 'a'] as const;

export type SmKind = (typeof KINDS)[number];

export interface SmElement {
  readonly kind: SmKind;
  /** Below 2^32; undefined when there is none that can be read. */
  readonly h?: number;
  /** `previd` of `<resume/>` and `<resumed/>`; `id` of an `<enabled/>` that promises resumption. */
  readonly id?: string;
}

/** The two versions are alike in all we read. */
export const SM_NAMESPACES: readonly string[] = [NS.sm, 'urn:xmpp:sm:2'];

/** Elements of stream management in a frame, in document order. Elsewhere than in these places they mean nothing. */
export function smElementsIn(root: Element): readonly SmElement[] {
  return locate(root).map(({ kind, element }) => read(kind, element));
}

interface Located {
  readonly kind: SmKind;
  readonly element: Element;
}

function locate(root: Element): readonly Located[] {
  if (isManagement(root)) return asKind(root);
  if (root.namespaceURI !== NS.sasl2) return [];
  const children = childrenOf(root);
  // `<authenticate><bind><enable/>`, `<success><bound><enabled/>`
  const bound = children.filter((child) => child.namespaceURI === NS.bind2);
  return [...children, ...bound.flatMap((child) => childrenOf(child))]
    .filter(isManagement)
    .flatMap(asKind);
}

function isManagement(element: Element): boolean {
  return SM_NAMESPACES.includes(element.namespaceURI ?? '');
}

function asKind(element: Element): readonly Located[] {
  const kind = KINDS.find((name) => name === element.localName);
  return kind === undefined ? [] : [{ kind, element }];
}

function read(kind: SmKind, element: Element): SmElement {
  const h = readNumber(element.getAttribute('h'));
  const id = readId(kind, element);
  return { kind, ...(h !== undefined && { h }), ...(id !== undefined && { id }) };
}

function readNumber(text: string | null): number | undefined {
  if (text === null || !/^\d{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value < 2 ** 32 ? value : undefined;
}

function readId(kind: SmKind, element: Element): string | undefined {
  if (kind === 'resume' || kind === 'resumed') return element.getAttribute('previd') ?? undefined;
  const canResume = ['true', '1'].includes(element.getAttribute('resume') ?? '');
  return kind === 'enabled' && canResume ? (element.getAttribute('id') ?? undefined) : undefined;
}

/** The frame with another `h` in its element of that kind; all else stays. */
export function withH(root: Element, kind: SmKind, h: number): string {
  const copy = copyOf(root);
  find(copy, kind)?.setAttribute('h', String(h));
  return serialise(copy);
}

/** `<authenticate/>` without its inline `<resume/>`: the page gets a new session instead (I-30). */
export function withoutResume(root: Element): string {
  const copy = copyOf(root);
  const resume = find(copy, 'resume');
  if (resume !== undefined) removeElement(resume);
  return serialise(copy);
}

function find(root: Element, kind: SmKind): Element | undefined {
  return locate(root).find((located) => located.kind === kind)?.element;
}

/** The answer to a `<resume/>` of a session we have no record of (I-30). */
export function resumeRefusal(root: Element): string {
  const builder = build('failed', { xmlns: root.namespaceURI ?? NS.sm });
  builder.c('item-not-found', { xmlns: NS.stanzas });
  return frameOf(builder);
}
