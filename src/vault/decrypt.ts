// Archive first, then ratchet; session, used prekey, trust and archive entry are one commit (design D5, D6). Whatever fails
// leaves every stored state as it was, except that a changed key raises its alarm.
import { equalBytes } from '../crypto/bytes';
import type { BareJid } from '../jid';
import { OmemoError, type OmemoErrorCode } from '../omemo/errors';
import { MAX_ARCHIVED_SESSIONS } from '../omemo/limits';
import { openPayload } from '../omemo/payload';
import { dropSpentPrekeys, spendOneTimePrekey } from '../omemo/prekeys';
import { decryptKeyMaterial, readIdentityKey } from '../omemo/ratchet-session';
import type { DeviceSessions } from '../omemo/types';
import type { FailureCode } from '../rpc/reasons';
import type { Chore, DecryptOutcome, DecryptRequest, WireKey } from '../rpc/vault-api';
import { archiveKey, type Ciphertext } from './archive';
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
import { deviceOf, withIdentityKey } from './devices';
import type { AccountRecord, ArchiveRecord, PeerRecord, SessionsRecord } from './records';
import { loadSessions, sessionsKey } from './recipients';
import { withRepair, withoutReset } from './repair';
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

function fromArchive(
  found: ArchiveRecord,
  request: DecryptRequest,
  sender: PeerRecord,
): DecryptOutcome {
  // A server can replay an old ciphertext in another chat; the text must not appear there.
  if (found.peer !== request.peer) return failed('wrong-chat');
  if (found.text === undefined) return { kind: 'empty', chores: [] };
  const trust = found.identityKey === undefined ? 'verified' : trustOf(sender, found.identityKey);
  return { kind: 'text', text: found.text, trust, chores: [] };
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
    const keys = request.keys.filter(({ deviceId }) => deviceId === account.deviceId);
    const candidates = isOwnDevice ? [undefined] : keys.map(({ bytes }) => bytes);
    for (const key of candidates) {
      const found = await unit.get('archive', archiveKey(scope, ciphertextOf(request, key)));
      if (found !== undefined) return fromArchive(found, request, sender);
    }
    if (isOwnDevice) return failed('own-unknown');
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
  const stored = await loadSessions(unit, scope, request.sender);
  let failure: OmemoErrorCode = 'no-session';
  for (const { bytes } of job.keys) {
    try {
      const { sender, sessions } = claimed(job, stored, bytes);
      const changed = changedKeyIn(job, sender, bytes);
      if (changed !== undefined) {
        savePeer(unit, scope, changed);
        return failed('key-changed');
      }
      const known = sessions.devices[request.senderDeviceId] ?? { archived: [] };
      const opened = openKey(job, known, bytes);
      const devices = { ...sessions.devices, [request.senderDeviceId]: opened.sessions };
      return await commit({ ...job, sender }, opened, bytes, () =>
        unit.put('sessions', sessionsKey(scope, request.sender), { ...sessions, devices }),
      );
    } catch (error) {
      if (!(error instanceof OmemoError)) throw error;
      failure = error.code;
    }
  }
  return unopened(job, failure);
}

/** Nothing opened it. Someone we talk to gets a new session, so that what follows can be read (design D13). */
function unopened(job: Job, code: OmemoErrorCode): DecryptOutcome {
  const { context, unit, scope, request, sender } = job;
  const { senderDeviceId } = request;
  const repaired = isKnown(job, sender)
    ? withRepair(sender, senderDeviceId, code, context.now())
    : undefined;
  if (repaired === undefined) return failed(FAILURE_OF[code], listChore(job));
  savePeer(unit, scope, repaired);
  return failed(FAILURE_OF[code], [
    { kind: 'reset-session', jid: request.sender, deviceId: senderDeviceId },
  ]);
}

/**
 * The device id of a legacy sender is not authenticated: a server can change it. A key exchange under another id than the
 * listed one its key belongs to is refused; a key so far seen only under an unlisted id is given to the id it now comes
 * with, sessions and all, so that the genuine message opens after the changed one.
 * @throws OmemoError `malformed`.
 */
function claimed(
  { request, sender }: Job,
  sessions: SessionsRecord,
  bytes: Uint8Array,
): { readonly sender: PeerRecord; readonly sessions: SessionsRecord } {
  const { version, senderDeviceId } = request;
  const identityKey = readIdentityKey(version, bytes);
  const holder = sender.devices.find(
    (device) =>
      device.deviceId !== senderDeviceId &&
      identityKey !== undefined &&
      device.identityKey !== undefined &&
      equalBytes(device.identityKey, identityKey),
  );
  if (holder === undefined) return { sender, sessions };
  if (holder.isActive) throw new OmemoError('malformed');
  const { [holder.deviceId]: moved, ...rest } = sessions.devices;
  const devices =
    moved === undefined ? rest : { ...rest, [senderDeviceId]: joined(rest[senderDeviceId], moved) };
  const others = sender.devices.filter((device) => device !== holder);
  return { sender: { ...sender, devices: others }, sessions: { ...sessions, devices } };
}

/** What was under another id joins the sessions of a device; the one we send with stays. */
function joined(present: DeviceSessions | undefined, moved: DeviceSessions): DeviceSessions {
  const [current, ...archived] = [present, moved].flatMap((sessions) =>
    sessions?.current === undefined ? [] : [sessions.current],
  );
  return {
    ...(current !== undefined && { current }),
    archived: [...archived, ...(present?.archived ?? []), ...moved.archived].slice(
      0,
      MAX_ARCHIVED_SESSIONS,
    ),
  };
}

/** The sender's record with the alarm raised, if a key exchange brings another key than the device is known with. */
function changedKeyIn(job: Job, sender: PeerRecord, bytes: Uint8Array): PeerRecord | undefined {
  const { request, context } = job;
  const offered = readIdentityKey(request.version, bytes);
  const known = deviceOf(sender, request.senderDeviceId)?.identityKey;
  if (offered === undefined || known === undefined || equalBytes(offered, known)) return undefined;
  // Trust does not matter here: an alarm adds no key.
  return withIdentityKey(sender, request.senderDeviceId, offered, 'ask', context.now()).peer;
}

interface OpenedKey {
  readonly sessions: DeviceSessions;
  readonly text?: string;
  readonly identityKey: Uint8Array;
  readonly isNewSession: boolean;
  readonly usedOneTimePrekeyId?: number;
  readonly needsHeartbeat: boolean;
}

/** Key and payload both open, or nothing counts. @throws OmemoError */
function openKey(job: Job, known: DeviceSessions, bytes: Uint8Array): OpenedKey {
  const { request, account, context } = job;
  const { keyMaterial, remoteIdentityKey, ...result } = decryptKeyMaterial({
    version: request.version,
    sessions: known,
    identity: account.identity,
    prekeys: account.prekeys,
    bytes,
    random: context.random,
  });
  const { iv, payload } = request;
  if (payload === undefined) return { ...result, identityKey: remoteIdentityKey };
  if (iv === undefined) throw new OmemoError('malformed');
  const text = openPayload(request.version, { keyMaterial, iv, payload });
  return { ...result, text, identityKey: remoteIdentityKey };
}

async function commit(
  job: Job,
  opened: OpenedKey,
  key: Uint8Array,
  putSessions: () => void,
): Promise<DecryptOutcome> {
  const { context, unit, scope, account, request } = job;
  const now = context.now();
  const policy = await policyOf(unit, scope.origin);
  const { senderDeviceId } = request;
  const seen = withIdentityKey(job.sender, senderDeviceId, opened.identityKey, policy, now);
  // An archived session with the device's former key still opens its late messages; the alarm stays the user's.
  const known = seen.isChanged ? job.sender : seen.peer;
  const sender = opened.isNewSession ? withoutReset(known, senderDeviceId) : known;
  putSessions();
  if (opened.usedOneTimePrekeyId !== undefined) {
    const kept = dropSpentPrekeys(account.prekeys, now);
    const prekeys = spendOneTimePrekey(kept, opened.usedOneTimePrekeyId, now);
    unit.put('accounts', scopedKey(scope), { ...account, prekeys });
  }
  unit.put('archive', archiveKey(scope, ciphertextOf(request, key)), {
    v: 1,
    peer: request.peer,
    ...(opened.text !== undefined && { text: opened.text }),
    identityKey: opened.identityKey,
    at: now,
  });
  savePeer(unit, scope, sender);
  if (opened.text !== undefined) await markEncrypted(unit, scope, request.peer, now);
  const chores = choresOf(job, opened, sender);
  if (opened.text === undefined) return { kind: 'empty', chores };
  return { kind: 'text', text: opened.text, trust: trustOf(sender, opened.identityKey), chores };
}

async function markEncrypted(unit: Unit, scope: Scope, peer: BareJid, now: number): Promise<void> {
  const record = await loadPeer(unit, scope, peer);
  if (record.encryptedSince === undefined)
    savePeer(unit, scope, { ...record, encryptedSince: now });
}

function listChore({ request, sender }: Job): Chore[] {
  const isListed = deviceOf(sender, request.senderDeviceId)?.isActive === true;
  return isListed ? [] : [{ kind: 'refresh-list', jid: request.sender }];
}

/** Strangers learn nothing from us, not even that we are here. */
function isKnown({ request, scope }: Job, sender: PeerRecord): boolean {
  return request.isContact || sender.isWrittenTo || request.sender === scope.jid;
}

/** A key exchange used up a prekey and wants an answer; strangers get none (design D13). */
function choresOf(job: Job, opened: OpenedKey, sender: PeerRecord): Chore[] {
  const { request } = job;
  const wantsAnswer = opened.isNewSession || opened.needsHeartbeat;
  const address = { jid: request.sender, deviceId: request.senderDeviceId };
  return [
    ...listChore(job),
    ...(opened.isNewSession ? [{ kind: 'publish-bundle' } as const] : []),
    ...(wantsAnswer && isKnown(job, sender) ? [{ kind: 'send-empty', ...address } as const] : []),
  ];
}
