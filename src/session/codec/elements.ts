// What both codecs need to take elements apart and to write them: exact names, children that stand once, numbers, keys.
import { MAX_FOREIGN_ID } from '../../limits';
import type { Builder } from '../../xml/build';
import { childrenOf, textOf } from '../../xml/element';
import { StanzaError } from '../errors';
import { fromBase64 } from './base64';

export function malformed(): StanzaError {
  return new StanzaError('malformed');
}

/** Decimal digits up to 2^32−1; no sign, no white space. */
export function uint32(text: string | null): number | undefined {
  if (text === null || !/^[0-9]{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= MAX_FOREIGN_ID ? value : undefined;
}

/** @throws StanzaError `malformed`, as all readers here. */
export function requireUint32(element: Element, attribute: string): number {
  const value = uint32(element.getAttribute(attribute));
  if (value === undefined) throw malformed();
  return value;
}

export function requireName(element: Element, name: string, ns: string): void {
  if (element.localName !== name || element.namespaceURI !== ns) throw malformed();
}

/** The child of that name, which may be missing but not stand twice. */
export function optionalOne(parent: Element, name: string, ns: string): Element | undefined {
  const found = childrenOf(parent, name, ns);
  if (found.length > 1) throw malformed();
  return found[0];
}

export function requireOne(parent: Element, name: string, ns: string): Element {
  const element = optionalOne(parent, name, ns);
  if (element === undefined) throw malformed();
  return element;
}

/** Base64 of exactly that many bytes. */
export function requireBytes(element: Element, length: number): Uint8Array {
  const bytes = fromBase64(textOf(element));
  if (bytes.length !== length) throw malformed();
  return bytes;
}

/** `true` or `1`, as an xs:boolean, also with white space or in capitals. */
export function isTrue(element: Element, attribute: string): boolean {
  const flag = element.getAttribute(attribute)?.trim().toLowerCase();
  return flag === 'true' || flag === '1';
}

/** One-time prekeys by id, each id once. */
export function readPrekeys(
  elements: readonly Element[],
  idAttribute: string,
  readPublicKey: (element: Element) => Uint8Array,
  max: number,
): { readonly id: number; readonly publicKey: Uint8Array }[] {
  if (elements.length > max) throw malformed();
  const byId = new Map<number, Uint8Array>();
  for (const element of elements) {
    const id = requireUint32(element, idAttribute);
    const publicKey = readPublicKey(element);
    // libomemo.js takes id 0 for "no prekey" and derives another secret.
    if (id !== 0 && !byId.has(id)) byId.set(id, publicKey);
  }
  return Array.from(byId, ([id, publicKey]) => ({ id, publicKey }));
}

export function textChild(
  builder: Builder,
  name: string,
  text: string,
  attributes: Record<string, string> = {},
): void {
  builder.c(name, attributes).t(text).up();
}
