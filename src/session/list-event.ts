// Device lists that servers push (XEP-0163): told from other events by the node, of either version. Pure.
import type { BareJid } from '../jid';
import type { OmemoVersion } from '../rpc/vault-api';
import { VERSIONS } from '../rpc/versions';
import { childOf, childrenOf } from '../xml/element';
import { NS } from '../xml/ns';
import { codecFor } from './codec/codec';

/** A device list that somebody's server told of its own accord. */
export interface ListEvent {
  /** As in the stanza; our own account if there is none. */
  readonly from: string;
  readonly version: OmemoVersion;
  readonly payload: Element | undefined;
}

/** The device list in a PEP event (I-53), or undefined. */
export function listEventIn(stanza: Element, own: BareJid): ListEvent | undefined {
  const type = stanza.getAttribute('type');
  if (stanza.localName !== 'message' || (type !== 'headline' && type !== null)) return undefined;
  const event = childOf(stanza, 'event', NS.pubsubEvent);
  const [items] = ['items', 'delete', 'purge'].flatMap(
    (name) => (event && childOf(event, name, NS.pubsubEvent)) ?? [],
  );
  const node = items?.getAttribute('node');
  const version = VERSIONS.find((each) => codecFor(each).listNode === node);
  if (items === undefined || version === undefined) return undefined;
  const item = childrenOf(items, 'item', NS.pubsubEvent).at(-1);
  const payload = item && childrenOf(item)[0];
  return { from: stanza.getAttribute('from') ?? own, version, payload };
}
