// Bare and full JIDs as branded strings (RFC 7622). Pure text: no stringprep tables are shipped, so only ASCII case is
// folded in the local and domain part; servers hand out JIDs in prepared form.

/** A JID without resource, prepared for comparison: `local@domain` or `domain`. */
export type BareJid = string & { readonly __brand: 'BareJid' };
/** A JID with resource. The resource is case-sensitive and may hold `/` and `@`. */
export type FullJid = string & { readonly __brand: 'FullJid' };

const MAX_PART = 1023;

function prepare(text: string): string | undefined {
  if (text.length === 0 || /[\s"&'/:<>\u0000-\u001f\u007f]/.test(text.replace(/^\[.*\]$/, '')))
    return undefined;
  return text.normalize('NFC').toLowerCase();
}

/**
 * Reads a bare JID out of a bare or full JID.
 * @returns the prepared bare JID, or undefined if the text is no JID.
 */
export function bareJid(text: string): BareJid | undefined {
  const slash = text.indexOf('/');
  const bare = (slash < 0 ? text : text.slice(0, slash)).trim();
  if (bare.length === 0 || bare.length > 2 * MAX_PART + 1) return undefined;
  const at = bare.indexOf('@');
  const local = at < 0 ? undefined : prepare(bare.slice(0, at));
  const domain = prepare(at < 0 ? bare : bare.slice(at + 1));
  if (domain === undefined || domain.includes('@') || (at >= 0 && local === undefined))
    return undefined;
  return (local === undefined ? domain : `${local}@${domain}`) as BareJid;
}

/** The resource of a JID, or undefined when it has none. */
export function resourceOf(text: string): string | undefined {
  const slash = text.indexOf('/');
  return slash < 0 || slash === text.length - 1 ? undefined : text.slice(slash + 1);
}

/** The domain part of a bare JID. */
export function domainOf(jid: BareJid): string {
  return jid.slice(jid.indexOf('@') + 1);
}
