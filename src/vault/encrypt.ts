// One message, many devices: every session it touches, the archive entry of our own text and the answer itself are one commit
// (design D5, D6). The same request gets the same bytes again.
import { toHex } from '../crypto/bytes';
import { sha256 } from '../crypto/kdf';
import type { BareJid } from '../jid';
import { sealEmpty, sealPayload } from '../omemo/payload';
import type { OmemoVersion } from '../omemo/types';
import { LEGACY, VERSIONS } from '../rpc/versions';
import type { BundleAddress, EncryptedMessage, EncryptOutcome } from '../rpc/vault-api';
import { archiveKey } from './archive';
import { lockOf, policyOf, savePeer, scopedKey, type Context, type Scope } from './context';
import { factsOf } from './device-facts';
import { deviceOf } from './devices';
import { encryptKeys, withoutUsedBundles, type EncryptJob } from './encrypt-keys';
import type { DeviceRecord, PeerRecord } from './records';
import { choose, loadRecipients, type Party, type Recipients } from './recipients';
import { hasSession } from './sessions';
import { isTooLarge } from './size';

/** A message of the page, in the form of each version. */
export interface OutgoingMessage {
  readonly peer: BareJid;
  /** Names the page's stanza: the same one gets the same bytes. */
  readonly requestId: string;
  /** What legacy encrypts. */
  readonly text: string;
  /** What OMEMO 2 encrypts: the envelope of XEP-0420. */
  readonly envelope: string;
}

function requestKey(scope: Scope, kind: string, peer: BareJid, requestId: string): string {
  const digest = sha256(new TextEncoder().encode(requestId));
  return scopedKey(scope, kind, peer, toHex(digest));
}

/** Encrypts a text in one version and stages what it says. */
async function encryptIn(job: EncryptJob, peer: BareJid, text: string): Promise<EncryptedMessage> {
  const { context, unit, scope, version } = job;
  const sealed = sealPayload(version, text, context.random);
  const message = await encryptKeys(job, sealed);
  const { iv, payload } = sealed;
  const ciphertext = { version, sender: scope.jid, payload, ...(iv !== undefined && { iv }) };
  unit.put('archive', archiveKey(scope, ciphertext), { v: 1, peer, text, at: context.now() });
  return message;
}

/** The messages of all versions that are needed, legacy first. */
async function encryptAll(
  job: Omit<EncryptJob, 'version'>,
  { peer, text, envelope }: OutgoingMessage,
): Promise<readonly EncryptedMessage[]> {
  const messages: EncryptedMessage[] = [];
  for (const version of VERSIONS) {
    const targets = job.targets.filter((target) => target.version === version);
    const plaintext = version === LEGACY ? text : envelope;
    if (targets.length > 0) {
      messages.push(await encryptIn({ ...job, version, targets }, peer, plaintext));
    }
  }
  return messages;
}

/** Encrypts a message of a chat. Answers `refused` when trust, devices or sessions do not allow it. */
export function encryptMessage(
  context: Context,
  scope: Scope,
  outgoing: OutgoingMessage,
): Promise<EncryptOutcome> {
  const { peer, requestId } = outgoing;
  const now = context.now();
  return context.transactions.run(lockOf(scope), async (unit): Promise<EncryptOutcome> => {
    const key = requestKey(scope, 'text', peer, requestId);
    const answered = await unit.get('requests', key);
    if (answered !== undefined) {
      return { kind: 'encrypted', messages: answered.messages, skipped: [] };
    }
    const recipients = await loadRecipients(unit, scope, peer);
    if (!recipients.account.isPublished) return { kind: 'refused', code: 'not-published' };
    const choice = choose(recipients, await policyOf(unit, scope.origin));
    if (choice.kind === 'held') return { kind: 'refused', code: choice.code };
    const { targets, skipped } = choice;
    if (isTooLarge(outgoing, targets)) return { kind: 'refused', code: 'too-large' };
    const [first, ...others] = await encryptAll(
      { context, unit, scope, recipients, targets },
      outgoing,
    );
    if (first === undefined) throw new TypeError('targets: want at least one');
    for (const { record, isOwn } of recipients.parties) {
      const kept = withoutUsedBundles(record, targets);
      const isPeer = record.peer === peer;
      const written: PeerRecord = { ...withoutRefusal(kept), isWrittenTo: true };
      if (isPeer)
        savePeer(unit, scope, { ...written, encryptedSince: written.encryptedSince ?? now });
      else if (isOwn && kept !== record) savePeer(unit, scope, kept);
    }
    const messages = [first, ...others] as const;
    unit.put('requests', key, { v: 2, messages, at: now });
    return { kind: 'encrypted', messages, skipped };
  });
}

function withoutRefusal(peer: PeerRecord): PeerRecord {
  const { refusal: _past, ...rest } = peer;
  return rest;
}

/** An empty message begins a session only where one is to be given up. */
function canReach(device: DeviceRecord, { sessions }: Party, version: OmemoVersion): boolean {
  const { isResetWanted, bundle } = factsOf(device, version);
  const canBegin = isResetWanted === true && bundle !== undefined;
  return canBegin || hasSession(device, sessions[version]);
}

/** Encrypts an empty message for one device, in the session with it or in the new one that is wanted (wire §5.3). */
export function encryptEmpty(
  context: Context,
  scope: Scope,
  address: BundleAddress,
  requestId: string,
): Promise<EncryptOutcome> {
  const { jid: peer, deviceId, version } = address;
  return context.transactions.run(lockOf(scope), async (unit): Promise<EncryptOutcome> => {
    const key = requestKey(scope, 'empty', peer, requestId);
    const answered = await unit.get('requests', key);
    if (answered !== undefined) {
      return { kind: 'encrypted', messages: answered.messages, skipped: [] };
    }
    const { account, parties } = await loadRecipients(unit, scope, peer);
    const party = parties.find(({ record }) => record.peer === peer);
    const device = party && deviceOf(party.record, deviceId);
    if (party === undefined || device === undefined || !canReach(device, party, version)) {
      return { kind: 'refused', code: 'bundles-unavailable' };
    }
    const recipients: Recipients = { account, parties: [party] };
    const targets = [{ party, device, version }];
    const job: EncryptJob = { context, unit, scope, recipients, version, targets };
    const messages = [await encryptKeys(job, sealEmpty(version, context.random))] as const;
    savePeer(unit, scope, withoutUsedBundles(party.record, targets));
    unit.put('requests', key, { v: 2, messages, at: context.now() });
    return { kind: 'encrypted', messages, skipped: [] };
  });
}
