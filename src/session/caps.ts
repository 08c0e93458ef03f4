// Entity capabilities (XEP-0115 1.6): what the page says it can do, and that plus the notifications of device lists. Pure.
import { VERSIONS } from '../rpc/versions';
import {
  append,
  childOf,
  childrenOf,
  copyOf,
  removeElement,
  serialise,
  textOf,
} from '../xml/element';
import { NS } from '../xml/ns';
import { codecFor } from './codec/codec';

/** Features that let a server push device lists of either version (XEP-0163 §7). */
export const NOTIFICATIONS: readonly string[] = VERSIONS.map(
  (version) => `${codecFor(version).listNode}+notify`,
);

/** `node` of the capabilities of a page that announces none. */
const OUR_NODE = 'urn:omnemo';

/** What a presence announces. */
export interface Announced {
  readonly node: string;
  readonly ver: string;
}

/** The capabilities in a presence, if it has such as XEP-0115 §4 wants them. */
export function announcedIn(presence: Element): Announced | undefined {
  const c = childOf(presence, 'c', NS.caps);
  const node = c?.getAttribute('node') ?? '';
  const ver = c?.getAttribute('ver') ?? '';
  return node === '' || ver === '' ? undefined : { node, ver };
}

/** The presence every contact's server hears: available, to nobody in particular. */
export function isBroadcast(presence: Element): boolean {
  return !presence.hasAttribute('to') && !presence.hasAttribute('type');
}

/** Code points, as i;octet orders UTF-8 (RFC 4790 §9.3). */
function compare(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  const at = left.findIndex((character, index) => character !== right[index]);
  if (at < 0) return left.length - right.length;
  return (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? -1);
}

const sorted = (texts: readonly string[]): string[] => [...texts].sort(compare);

function identityOf(identity: Element): string {
  const lang = identity.getAttributeNS(NS.xml, 'lang') ?? '';
  const [category, type, name] = ['category', 'type', 'name'].map(
    (attribute) => identity.getAttribute(attribute) ?? '',
  );
  return [category, type, lang, name].join('/');
}

/** FORM_TYPE, then the fields by name, each with its values in order; undefined for a form without one. */
function formOf(form: Element): string[] | undefined {
  const fields = childrenOf(form, 'field', NS.dataForms).map((field) => ({
    name: field.getAttribute('var') ?? '',
    values: sorted(childrenOf(field, 'value', NS.dataForms).map(textOf)),
  }));
  const [type, second] = fields.filter(({ name }) => name === 'FORM_TYPE');
  const [formType] = type?.values ?? [];
  if (formType === undefined || second !== undefined) return undefined;
  const others = fields.filter((field) => field !== type).sort((a, b) => compare(a.name, b.name));
  return [formType, ...others.flatMap(({ name, values }) => [name, ...values])];
}

/** The string that is hashed (§5.1); undefined where XEP-0115 §5.4 calls the answer ill-formed, or it cannot be told apart. */
export function verificationString(query: Element): string | undefined {
  const identities = sorted(childrenOf(query, 'identity', NS.discoInfo).map(identityOf));
  const features = sorted(
    childrenOf(query, 'feature', NS.discoInfo).map((each) => each.getAttribute('var') ?? ''),
  );
  const forms = childrenOf(query, 'x', NS.dataForms).flatMap((form) => {
    const parts = formOf(form);
    return parts === undefined ? [] : [parts];
  });
  forms.sort(([a = ''], [b = '']) => compare(a, b));
  const types = forms.map(([type = '']) => type);
  const isDouble = [identities, features, types].some((all) => new Set(all).size < all.length);
  const parts = [...identities, ...features, ...forms.flat()];
  if (isDouble || parts.some((part) => part.includes('<'))) return undefined;
  return parts.map((part) => `${part}<`).join('');
}

/** `ver` for an answer: base64 of the SHA-1 of its verification string (§5.1). */
export async function verOf(query: Element): Promise<string | undefined> {
  const text = verificationString(query);
  if (text === undefined) return undefined;
  const digest = await crypto.subtle.digest('SHA-1', new TextEncoder().encode(text));
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}

/** A `<query/>` with the notifications among its features, otherwise as it was. */
export function withNotifications(query: Element): Element {
  const copy = copyOf(query);
  const known = childrenOf(copy, 'feature', NS.discoInfo).map((each) => each.getAttribute('var'));
  for (const name of NOTIFICATIONS.filter((each) => !known.includes(each))) {
    const feature = copy.ownerDocument.createElementNS(NS.discoInfo, 'feature');
    feature.setAttribute('var', name);
    copy.appendChild(feature);
  }
  return copy;
}

/** The node a page's answer is for, when somebody follows what a presence announced (§6.2). */
export function nodeOf({ node, ver }: Announced): string {
  return `${node}#${ver}`;
}

/** The presence with other capabilities; those of XEP-0390 would no longer hold and are left out. */
export function announce(presence: Element, { node, ver }: Announced): string {
  const copy = copyOf(presence);
  for (const ns of [NS.caps, NS.caps2]) childrenOf(copy, 'c', ns).forEach(removeElement);
  const c = copy.ownerDocument.createElementNS(NS.caps, 'c');
  for (const [name, value] of [
    ['hash', 'sha-1'],
    ['node', node],
    ['ver', ver],
  ] as const) {
    c.setAttribute(name, value);
  }
  copy.appendChild(c);
  return serialise(copy);
}

/** What to announce in place of what the page does, for its answer `query`; undefined if that cannot be hashed. */
export async function ourCaps(
  announced: Announced | undefined,
  query: Element,
): Promise<Announced | undefined> {
  const ver = await verOf(withNotifications(query));
  return ver === undefined ? undefined : { node: announced?.node ?? OUR_NODE, ver };
}

/** An answer to a question about capabilities, in the place of the page's. */
export function answerTo(iq: Element, query: Element): string {
  const reply = copyOf(iq);
  for (const child of childrenOf(reply)) removeElement(child);
  const [from, to] = [iq.getAttribute('from'), iq.getAttribute('to')];
  for (const [name, value] of [
    ['to', from],
    ['from', to],
  ] as const) {
    if (value === null) reply.removeAttribute(name);
    else reply.setAttribute(name, value);
  }
  reply.setAttribute('type', 'result');
  const answer = append(reply, withNotifications(query));
  const asked = childOf(iq, 'query', NS.discoInfo)?.getAttribute('node');
  if (asked === null || asked === undefined) answer.removeAttribute('node');
  else answer.setAttribute('node', asked);
  return serialise(reply);
}
