// Stream management where counting went wrong (I-36, I-123, design D10): a wrong number ends the stream, and would end the
// next one too, so from then on the page of that site is not offered it and gets it refused. Pure.
import { build, frameOf } from '../xml/build';
import { childrenOf, copyOf, removeElement, serialise, textOf } from '../xml/element';
import { NS } from '../xml/ns';
import { resumeRefusal, SM_NAMESPACES, smElementsIn } from './ack-frames';

const STREAM_ERRORS = 'urn:ietf:params:xml:ns:xmpp-streams';

/** Why a stream ended, as far as it can be our counting: surely, or perhaps. */
export type Miscount = 'count' | 'conflict';

/**
 * `<stream:error>` of either side about a number of stanzas (XEP-0198 §4): the element the XEP has for it, or as Prosody and
 * ejabberd write it, `undefined-condition` with a sentence. A conflict can have other causes.
 */
export function miscountIn(frame: Element): Miscount | undefined {
  if (frame.localName !== 'error' || frame.namespaceURI !== NS.streams) return undefined;
  const children = childrenOf(frame);
  const has = (name: string, namespaces: readonly string[]): boolean =>
    children.some(
      (child) => child.localName === name && namespaces.includes(child.namespaceURI ?? ''),
    );
  if (has('handled-count-too-high', SM_NAMESPACES)) return 'count';
  const says = children.some((child) => child.localName === 'text' && isAboutCounts(textOf(child)));
  if (has('undefined-condition', [STREAM_ERRORS]) && says) return 'count';
  return has('conflict', [STREAM_ERRORS]) ? 'conflict' : undefined;
}

/** Prosody 0.12 and ejabberd 23.01: "Client acknowledged more stanzas than sent by server". */
function isAboutCounts(text: string): boolean {
  return /\backnowledged\b/i.test(text);
}

/** What becomes of a frame; `answer` is for the page, in place of the server's. */
export interface WithoutManagement {
  readonly frames: readonly string[];
  readonly answer?: string;
}

/** A frame where stream management must not be used; undefined: nothing of it is in it. */
export function withoutManagement(
  frame: Element,
  dir: 'in' | 'out',
): WithoutManagement | undefined {
  if (dir === 'in') {
    // Alone, in SASL2, and as `<feature var/>` in Bind 2.
    return frame.localName === 'features'
      ? { frames: [without(frame, ['sm', 'feature'])] }
      : undefined;
  }
  const kinds = smElementsIn(frame).map(({ kind }) => kind);
  if (frame.localName === 'enable') return { frames: [], answer: enableRefusal(frame) };
  if (frame.localName === 'resume') return { frames: [], answer: resumeRefusal(frame) };
  const isInline = kinds.includes('enable') || kinds.includes('resume');
  return isInline ? { frames: [without(frame, ['enable', 'resume'])] } : undefined;
}

/** `<failed xmlns='urn:xmpp:sm:3'><unexpected-request/>` (XEP-0198 §3). */
function enableRefusal(enable: Element): string {
  const builder = build('failed', { xmlns: enable.namespaceURI ?? NS.sm });
  builder.c('unexpected-request', { xmlns: NS.stanzas });
  return frameOf(builder);
}

function isOfManagement(element: Element, names: readonly string[]): boolean {
  if (!names.includes(element.localName)) return false;
  if (SM_NAMESPACES.includes(element.namespaceURI ?? '')) return true;
  return SM_NAMESPACES.includes(element.getAttribute('var') ?? '');
}

function without(root: Element, names: readonly string[]): string {
  const copy = copyOf(root);
  const clean = (parent: Element): void => {
    for (const child of childrenOf(parent)) {
      if (isOfManagement(child, names)) removeElement(child);
      else clean(child);
    }
  };
  clean(copy);
  return serialise(copy);
}
