// One text, many devices: every session it touches, the archive entry of our own text and the answer itself are one commit
// (design D5, D6). The same request gets the same bytes again.
import { toHex } from '../crypto/bytes';
import { sha256 } from '../crypto/kdf';
import type { BareJid } from '../jid';
import { encryptKeyMaterial, initiateSession, startWith } from '../omemo/ratchet-session';
import { sealEmpty, sealPayload } from '../omemo/payload';
import type { DeviceSessions, RatchetSession } from '../omemo/types';
import type { EncryptOutcome, WireKey, WireMessage } from '../rpc/vault-api';
import { archiveKey } from './archive';
import { lockOf, policyOf, savePeer, scopedKey, type Context, type Scope } from './context';
import { deviceOf, withDevice } from './devices';
import type { DeviceRecord, PeerRecord, SessionsRecord } from './records';
import {
  choose,
  hasSession,
  loadRecipients,
  sessionsKey,
  VERSION,
  type Party,
  type Recipients,
} from './recipients';
import { withoutReset } from './repair';
import type { Unit } from './transaction';

type Targets = readonly { readonly party: Party; readonly device: DeviceRecord }[];

function requestKey(scope: Scope, kind: string, peer: BareJid, requestId: string): string {
  const digest = sha256(new TextEncoder().encode(requestId));
  return scopedKey(scope, kind, peer, toHex(digest));
}

/** The session to send with, started from the stored bundle if there is none. */
function sessionFor(
  context: Context,
  { account }: Recipients,
  { party, device }: Targets[number],
): DeviceSessions & { readonly current: RatchetSession } {
  const sessions = party.sessions.devices[device.deviceId] ?? { archived: [] };
  const { current } = sessions;
  if (current !== undefined && hasSession(device, party.sessions)) return { ...sessions, current };
  if (device.bundle === undefined) throw new TypeError('device: want a session or a bundle');
  const { identity } = account;
  const { random } = context;
  const session = initiateSession({ version: VERSION, identity, bundle: device.bundle, random });
  return { ...startWith(sessions, session), current: session };
}

/** Encrypts key material for every target and stages the sessions. */
function encryptKeys(
  context: Context,
  unit: Unit,
  scope: Scope,
  recipients: Recipients,
  targets: Targets,
  keyMaterial: Uint8Array,
): WireKey[] {
  const { account } = recipients;
  const keys: WireKey[] = [];
  for (const party of recipients.parties) {
    const devices: Record<number, DeviceSessions> = { ...party.sessions.devices };
    for (const target of targets.filter((each) => each.party === party)) {
      const { deviceId } = target.device;
      const sessions = sessionFor(context, recipients, target);
      const { session, encryptedKey } = encryptKeyMaterial({
        session: sessions.current,
        identity: account.identity,
        ownDeviceId: account.deviceId,
        keyMaterial,
      });
      devices[deviceId] = { ...sessions, current: session };
      keys.push({ deviceId, ...encryptedKey });
    }
    const record: SessionsRecord = { ...party.sessions, devices };
    unit.put('sessions', sessionsKey(scope, party.record.peer), record);
  }
  return keys;
}

/** A bundle serves for one session; keeping it would use its one-time prekey twice. A wanted reset is done with it. */
function withoutUsedBundles(peer: PeerRecord, targets: Targets): PeerRecord {
  return targets
    .filter(({ party, device }) => party.record.peer === peer.peer && device.bundle !== undefined)
    .reduce((record, { device }) => {
      const { bundle: _used, ...rest } = deviceOf(record, device.deviceId) ?? device;
      return withoutReset(withDevice(record, rest), device.deviceId);
    }, peer);
}

/** Encrypts a text for a chat. Answers `refused` when trust, devices or sessions do not allow it. */
export function encryptText(
  context: Context,
  scope: Scope,
  peer: BareJid,
  requestId: string,
  text: string,
): Promise<EncryptOutcome> {
  const now = context.now();
  return context.transactions.run(lockOf(scope), async (unit): Promise<EncryptOutcome> => {
    const key = requestKey(scope, 'text', peer, requestId);
    const answered = await unit.get('requests', key);
    if (answered !== undefined)
      return { kind: 'encrypted', message: answered.message, skipped: [] };
    const recipients = await loadRecipients(unit, scope, peer);
    if (!recipients.account.isPublished) return { kind: 'refused', code: 'not-published' };
    const choice = choose(recipients, await policyOf(unit, scope.origin));
    if (choice.kind === 'held') return { kind: 'refused', code: choice.code };
    const { payload, iv, keyMaterial } = sealPayload(VERSION, text, context.random);
    const { targets, skipped } = choice;
    const keys = encryptKeys(context, unit, scope, recipients, targets, keyMaterial);
    const senderDeviceId = recipients.account.deviceId;
    const message: WireMessage = { version: VERSION, senderDeviceId, iv, keys, payload };
    for (const { record, isOwn } of recipients.parties) {
      const kept = withoutUsedBundles(record, targets);
      const isPeer = record.peer === peer;
      const written: PeerRecord = { ...withoutRefusal(kept), isWrittenTo: true };
      if (isPeer)
        savePeer(unit, scope, { ...written, encryptedSince: written.encryptedSince ?? now });
      else if (isOwn && kept !== record) savePeer(unit, scope, kept);
    }
    const ciphertext = { version: VERSION, sender: scope.jid, iv, payload };
    unit.put('archive', archiveKey(scope, ciphertext), { v: 1, peer, text, at: now });
    unit.put('requests', key, { v: 1, message, at: now });
    return { kind: 'encrypted', message, skipped };
  });
}

function withoutRefusal(peer: PeerRecord): PeerRecord {
  const { refusal: _past, ...rest } = peer;
  return rest;
}

/** An empty message begins a session only where one is to be given up. */
function canReach(device: DeviceRecord, { sessions }: Party): boolean {
  const canBegin = device.isResetWanted === true && device.bundle !== undefined;
  return canBegin || hasSession(device, sessions);
}

/** Encrypts an empty message for one device, in the session with it or in the new one that is wanted (wire §5.3). */
export function encryptEmpty(
  context: Context,
  scope: Scope,
  peer: BareJid,
  deviceId: number,
  requestId: string,
): Promise<EncryptOutcome> {
  return context.transactions.run(lockOf(scope), async (unit): Promise<EncryptOutcome> => {
    const key = requestKey(scope, 'empty', peer, requestId);
    const answered = await unit.get('requests', key);
    if (answered !== undefined)
      return { kind: 'encrypted', message: answered.message, skipped: [] };
    const { account, parties } = await loadRecipients(unit, scope, peer);
    const party = parties.find(({ record }) => record.peer === peer);
    const device = party && deviceOf(party.record, deviceId);
    if (party === undefined || device === undefined || !canReach(device, party)) {
      return { kind: 'refused', code: 'bundles-unavailable' };
    }
    const { iv, keyMaterial } = sealEmpty(VERSION, context.random);
    const recipients: Recipients = { account, parties: [party] };
    const targets = [{ party, device }];
    const keys = encryptKeys(context, unit, scope, recipients, targets, keyMaterial);
    const message: WireMessage = {
      version: VERSION,
      senderDeviceId: account.deviceId,
      iv,
      keys,
    };
    savePeer(unit, scope, withoutUsedBundles(party.record, targets));
    unit.put('requests', key, { v: 1, message, at: context.now() });
    return { kind: 'encrypted', message, skipped: [] };
  });
}
