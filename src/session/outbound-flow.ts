// The way of an outgoing message with text: prepare, fetch what is missing, encrypt, compose. Any failure refuses.
import type { BareJid } from '../jid';
import type { RefusalCode } from '../rpc/reasons';
import type { Devices } from './devices';
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

async function run(tools: OutboundTools, plan: ProtectPlan): Promise<OutboundResult> {
  const { vault, devices, jid } = tools;
  const { peer, text } = plan;
  for (let round = 0; round < ROUNDS; round++) {
    const preparation = await vault.request('prepare', { jid, peer }, OUT_LIMIT_MS);
    if (preparation.kind === 'plain') return { kind: 'plain' };
    if (preparation.kind === 'refused') return { kind: 'refused', code: preparation.code };
    if (preparation.kind === 'ready') {
      const requestId = await requestIdOf(plan);
      const outcome = await vault.request('encrypt', { jid, peer, requestId, text }, OUT_LIMIT_MS);
      if (outcome.kind === 'refused') return outcome;
      return { kind: 'send', frame: composeOutbound(plan, outcome.message) };
    }
    await Promise.all([
      ...preparation.lists.map((owner) => devices.fetchList(owner)),
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
