// The way of an outgoing message with text: prepare, fetch what is missing, encrypt, compose. Any failure refuses.
import { MAX_STANZA_BYTES } from '../limits';
import type { BareJid } from '../jid';
import type { RefusalCode } from '../rpc/reasons';
import type { Devices } from './devices';
import { buildEnvelope } from './envelope-build';
import { composeOutbound, type ProtectPlan } from './outbound';
import { OUT_LIMIT_MS, refusalOf, type VaultClient } from './vault-client';

/** What becomes of a message. */
export type OutboundResult =
  | { readonly kind: 'send'; readonly frame: string }
  /** The user switched encryption off for this chat. */
  | { readonly kind: 'plain' }
  | { readonly kind: 'refused'; readonly code: RefusalCode };

/** Lists bring bundles, bundles bring answers; more rounds than this mean that nothing converges. */
const ROUNDS = 4;

/** What the flow works with. */
export interface OutboundTools {
  readonly vault: VaultClient;
  readonly devices: Devices;
  readonly jid: BareJid;
}

/** Is the chat one the user wants in clear. @throws VaultError */
export async function isPlainChat({ vault, jid }: OutboundTools, peer: BareJid): Promise<boolean> {
  return (await vault.request('prepare', { jid, peer }, OUT_LIMIT_MS)).kind === 'plain';
}

async function requestIdOf({ peer, id, text }: ProtectPlan): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0'));
  return `${peer}|${id.slice(0, 4096)}|${hex.join('')}`;
}

const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));

/** Encrypts what may leave now. */
async function encrypt({ vault, jid }: OutboundTools, plan: ProtectPlan): Promise<OutboundResult> {
  const { peer, text, content } = plan;
  const built = buildEnvelope({ content, from: jid, to: peer, at: Date.now() }, random);
  if (built.kind === 'too-large') return { kind: 'refused', code: 'too-large' };
  const requestId = await requestIdOf(plan);
  const arg = { jid, peer, requestId, text, envelope: built.xml };
  const outcome = await vault.request('encrypt', arg, OUT_LIMIT_MS);
  if (outcome.kind === 'refused') return outcome;
  const frame = composeOutbound(plan, outcome.messages);
  const isTooLarge = new TextEncoder().encode(frame).length > MAX_STANZA_BYTES;
  return isTooLarge ? { kind: 'refused', code: 'too-large' } : { kind: 'send', frame };
}

async function run(tools: OutboundTools, plan: ProtectPlan): Promise<OutboundResult> {
  const { vault, devices, jid } = tools;
  const { peer } = plan;
  for (let round = 0; round < ROUNDS; round++) {
    const preparation = await vault.request('prepare', { jid, peer }, OUT_LIMIT_MS);
    if (preparation.kind === 'plain') return { kind: 'plain' };
    if (preparation.kind === 'refused') return { kind: 'refused', code: preparation.code };
    if (preparation.kind === 'ready') return encrypt(tools, plan);
    await Promise.all([
      ...preparation.lists.map((address) => devices.fetchList(address)),
      ...preparation.bundles.map((address) => devices.fetchBundle(address)),
    ]);
  }
  return { kind: 'refused', code: 'bundles-unavailable' };
}

/** Encrypts a message of the page within the time a page waits; never throws. */
export async function sendProtected(
  tools: OutboundTools,
  plan: ProtectPlan,
): Promise<OutboundResult> {
  const tooLate = new Promise<OutboundResult>((resolve) =>
    setTimeout(() => resolve({ kind: 'refused', code: 'vault-unavailable' }), OUT_LIMIT_MS),
  );
  const running = run(tools, plan).catch((error: unknown): OutboundResult => ({
    kind: 'refused',
    code: refusalOf(error),
  }));
  return Promise.race([running, tooLate]);
}
