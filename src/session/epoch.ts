// Counts a log-in on the account's own server (M73), before anything of ours is sent in its stream: the vault finds by it that its
// profile was put back, or that there is another copy of it. What the item says is the vault's alone.
import type { BareJid } from '../jid';
import { log } from '../log';
import type { Fetched } from '../rpc/vault-api';
import { build, elementOf } from '../xml/build';
import { textOf } from '../xml/element';
import { fromBase64, toBase64 } from './codec/base64';
import { StanzaError } from './errors';
import type { OwnIqs } from './iq';
import { fetchItem, publishPrivate } from './pep';
import type { VaultClient } from './vault-client';

/** `<x xmlns='urn:uuid:…'>base64</x>`; anything else is as good as none. */
function bytesIn(found: Fetched<Element>): Fetched<Uint8Array> {
  if (found.kind !== 'present') return found;
  try {
    return { kind: 'present', value: fromBase64(textOf(found.value).trim()) };
  } catch (error) {
    if (error instanceof StanzaError) return { kind: 'absent' };
    throw error;
  }
}

/**
 * Ends when the vault has compared and the server has the new count, or when that failed: then the stream goes on without.
 * @returns the node it lies in, if one is known.
 */
export async function countLogin(
  iqs: OwnIqs,
  vault: VaultClient,
  jid: BareJid,
): Promise<string | undefined> {
  try {
    const { node } = await vault.request('epochNode', { jid });
    const found = bytesIn(await fetchItem(iqs, undefined, node));
    const { item } = await vault.request('countLogin', { jid, found });
    const payload = elementOf(build('x', { xmlns: node }).t(toBase64(item)));
    if (!(await publishPrivate(iqs, node, payload)) && !iqs.isClosed)
      log('publish', 'warn', 'epoch-not-stored');
    return node;
  } catch {
    if (!iqs.isClosed) log('publish', 'warn', 'epoch');
    return undefined;
  }
}
