// Pure looks at single stanzas that decide their way.
import { childOf, childrenOf } from '../xml/element';
import { NS, OMEMO_NAMESPACES } from '../xml/ns';

/** Does the page publish an OMEMO node of its own (design D15). */
export function publishesOmemo(iq: Element): boolean {
  const pubsub = iq.getAttribute('type') === 'set' ? childOf(iq, 'pubsub', NS.pubsub) : undefined;
  const publications = pubsub === undefined ? [] : childrenOf(pubsub, 'publish', NS.pubsub);
  return publications.some((publish) => {
    const node = publish.getAttribute('node') ?? '';
    return OMEMO_NAMESPACES.some(
      (ns) => node === ns || (/^[.:]/.test(node.slice(ns.length)) && node.startsWith(ns)),
    );
  });
}
