// Our core as one side: what the vault does around it, without storage. The state is bytes between any two steps.
import { deserialize, serialize } from 'node:v8';
import { OmemoError } from '../../src/omemo/errors';
import { generateIdentity } from '../../src/omemo/identity';
import {
  bundleOf,
  createPrekeyStore,
  dropSpentPrekeys,
  refillOneTimePrekeys,
  rotateSignedPrekey,
  spendOneTimePrekey,
} from '../../src/omemo/prekeys';
import {
  decryptKeyMaterial,
  encryptKeyMaterial,
  initiateSession,
  startWith,
} from '../../src/omemo/ratchet-session';
import type {
  DeviceSessions,
  IdentityKeyPair,
  OmemoVersion,
  PrekeyStore,
} from '../../src/omemo/types';
import { dice } from './dice';
import { OURS } from './facts';
import { hexOf } from './hex';
import type { Clock, Side } from './side';
import { fromWire, toWire } from './wire-bundle';

interface Stored {
  readonly identity: IdentityKeyPair;
  readonly prekeys: PrekeyStore;
  readonly sessions: DeviceSessions;
}

const DEVICE_ID = 1001;

function bytesAsHex(_name: string, value: unknown): unknown {
  return value instanceof Uint8Array ? hexOf(value) : value;
}

/** A device of our core; the same seed gives the same keys. */
export async function oursSide(version: OmemoVersion, seed: number, clock: Clock): Promise<Side> {
  const source = dice(seed);
  const random = (length: number) => source.bytes(length);
  const identity = await generateIdentity(random);
  let state: Stored = {
    identity,
    prekeys: await createPrekeyStore({ version, identity, now: clock.ms, random }),
    sessions: { archived: [] },
  };
  const encrypt = (sessions: DeviceSessions, keyMaterial: Uint8Array) => {
    const { current } = sessions;
    if (current === undefined) throw new TypeError('ours: want a session');
    const sealed = encryptKeyMaterial({
      session: current,
      identity: state.identity,
      ownDeviceId: DEVICE_ID,
      keyMaterial,
    });
    state = { ...state, sessions: { ...sessions, current: sealed.session } };
    return sealed.encryptedKey;
  };
  return {
    name: 'omnemo',
    version,
    facts: OURS,
    bundle: async () => toWire(version, bundleOf(version, state.identity, state.prekeys)),
    start: async (bundle, keyMaterial) => {
      const session = await initiateSession({
        version,
        identity: state.identity,
        bundle: fromWire(version, bundle),
        random,
      });
      return encrypt(startWith(state.sessions, session), keyMaterial);
    },
    encrypt: async (keyMaterial) => encrypt(state.sessions, keyMaterial),
    decrypt: async ({ bytes }) => {
      try {
        const kept = dropSpentPrekeys(state.prekeys, clock.ms);
        const opened = await decryptKeyMaterial({
          version,
          ...state,
          prekeys: kept,
          bytes,
          random,
        });
        const used = opened.usedOneTimePrekeyId;
        const prekeys =
          used === undefined
            ? kept
            : await refillOneTimePrekeys(spendOneTimePrekey(kept, used, clock.ms), random);
        state = { ...state, prekeys, sessions: opened.sessions };
        return { kind: 'opened', keyMaterial: opened.keyMaterial };
      } catch (error) {
        if (!(error instanceof OmemoError)) throw error;
        return { kind: 'refused', code: error.code };
      }
    },
    rotate: async () => {
      const { prekeys } = state;
      const rotated = await rotateSignedPrekey({
        version,
        store: prekeys,
        identity: state.identity,
        now: clock.ms,
        random,
      });
      state = { ...state, prekeys: rotated };
    },
    sessions: async () => {
      const { current, archived } = state.sessions;
      const all = current === undefined ? archived : [current, ...archived];
      return all.map(({ ephemeralKey }) => hexOf(ephemeralKey));
    },
    save: async () => JSON.stringify(state, bytesAsHex),
    // A stored record is the state itself, through structured clone.
    restart: async () => {
      state = deserialize(serialize(state));
    },
    stop: async () => undefined,
  };
}
