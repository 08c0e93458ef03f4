// Archive first, then ratchet; session, used prekey, trust and archive entry are one commit (design D5, D6). Whatever fails
// leaves every stored state as it was, except that a changed key raises its alarm.
import type { BareJid } from '../jid';
import { OmemoError, type OmemoErrorCode } from '../omemo/errors';
import { openPayload } from '../omemo/payload';
import { dropSpentPrekeys, spendOneTimePrekey } from '../omemo/prekeys';
import { decryptKeyMaterial, readIdentityKey } from '../omemo/ratchet-session';
import type { DeviceSessions, OmemoVersion } from '../omemo/types';
import { VERSIONS } from '../rpc/versions';
import type { FailureCode } from '../rpc/reasons';
import type {
  BundleAddress,
  Chore,
  DecryptOutcome,
  DecryptRequest,
  WireKey,
} from '../rpc/vault-api';
import { wantsAnswer, withAnswer } from './answers';
import { archiveKey, type Ciphertext } from './archive';
import { claimed, withAlarm, type Sender } from './claim';
import {
  loadAccount,
  loadPeer,
  lockOf,
  policyOf,
  savePeer,
  scopedKey,
  type Context,
  type Scope,
} from './context';
import { factsOf } from './device-facts';
import { deviceOf, withIdentityKey, withWriting } from './devices';
import {
  ASKED_AGAIN_MS,
  MAX_DEVICES,
  MAX_SKIPPED_KEYS,
  MAX_STRANGER_DEVICES,
  MAX_STRANGER_SKIPPED_KEYS,
} from '../limits';
import type { AccountRecord, ArchiveRecord, PeerRecord } from './records';
import { withRepair, withoutReset } from './repair';
import { keptSince } from './retention';
import { loadSessions, sessionsKey, type SessionsByVersion } from './sessions';
import { withinSkipped } from './skipped';
import { noteSender, withoutSurplus } from './strangers';
import type { Unit } from './transaction';
import { trustOf } from './trust';

const FAILURE_OF: Readonly<Record<OmemoErrorCode, FailureCode>> = {
  malformed: 'malformed',
  'bad-key': 'malformed',
  'bad-signature': 'malformed',
  'no-prekeys': 'malformed',
  'no-session': 'no-session',
  'unknown-prekey': 'unknown-prekey',
  'bad-mac': 'bad-mac',
  duplicate: 'duplicate',
  'too-far': 'too-far',
};

function failed(code: FailureCode, chores: readonly Chore[] = []): DecryptOutcome {
  return { kind: 'failed', code, chores };
}

function ciphertextOf(request: DecryptRequest, key: Uint8Array | undefined): Ciphertext {
  const { version, sender, iv, payload } = request;
  return {
    version,
    sender,
    ...(key !== undefined && { key }),
    ...(iv !== undefined && { iv }),
    ...(payload !== undefined && { payload }),
  };
}

async function fromArchive(
  unit: Unit,
  scope: Scope,
  found: ArchiveRecord,
  request: DecryptRequest,
  sender: PeerRecord,
  now: number,
): Promise<DecryptOutcome> {
  // A server can replay an old ciphertext in another chat; the text must not appear there.
  if (found.peer !== request.peer) return failed('wrong-chat');
  // The worker may have died between the commit and its answer.
  const isAskedAgain = now - found.at < ASKED_AGAIN_MS;
  const chores = isAskedAgain ? (found.chores ?? []) : [];
  if (found.text === undefined) return { kind: 'empty', chores };
  // It may lie there until it is looked for.
  if (found.at < (await keptSince(unit, scope, found.peer, now))) return failed('forgotten');
  const trust = found.identityKey === undefined ? 'verified' : trustOf(sender, found.identityKey);
  return { kind: 'text', text: found.text, trust, chores };
}

/** Was the message sent before what is kept of its chat. */
async function isForgotten(
  unit: Unit,
  scope: Scope,
  { peer, at }: DecryptRequest,
  now: number,
): Promise<boolean> {
  return at !== undefined && at < (await keptSince(unit, scope, peer, now));
}

/** Answers a message delivered on a granted stream. */
export function decrypt(
  context: Context,
  scope: Scope,
  request: DecryptRequest,
): Promise<DecryptOutcome> {
  return context.transactions.run(lockOf(scope), async (unit) => {
    const account = await loadAccount(unit, scope);
    const sender = await loadPeer(unit, scope, request.sender);
    const isOwnDevice = request.sender === scope.jid && request.senderDeviceId === account.deviceId;
    // OMEMO 2 names the owner of a device, legacy does not.
    const keys = request.keys.filter(
      ({ jid = scope.jid, deviceId }) => jid === scope.jid && deviceId === account.deviceId,
    );
    const candidates = isOwnDevice ? [undefined] : keys.map(({ bytes }) => bytes);
    for (const key of candidates) {
      const found = await unit.get('archive', archiveKey(scope, ciphertextOf(request, key)));
      if (found !== undefined)
        return fromArchive(unit, scope, found, request, sender, context.now());
    }
    if (isOwnDevice) {
      const isPast = await isForgotten(unit, scope, request, context.now());
      return failed(isPast ? 'forgotten' : 'own-unknown');
    }
    if (keys.length === 0) return failed('not-for-this-device');
    return open({ context, unit, scope, account, sender, request, keys });
  });
}

interface Job {
  readonly context: Context;
  readonly unit: Unit;
  readonly scope: Scope;
  readonly account: AccountRecord;
  readonly sender: PeerRecord;
  readonly request: DecryptRequest;
  readonly keys: readonly WireKey[];
}

/** Tries every key addressed to us; clients without prekey flag or with colliding ids send several. */
async function open(job: Job): Promise<DecryptOutcome> {
  const { unit, scope, request } = job;
  const { version, senderDeviceId } = request;
  const sessions = await loadSessions(unit, scope, request.sender);
  const known: Sender = { record: job.sender, sessions };
  let failure: OmemoErrorCode = 'no-session';
  for (const { bytes } of job.keys) {
    try {
      const identityKey = readIdentityKey(version, bytes);
      const { record, sessions } = claimed(known, senderDeviceId, identityKey);
      const alarmed = withAlarm(record, senderDeviceId, identityKey, job.context.now());
      if (alarmed !== undefined) {
        savePeer(unit, scope, alarmed);
        return failed('key-changed');
      }
      const opened = await openKey(job, sessions[version].devices[senderDeviceId], bytes);
      const after = withSessions(sessions, version, senderDeviceId, opened.sessions);
      return await commit({ ...job, sender: record }, opened, bytes, {
        before: known.sessions,
        after,
      });
    } catch (error) {
      if (!(error instanceof OmemoError)) throw error;
      failure = error.code;
    }
  }
  return unopened(job, failure);
}

function withSessions(
  sessions: SessionsByVersion,
  version: OmemoVersion,
  deviceId: number,
  opened: DeviceSessions,
): SessionsByVersion {
  const stored = sessions[version];
  const devices = { ...stored.devices, [deviceId]: opened };
  return { ...sessions, [version]: { ...stored, devices } };
}

/** Nothing opened it. Someone we talk to gets a new session, so that what follows can be read (design D13). */
async function unopened(job: Job, code: OmemoErrorCode): Promise<DecryptOutcome> {
  const { context, unit, scope, request, sender } = job;
  // Read once and gone since, as far as anybody can say: a new session would not bring it back.
  if (await isForgotten(unit, scope, request, context.now())) return failed('forgotten');
  const { senderDeviceId, version } = request;
  const repaired = isKnown(job, sender)
    ? withRepair(sender, senderDeviceId, version, code, context.now())
    : undefined;
  if (repaired === undefined) return failed(FAILURE_OF[code], listChore(job));
  savePeer(unit, scope, repaired);
  return failed(FAILURE_OF[code], [{ kind: 'reset-session', ...addressOf(request) }]);
}

interface OpenedKey {
  readonly sessions: DeviceSessions;
  readonly text?: string;
  readonly identityKey: Uint8Array;
  readonly isKeyExchange: boolean;
  readonly isNewSession: boolean;
  readonly usedOneTimePrekeyId?: number;
  readonly needsHeartbeat: boolean;
}

/** Key and payload both open, or nothing counts. @throws OmemoError */
async function openKey(
  job: Job,
  known: DeviceSessions | undefined,
  bytes: Uint8Array,
): Promise<OpenedKey> {
  const { request, account, context } = job;
  const { version, iv, payload } = request;
  const { keyMaterial, remoteIdentityKey, ...result } = await decryptKeyMaterial({
    version,
    sessions: known ?? { archived: [] },
    identity: account.identity,
    prekeys: account.prekeys[version],
    bytes,
    random: context.random,
  });
  if (payload === undefined) return { ...result, identityKey: remoteIdentityKey };
  const sealed = { keyMaterial, payload, ...(iv !== undefined && { iv }) };
  return { ...result, text: openPayload(version, sealed), identityKey: remoteIdentityKey };
}

/** The account after a key exchange used a one-time prekey. */
function withSpentPrekey(
  account: AccountRecord,
  version: OmemoVersion,
  id: number,
  now: number,
): AccountRecord {
  const store = account.prekeys[version];
  if (store === undefined) return account;
  const spent = spendOneTimePrekey(dropSpentPrekeys(store, now), id, now);
  return { ...account, prekeys: { ...account.prekeys, [version]: spent } };
}

async function commit(
  job: Job,
  opened: OpenedKey,
  key: Uint8Array,
  sessions: { readonly before: SessionsByVersion; readonly after: SessionsByVersion },
): Promise<DecryptOutcome> {
  const { context, unit, scope, account, request } = job;
  const now = context.now();
  const policy = await policyOf(unit, scope.origin);
  const { senderDeviceId, version } = request;
  const seen = withIdentityKey(job.sender, senderDeviceId, opened.identityKey, policy, now);
  // An archived session with the device's former key still opens its late messages; the alarm stays the user's.
  const known = seen.isChanged ? job.sender : seen.peer;
  const settled = opened.isNewSession ? withoutReset(known, senderDeviceId, version) : known;
  const writing =
    opened.text === undefined ? settled : withWriting(settled, senderDeviceId, version);
  const isStranger = !isKnown(job, writing);
  // Strangers get none (design D13).
  const isAnswered = !isStranger && wantsAnswer(writing, senderDeviceId, version, opened, now);
  const kept = withoutSurplus(
    {
      record: isAnswered ? withAnswer(writing, senderDeviceId, version, now) : writing,
      sessions: sessions.after,
    },
    senderDeviceId,
    isStranger ? MAX_STRANGER_DEVICES : MAX_DEVICES,
  );
  const sender = kept.record;
  const mostSkipped = isStranger ? MAX_STRANGER_SKIPPED_KEYS : MAX_SKIPPED_KEYS;
  const changed = VERSIONS.filter((each) => kept.sessions[each] !== sessions.before[each]);
  for (const each of changed) {
    const stored = withinSkipped(kept.sessions[each], sender, senderDeviceId, mostSkipped);
    unit.put('sessions', sessionsKey(scope, each, request.sender), stored);
  }
  await noteSender(unit, scope, request.sender, isStranger);
  if (opened.usedOneTimePrekeyId !== undefined) {
    const spent = withSpentPrekey(account, version, opened.usedOneTimePrekeyId, now);
    unit.put('accounts', scopedKey(scope), spent);
  }
  const chores = choresOf(job, opened, isAnswered);
  unit.put('archive', archiveKey(scope, ciphertextOf(request, key)), {
    v: 1,
    peer: request.peer,
    ...(opened.text !== undefined && { text: opened.text }),
    identityKey: opened.identityKey,
    at: now,
    ...(chores.length > 0 && { chores }),
  });
  savePeer(unit, scope, sender);
  if (opened.text !== undefined) await markEncrypted(unit, scope, request.peer, now);
  if (opened.text === undefined) return { kind: 'empty', chores };
  return { kind: 'text', text: opened.text, trust: trustOf(sender, opened.identityKey), chores };
}

async function markEncrypted(unit: Unit, scope: Scope, peer: BareJid, now: number): Promise<void> {
  const record = await loadPeer(unit, scope, peer);
  if (record.encryptedSince === undefined)
    savePeer(unit, scope, { ...record, encryptedSince: now });
}

function addressOf({
  sender: jid,
  senderDeviceId: deviceId,
  version,
}: DecryptRequest): BundleAddress {
  return { jid, deviceId, version };
}

function listChore({ request, sender }: Job): Chore[] {
  const { sender: jid, senderDeviceId, version } = request;
  const device = deviceOf(sender, senderDeviceId);
  const isListed = device !== undefined && factsOf(device, version).isActive;
  return isListed ? [] : [{ kind: 'refresh-list', jid, version }];
}

/** Strangers learn nothing from us, not even that we are here. */
function isKnown({ request, scope }: Job, sender: PeerRecord): boolean {
  return request.isContact || sender.isWrittenTo || request.sender === scope.jid;
}

/** A key exchange used up a prekey and wants an answer. */
function choresOf(job: Job, opened: OpenedKey, isAnswered: boolean): Chore[] {
  const { request } = job;
  return [
    ...listChore(job),
    ...(opened.isNewSession ? [{ kind: 'publish-bundle', version: request.version } as const] : []),
    ...(isAnswered ? [{ kind: 'send-empty', ...addressOf(request) } as const] : []),
  ];
}
