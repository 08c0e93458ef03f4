// The way of a message from the server: unwrap, decrypt, restore. Whatever fails is shown as an explanation; the stream goes on.
import type { BareJid } from '../jid';
import type { FailureCode } from '../rpc/reasons';
import type { Chore, ContentApi, DecryptOutcome, DecryptRequest } from '../rpc/vault-api';
import { childOf, childrenOf, serialise } from '../xml/element';
import { NS } from '../xml/ns';
import {
  chooseEncrypted,
  findEncrypted,
  type FoundEncrypted,
  type MessageForUs,
} from './codec/codec';
import { StanzaError } from './errors';
import { restore, restoreError, restorePlain } from './inbound';
import type { Observations } from './observe';
import { unwrap, type UnwrappedMessage } from './unwrap';
import { failureOf, IN_LIMIT_MS, type VaultClient } from './vault-client';

/** What becomes of a stanza: the frames for the page, none to swallow it; and what is to do afterwards. */
export interface InboundResult {
  /** undefined: as it came. */
  readonly frames?: readonly string[];
  readonly chores: readonly Chore[];
}

/** What the flow works with. `vault` is absent while the account is not granted, for the reason beside it. */
export interface InboundTools {
  readonly vault: VaultClient | undefined;
  readonly whyNoVault: FailureCode;
  readonly own: BareJid;
  readonly deviceId: number | undefined;
  readonly observations: Observations;
}

/** The version the vault decrypts. */
const VERSION: DecryptRequest['version'] = 'eu.siacs.conversations.axolotl';

const AS_IT_CAME: InboundResult = { chores: [] };
const SWALLOWED: InboundResult = { frames: [], chores: [] };

function encryptedIn(message: Element): readonly FoundEncrypted[] | 'several' {
  const found = findEncrypted(message);
  return found === 'several' ? found : found.filter(({ codec }) => codec.version === VERSION);
}

function read({ own, deviceId }: InboundTools, found: readonly FoundEncrypted[]): MessageForUs {
  return chooseEncrypted(found, { jid: own, deviceId });
}

function requestOf(
  { own, observations }: InboundTools,
  { sender, peer }: UnwrappedMessage,
  { message, keys }: MessageForUs,
): DecryptRequest {
  return {
    peer,
    sender,
    version: VERSION,
    senderDeviceId: message.senderDeviceId,
    // A hostile stanza may repeat our id for ever; more than a few colliding ids never happen.
    keys: keys.slice(0, 8),
    isContact: sender === own || observations.isContact(sender),
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
    return hasPayload
      ? { kind: 'failed', code: tools.whyNoVault, chores: [] }
      : { kind: 'empty', chores: [] };
  }
  const outcome = await decrypt(tools.vault, { jid: tools.own, request: request() });
  // An empty message says nothing, also when it cannot be read.
  const isSilent = outcome.kind === 'failed' && !hasPayload;
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

async function receiveEncrypted(
  tools: InboundTools,
  stanza: Element,
  unwrapped: UnwrappedMessage,
  found: readonly FoundEncrypted[] | 'several',
): Promise<InboundResult> {
  let outcome: DecryptOutcome = { kind: 'failed', code: 'malformed', chores: [] };
  if (found !== 'several') {
    try {
      const received = read(tools, found);
      const request = () => requestOf(tools, unwrapped, received);
      outcome = await ask(tools, request, received.message.payload !== undefined);
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error;
    }
  }
  const frame = restore(stanza, unwrapped, outcome, tools.own);
  return { frames: frame === undefined ? [] : [frame], chores: outcome.chores };
}

/** A bounced message of ours: the page gets its own text back with the error. */
async function receiveError(
  tools: InboundTools,
  stanza: Element,
  unwrapped: UnwrappedMessage,
): Promise<InboundResult> {
  const found = encryptedIn(unwrapped.message);
  if (found === 'several' || found.length === 0 || unwrapped.wrapper !== 'live') return AS_IT_CAME;
  let text: string | undefined;
  try {
    const received = read(tools, found);
    const bounced: UnwrappedMessage = { ...unwrapped, sender: tools.own };
    const outcome = await ask(tools, () => requestOf(tools, bounced, received), true);
    if (outcome.kind === 'text') ({ text } = outcome);
  } catch (error) {
    if (!(error instanceof StanzaError)) throw error;
  }
  return { frames: [restoreError(stanza, text)], chores: [] };
}

function hasText(message: Element): boolean {
  return childrenOf(message, undefined, NS.client).some(
    ({ localName }) => localName === 'body' || localName === 'subject',
  );
}

async function receivePlain(
  tools: InboundTools,
  stanza: Element,
  unwrapped: UnwrappedMessage,
): Promise<InboundResult> {
  const { vault, own } = tools;
  if (!hasText(unwrapped.message)) return AS_IT_CAME;
  let mark = false;
  if (vault !== undefined) {
    const arg = { jid: own, peer: unwrapped.peer, at: unwrapped.at ?? Date.now() };
    try {
      ({ mark } = await vault.request('plainSeen', arg, IN_LIMIT_MS));
    } catch {
      mark = true; // it is not encrypted: the remark is true in any chat
    }
  }
  const frame = restorePlain(stanza, unwrapped, mark);
  // Nothing changed: the page gets the server's own bytes (I-3).
  return frame === serialise(stanza) ? AS_IT_CAME : { frames: [frame], chores: [] };
}

/** Says what the page gets for a message stanza of the server. */
export async function receiveMessage(tools: InboundTools, stanza: Element): Promise<InboundResult> {
  const { own, observations } = tools;
  const unwrapped = unwrap(stanza, {
    own,
    isOpenQuery: (queryId, from) => observations.isOpenQuery(queryId, from, own),
  });
  if (unwrapped.kind === 'forged') return SWALLOWED;
  if (unwrapped.kind === 'other') return AS_IT_CAME;
  if (unwrapped.message.getAttribute('type') === 'error') {
    return receiveError(tools, stanza, unwrapped);
  }
  const found = encryptedIn(unwrapped.message);
  if (found === 'several' || found.length > 0) {
    return receiveEncrypted(tools, stanza, unwrapped, found);
  }
  return receivePlain(tools, stanza, unwrapped);
}

/** The device list in a PEP event of a bare JID (I-53), or undefined. */
export function listEventIn(
  stanza: Element,
  own: BareJid,
  listNode: string,
): { readonly from: string; readonly payload: Element | undefined } | undefined {
  const type = stanza.getAttribute('type');
  if (stanza.localName !== 'message' || (type !== 'headline' && type !== null)) return undefined;
  const event = childOf(stanza, 'event', NS.pubsubEvent);
  const items = event && childOf(event, 'items', NS.pubsubEvent);
  if (items?.getAttribute('node') !== listNode) return undefined;
  const item = childrenOf(items, 'item', NS.pubsubEvent).at(-1);
  const payload = item && childrenOf(item)[0];
  return { from: stanza.getAttribute('from') ?? own, payload };
}
