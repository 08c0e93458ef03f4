// Empty messages that answer a device (design D13): its key exchange, and a chain in which it has written long alone. Pure.
import type { OmemoVersion } from '../omemo/types';
import { ANSWER_AGAIN_MS } from '../limits';
import { isOver } from './clock';
import { factsOf, withFacts } from './device-facts';
import { deviceOf, withDevice } from './devices';
import type { PeerRecord } from './records';

/** What a message that opened says about the session it came in. */
export interface Heard {
  readonly isKeyExchange: boolean;
  readonly isNewSession: boolean;
  readonly needsHeartbeat: boolean;
}

/**
 * Does the device wait for an answer? A key exchange for a session we have is one that came before our answer did, or it never got
 * there (I-32): some time later it is answered once more. `now` in ms since 1970.
 */
export function wantsAnswer(
  peer: PeerRecord,
  deviceId: number,
  version: OmemoVersion,
  heard: Heard,
  now: number,
): boolean {
  if (heard.isNewSession || heard.needsHeartbeat) return true;
  const device = deviceOf(peer, deviceId);
  if (!heard.isKeyExchange || device === undefined) return false;
  const { answeredAt } = factsOf(device, version);
  return answeredAt === undefined || isOver(answeredAt, now, ANSWER_AGAIN_MS);
}

/** The peer after an answer to the device was asked for. */
export function withAnswer(
  peer: PeerRecord,
  deviceId: number,
  version: OmemoVersion,
  now: number,
): PeerRecord {
  const device = deviceOf(peer, deviceId);
  if (device === undefined) return peer;
  const facts = { ...factsOf(device, version), answeredAt: now };
  return withDevice(peer, withFacts(device, version, facts));
}
