// Learns the account of a stream from what the server says (I-37), never from what was typed (I-38). Pure.
import { bareJid, resourceOf, type BareJid, type FullJid } from '../jid';
import { childOf, childrenOf, textOf } from '../xml/element';
import { NS } from '../xml/ns';

/** The account as bound; `full` is absent where only the bare JID is known yet. */
export interface StreamAccount {
  readonly bare: BareJid;
  readonly full?: FullJid;
}

/** The account a JID names. */
export function accountOf(text: string): StreamAccount | undefined {
  const trimmed = text.trim();
  const bare = bareJid(trimmed);
  const resource = resourceOf(trimmed);
  if (bare === undefined || !bare.includes('@')) return undefined;
  if (resource === undefined) return { bare };
  return { bare, full: `${bare}/${resource}` as FullJid }; // bare part and resource were just checked
}

/** `<iq type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid/>` (RFC 6120 §7.6). */
function fromBindResult(stanza: Element): StreamAccount | undefined {
  const isResult = stanza.localName === 'iq' && stanza.getAttribute('type') === 'result';
  const bind = isResult ? childOf(stanza, 'bind', NS.bind) : undefined;
  const jid = bind && childOf(bind, 'jid', NS.bind);
  if (jid === undefined) return undefined;
  const account = accountOf(textOf(jid));
  const from = stanza.getAttribute('from');
  // Someone else's IQ with such a payload would otherwise name the account.
  const isOwnServer =
    from === null ||
    (account !== undefined && account.bare.endsWith(`@${from}`)) ||
    (account !== undefined && bareJid(from) === account.bare);
  return isOwnServer ? account : undefined;
}

/**
 * `<success xmlns='urn:xmpp:sasl:2'><authorization-identifier/><bound/>` (XEP-0388, XEP-0386). Without `<bound/>` a bind
 * result follows, and requests of ours before it would be answered by `not-authorized`.
 */
function fromSasl2(frame: Element): StreamAccount | undefined {
  if (frame.localName !== 'success' || frame.namespaceURI !== NS.sasl2) return undefined;
  if (childOf(frame, 'bound', NS.bind2) === undefined) return undefined;
  const [identifier] = childrenOf(frame, 'authorization-identifier', NS.sasl2);
  return identifier && accountOf(textOf(identifier));
}

/** The account a frame of the server tells, if any. */
export function accountIn(frame: Element): StreamAccount | undefined {
  return fromBindResult(frame) ?? fromSasl2(frame);
}
