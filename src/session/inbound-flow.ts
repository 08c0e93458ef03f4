// The way of a message from the server: unwrap, decrypt, restore. Whatever fails is shown as an explanation; the stream goes on.
import { MAX_REASON } from '../limits';
import { log } from '../log';
import type { Chore, Trust } from '../rpc/vault-api';
import { OMEMO2 } from '../rpc/versions';
import { childrenOf, serialise } from '../xml/element';
import { NS } from '../xml/ns';
import { findEncrypted, type FoundEncrypted } from './codec/codec';
import { openEnvelope, type OpenedEnvelope } from './envelope';
import { bodyIn, contextOf, restoreContent } from './inbound-content';
import { restore, restoreError, restorePlain } from './inbound';
import { isLockFailure, openWith, type InboundTools } from './inbound-open';
import { liveForm } from './live-form';
import { unwrap, type UnwrappedMessage } from './unwrap';
import { IN_LIMIT_MS } from './vault-client';

/** What becomes of a stanza: the frames for the page, none to swallow it; and what is to do afterwards. */
export interface InboundResult {
  /** undefined: as it came. */
  readonly frames?: readonly string[];
  readonly chores: readonly Chore[];
  /** The vault is locked: to be kept in this form; `frames` is for the case that it cannot be. */
  readonly kept?: Element;
}

const AS_IT_CAME: InboundResult = { chores: [] };
const SWALLOWED: InboundResult = { frames: [], chores: [] };

async function receiveEncrypted(
  tools: InboundTools,
  stanza: Element,
  unwrapped: UnwrappedMessage,
  found: readonly FoundEncrypted[] | 'several',
): Promise<InboundResult> {
  const { own } = tools;
  const { version, outcome } = await openWith(tools, unwrapped, found);
  const { chores } = outcome;
  if (isLockFailure(outcome)) {
    const instead = restore(stanza, unwrapped, outcome, own);
    const kept = liveForm(stanza, unwrapped, own, Date.now());
    return { frames: instead === undefined ? [] : [instead], chores, kept };
  }
  let frame: string | undefined;
  if (outcome.kind === 'text' && version === OMEMO2) {
    const context = contextOf(unwrapped, own, Date.now());
    const opened = openEnvelope(outcome.text, context);
    tellOptOut(tools, unwrapped, opened, outcome.trust, context.at);
    frame = restoreContent(stanza, unwrapped, opened, outcome.trust, own);
  } else {
    frame = restore(stanza, unwrapped, outcome, own);
  }
  return { frames: frame === undefined ? [] : [frame], chores };
}

/** Nothing leaves until the user has answered; what a distrusted device wants is not asked. */
function tellOptOut(
  { vault, own }: InboundTools,
  { sender, peer }: UnwrappedMessage,
  opened: OpenedEnvelope,
  trust: Trust,
  arrivedAt: number,
): void {
  if (opened.kind !== 'opt-out' || trust === 'distrusted' || sender !== peer) return;
  const at = 'at' in opened.time ? opened.time.at : arrivedAt;
  const reason = opened.reason.slice(0, MAX_REASON);
  vault
    ?.request('optedOut', { jid: own, peer, reason, at: Math.max(0, at) }, IN_LIMIT_MS)
    .catch(() => log('inbound', 'warn', 'opt-out'));
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
  // Nobody can tell now whether the chat is encrypted; the remark is true in any.
  let mark = tools.whyNoVault === 'locked';
  if (vault !== undefined) {
    const { peer, at } = unwrapped;
    const arg = { jid: own, peer, ...(at !== undefined && { at }) };
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
