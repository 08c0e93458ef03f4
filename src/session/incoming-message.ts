// What becomes of a message from the server on a stream whose account is known, whether it comes now or was kept.
import type { AccountLink } from './account-link';
import { receiveMessage, type InboundResult } from './inbound-flow';
import type { VaultClient } from './vault-client';

/** Is the stream's traffic none of ours: the user or the page said so, or the page has not shown yet what it does. */
export function isLeftAlone(link: AccountLink): boolean {
  return link.account === undefined || link.isOutOfIt() || link.isExpecting();
}

/** Why nothing can be opened without asking the vault. */
function whyNoVault(link: AccountLink) {
  if (link.isLocked()) return 'locked';
  return link.isAnswered() ? 'account-pending' : 'vault-unavailable';
}

/** Opens a message. */
export async function openMessage(
  { link, vault }: { readonly link: AccountLink; readonly vault: VaultClient },
  stanza: Element,
): Promise<InboundResult> {
  const { account, deviceId, observations } = link;
  if (account === undefined || isLeftAlone(link)) return { chores: [] };
  const isAsked = deviceId !== undefined && !link.isLocked();
  return receiveMessage(
    {
      vault: isAsked ? vault : undefined,
      whyNoVault: whyNoVault(link),
      own: account.bare,
      deviceId,
      observations,
    },
    stanza,
  );
}
