// Devices of one version with keys from a seed, and the two steps of a message between them.
import { createHash } from 'node:crypto';
import { generateIdentity } from '../../src/omemo/identity';
import { bundleOf, createPrekeyStore } from '../../src/omemo/prekeys';
import {
  decryptKeyMaterial,
  encryptKeyMaterial,
  initiateSession,
  startWith,
} from '../../src/omemo/ratchet-session';
import type {
  Bundle,
  DeviceSessions,
  IdentityKeyPair,
  OmemoVersion,
  PrekeyStore,
  Random,
} from '../../src/omemo/types';

export const VERSIONS: readonly OmemoVersion[] = [
  'eu.siacs.conversations.axolotl',
  'urn:xmpp:omemo:2',
];
export const NO_SESSIONS: DeviceSessions = { archived: [] };
export const NOW = Date.UTC(2026, 0, 5);

/** The same bytes for the same seed, in order. */
export function seeded(seed: string): Random {
  let count = 0;
  return (length) => {
    const drawn: Buffer[] = [];
    for (let have = 0; have < length; have += 32) {
      drawn.push(createHash('sha256').update(`${seed}/${count++}`).digest());
    }
    return new Uint8Array(Buffer.concat(drawn).subarray(0, length));
  };
}

/** A device that knows one other. */
export interface Device {
  readonly version: OmemoVersion;
  readonly identity: IdentityKeyPair;
  readonly prekeys: PrekeyStore;
  readonly sessions: DeviceSessions;
  readonly random: Random;
}

export async function createDevice(version: OmemoVersion, seed: string): Promise<Device> {
  const random = seeded(seed);
  const identity = await generateIdentity(random);
  const prekeys = await createPrekeyStore({ version, identity, now: NOW, random });
  return { version, identity, prekeys, sessions: NO_SESSIONS, random };
}

export function bundleOfDevice({ version, identity, prekeys }: Device): Bundle {
  return bundleOf(version, identity, prekeys);
}

/** The device with a new session to the owner of the bundle. */
export async function start(device: Device, bundle: Bundle): Promise<Device> {
  const { version, identity, random } = device;
  const session = await initiateSession({ version, identity, bundle, random });
  return { ...device, sessions: startWith(device.sessions, session) };
}

/** One message in the current session. */
export function write(device: Device, keyMaterial: Uint8Array) {
  const { current } = device.sessions;
  if (current === undefined) throw new Error('no session to write in');
  const { identity } = device;
  const { session, encryptedKey } = encryptKeyMaterial({ session: current, identity, keyMaterial });
  const after: Device = { ...device, sessions: { ...device.sessions, current: session } };
  return { device: after, ...encryptedKey };
}

/** Opens one message; the prekeys stay as they are. */
export async function read(device: Device, bytes: Uint8Array) {
  const { version, sessions, identity, prekeys, random } = device;
  const opened = await decryptKeyMaterial({ version, sessions, identity, prekeys, bytes, random });
  const after: Device = { ...device, sessions: opened.sessions };
  return { ...opened, device: after };
}
