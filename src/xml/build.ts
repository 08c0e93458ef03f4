// New elements of ours, written with strophe's builder. Its nodes hold a namespace only as an attribute called xmlns, so
// they are right as text (strophe's own serialiser) and wrong inside a real tree: we hand out frames, or elements parsed
// back from them, never strophe's nodes.
import { $build, type Builder } from 'strophe.js';
import { cleanText, parseFrame, serialise } from './element';

export type { Builder };

/**
 * Starts an element. Give `xmlns` wherever it differs from the parent's: children inherit, as in XML text. Go on with
 * `.c(name, attributes)`, `.t(text)`, `.up()`.
 */
export function build(
  name: string,
  attributes: { readonly xmlns: string } & Readonly<Record<string, string>>,
): Builder {
  return $build(name, { ...attributes });
}

/** Adds a copy of a real element below the current one and stays there. */
export function adopt(builder: Builder, element: Element): Builder {
  // Through text, so that every namespace it needs is an attribute strophe can see.
  return builder.cnode(parseFrame(serialise(element))).up();
}

/** The finished tree as one frame; characters illegal in XML become U+FFFD. */
export function frameOf(builder: Builder): string {
  return cleanText(builder.toString());
}

/** The finished tree as an element with real namespaces. */
export function elementOf(builder: Builder): Element {
  return parseFrame(frameOf(builder));
}
