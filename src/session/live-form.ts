// A message in the form in which a page takes it at any time: as it came, or as a carbon, with the time it came at. What an archive answered
// is taken only while the page waits for that answer. Pure; the stanza given is never changed.
import type { BareJid } from '../jid';
import { build, elementOf } from '../xml/build';
import { append, appendText, childOf, childrenOf, copyOf, removeElement } from '../xml/element';
import { NS } from '../xml/ns';
import type { UnwrappedMessage } from './unwrap';

/** `<delay xmlns='urn:xmpp:delay' from stamp/>` (XEP-0203 §2), unless the server said already when it was sent. `at` in ms since 1970. */
function stamp(parent: Element, at: number, own: BareJid): void {
  if (childOf(parent, 'delay', NS.delay) !== undefined) return;
  const delay = appendText(parent, 'delay', NS.delay, '');
  delay.setAttribute('from', own.slice(own.indexOf('@') + 1));
  delay.setAttribute('stamp', new Date(at).toISOString());
}

/** `<stanza-id xmlns='urn:xmpp:sid:0' by id/>` (XEP-0359): by it pages tell that they have a message. */
function identify(message: Element, id: string | null, own: BareJid): void {
  const isThere = childrenOf(message, 'stanza-id', NS.stanzaIds).some(
    (child) => child.getAttribute('by') === own,
  );
  if (isThere || id === null) return;
  const stanzaId = appendText(message, 'stanza-id', NS.stanzaIds, '');
  stanzaId.setAttribute('by', own);
  stanzaId.setAttribute('id', id);
}

/** `<message from='own'><sent xmlns='urn:xmpp:carbons:2'><forwarded><delay/><message/>…` (XEP-0280 §7.1) */
function sentCarbon(message: Element, at: number, own: BareJid): Element {
  const outer = elementOf(build('message', { xmlns: NS.client, from: own }));
  const to = message.getAttribute('from');
  if (to !== null) outer.setAttribute('to', to);
  const type = message.getAttribute('type');
  if (type !== null) outer.setAttribute('type', type);
  const sent = appendText(outer, 'sent', NS.carbons, '');
  const forwarded = appendText(sent, 'forwarded', NS.forward, '');
  stamp(forwarded, at, own);
  append(forwarded, message);
  return outer;
}

/** @param at when it came, in ms since 1970; of an archive's message the archive says when. */
export function liveForm(
  stanza: Element,
  unwrapped: UnwrappedMessage,
  own: BareJid,
  at: number,
): Element {
  const time = unwrapped.at ?? at;
  if (unwrapped.wrapper === 'live') {
    const copy = copyOf(stanza);
    stamp(copy, time, own);
    return copy;
  }
  const message = copyOf(unwrapped.message);
  if (unwrapped.wrapper === 'archive') {
    const [result] = childrenOf(stanza, 'result');
    identify(message, result?.getAttribute('id') ?? null, own);
    // The archive's word counts.
    childrenOf(message, 'delay', NS.delay).forEach(removeElement);
  }
  if (unwrapped.sender === own) return sentCarbon(message, time, own);
  stamp(message, time, own);
  return message;
}
