// What of a stanza can be opened: chooses among its ciphertexts and asks the vault.
import type { BareJid } from '../jid';
import type { FailureCode } from '../rpc/reasons';
import type { ContentApi, DecryptOutcome, DecryptRequest, OmemoVersion } from '../rpc/vault-api';
import { LEGACY } from '../rpc/versions';
import { chooseEncrypted, type FoundEncrypted, type MessageForUs } from './codec/codec';
import { StanzaError } from './errors';
import type { Observations } from './observe';
import type { UnwrappedMessage } from './unwrap';
import { failureOf, IN_LIMIT_MS, type VaultClient } from './vault-client';

/** What the flow works with. `vault` is absent while the account is not granted, for the reason beside it. */
export interface InboundTools {
  readonly vault: VaultClient | undefined;
  readonly whyNoVault: FailureCode;
  readonly own: BareJid;
  readonly deviceId: number | undefined;
  readonly observations: Observations;
}

/** Does the failure end with the lock: then nothing is lost yet. */
export function isLockFailure(outcome: DecryptOutcome): boolean {
  return outcome.kind === 'failed' && outcome.code === 'locked';
}

function read({ own, deviceId }: InboundTools, found: readonly FoundEncrypted[]): MessageForUs {
  return chooseEncrypted(found, { jid: own, deviceId });
}

function requestOf(
  { own, observations }: InboundTools,
  { sender, peer, at }: UnwrappedMessage,
  { codec, message, keys }: MessageForUs,
): DecryptRequest {
  return {
    peer,
    sender,
    version: codec.version,
    senderDeviceId: message.senderDeviceId,
    // A hostile stanza may repeat our id for ever; more than a few colliding ids never happen.
    keys: keys.slice(0, 8),
    isContact: sender === own || observations.isContact(sender),
    ...(at !== undefined && at >= 0 && { at }),
    ...(message.iv !== undefined && { iv: message.iv }),
    ...(message.payload !== undefined && { payload: message.payload }),
  };
}

async function ask(
  tools: InboundTools,
  request: () => DecryptRequest,
  hasPayload: boolean,
): Promise<DecryptOutcome> {
  if (tools.vault === undefined) {
    return hasPayload || tools.whyNoVault === 'locked'
      ? { kind: 'failed', code: tools.whyNoVault, chores: [] }
      : { kind: 'empty', chores: [] };
  }
  const outcome = await decrypt(tools.vault, { jid: tools.own, request: request() });
  // An empty message says nothing, also when it cannot be read.
  const isSilent = outcome.kind === 'failed' && !hasPayload && !isLockFailure(outcome);
  return isSilent ? { kind: 'empty', chores: outcome.chores } : outcome;
}

async function decrypt(
  vault: VaultClient,
  arg: ContentApi['decrypt']['arg'],
): Promise<DecryptOutcome> {
  try {
    return await vault.request('decrypt', arg, IN_LIMIT_MS);
  } catch (error) {
    return { kind: 'failed', code: failureOf(error), chores: [] };
  }
}

/** What a stanza holds for us and what it says. */
export interface Opened {
  readonly version: OmemoVersion;
  readonly outcome: DecryptOutcome;
}

const UNREADABLE: DecryptOutcome = { kind: 'failed', code: 'malformed', chores: [] };

/** Asks the vault for what a stanza holds for us. Never throws for what is in the stanza. */
export async function openWith(
  tools: InboundTools,
  unwrapped: UnwrappedMessage,
  found: readonly FoundEncrypted[] | 'several',
): Promise<Opened> {
  if (found === 'several') return { version: LEGACY, outcome: UNREADABLE };
  try {
    const received = read(tools, found);
    const request = () => requestOf(tools, unwrapped, received);
    const outcome = await ask(tools, request, received.message.payload !== undefined);
    return { version: received.codec.version, outcome };
  } catch (error) {
    if (!(error instanceof StanzaError)) throw error;
    return { version: LEGACY, outcome: UNREADABLE };
  }
}
