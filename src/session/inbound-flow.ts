// The way of a message from the server: unwrap, decrypt, restore. Whatever fails is shown as an explanation; the stream goes on.
import type { BareJid } from '../jid';
import type {
  Chore,
  ContentApi,
  DecryptOutcome,
  DecryptRequest,
  OmemoVersion,
} from '../rpc/vault-api';
import { LEGACY, OMEMO2, VERSIONS } from '../rpc/versions';
import type { FailureCode } from '../rpc/reasons';
import { childOf, childrenOf, serialise } from '../xml/element';
import { NS } from '../xml/ns';
import {
  chooseEncrypted,
  codecFor,
  findEncrypted,
  type FoundEncrypted,
  type MessageForUs,
} from './codec/codec';
import { openEnvelope } from './envelope';
import { StanzaError } from './errors';
import { bodyIn, contextOf, restoreContent } from './inbound-content';
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

const AS_IT_CAME: InboundResult = { chores: [] };
const SWALLOWED: InboundResult = { frames: [], chores: [] };

function read({ own, deviceId }: InboundTools, found: readonly FoundEncrypted[]): MessageForUs {
  return chooseEncrypted(found, { jid: own, deviceId });
}

function requestOf(
  { own, observations }: InboundTools,
  { sender, peer }: UnwrappedMessage,
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

/** What a stanza holds for us and what it says. */
interface Opened {
  readonly version: OmemoVersion;
  readonly outcome: DecryptOutcome;
}

const UNREADABLE: DecryptOutcome = { kind: 'failed', code: 'malformed', chores: [] };

async function openWith(
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

async function receiveEncrypted(
  tools: InboundTools,
  stanza: Element,
  unwrapped: UnwrappedMessage,
  found: readonly FoundEncrypted[] | 'several',
): Promise<InboundResult> {
  const { own } = tools;
  const { version, outcome } = await openWith(tools, unwrapped, found);
  const { chores } = outcome;
  let frame: string | undefined;
  if (outcome.kind === 'text' && version === OMEMO2) {
    const opened = openEnvelope(outcome.text, contextOf(unwrapped, own, Date.now()));
    frame = restoreContent(stanza, unwrapped, opened, outcome.trust, own);
  } else {
    frame = restore(stanza, unwrapped, outcome, own);
  }
  return { frames: frame === undefined ? [] : [frame], chores };
}

/** A bounced message of ours: the page gets its own text back with the error. */
async function receiveError(
  tools: InboundTools,
  stanza: Element,
  unwrapped: UnwrappedMessage,
): Promise<InboundResult> {
  const found = findEncrypted(unwrapped.message);
  if (found === 'several' || found.length === 0 || unwrapped.wrapper !== 'live') return AS_IT_CAME;
  const bounced: UnwrappedMessage = { ...unwrapped, sender: tools.own };
  const { version, outcome } = await openWith(tools, bounced, found);
  const text = outcome.kind === 'text' ? outcome.text : undefined;
  const isEnvelope = text !== undefined && version === OMEMO2;
  const body = isEnvelope ? bodyIn(text, contextOf(bounced, tools.own, Date.now())) : text;
  return { frames: [restoreError(stanza, body)], chores: [] };
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
  const found = findEncrypted(unwrapped.message);
  if (found === 'several' || found.length > 0) {
    return receiveEncrypted(tools, stanza, unwrapped, found);
  }
  return receivePlain(tools, stanza, unwrapped);
}

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
  const items = event && childOf(event, 'items', NS.pubsubEvent);
  const node = items?.getAttribute('node');
  const version = VERSIONS.find((each) => codecFor(each).listNode === node);
  if (items === undefined || version === undefined) return undefined;
  const item = childrenOf(items, 'item', NS.pubsubEvent).at(-1);
  const payload = item && childrenOf(item)[0];
  return { from: stanza.getAttribute('from') ?? own, version, payload };
}
