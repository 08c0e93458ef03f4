// A device built from the private keys of the vectors, with its random source scripted.
import { clamp } from '../../src/crypto/curve';
import { publicKeyOf } from '../../src/crypto/engine';
import type {
  DeviceSessions,
  IdentityKeyPair,
  KeyPair,
  OmemoVersion,
  PrekeyStore,
  PublishedBundle,
  Random,
} from '../../src/omemo/types';
import { hex, type Party } from '../vectors/vectors';

export interface VectorDevice {
  readonly identity: IdentityKeyPair;
  prekeys: PrekeyStore;
  sessions: DeviceSessions;
}

async function keyPair(privateHex: string): Promise<KeyPair> {
  const privateKey = clamp(hex(privateHex));
  return { privateKey, publicKey: await publicKeyOf(privateKey) };
}

export async function vectorDevice(party: Party): Promise<VectorDevice> {
  const { signedPreKey, preKeys, identity } = party;
  return {
    identity: await keyPair(identity.curve25519Priv),
    prekeys: {
      signedPrekey: {
        id: signedPreKey.id,
        keyPair: await keyPair(signedPreKey.priv),
        signature: hex(signedPreKey.signatureOnWire),
        createdAt: 0,
      },
      oneTimePrekeys: await Promise.all(
        preKeys.map(async ({ id, priv }) => ({ id, keyPair: await keyPair(priv) })),
      ),
      spentPrekeys: [],
      nextOneTimePrekeyId: preKeys.length + 1,
    },
    sessions: { archived: [] },
  };
}

/** The bundle of the vectors, from its own published values, with one one-time prekey left to choose. */
export function vectorBundle(
  version: OmemoVersion,
  party: Party,
  prekeyId: number,
): PublishedBundle {
  const { signedPreKey, preKeys, identity } = party;
  return {
    ...(version === 'urn:xmpp:omemo:2'
      ? { identityKeyEd: hex(identity.ed25519Pub) }
      : { identityKey: hex(identity.curve25519Pub) }),
    signedPrekey: {
      id: signedPreKey.id,
      publicKey: hex(signedPreKey.pub),
      signature: hex(signedPreKey.signatureOnWire),
    },
    oneTimePrekeys: preKeys
      .filter(({ id }) => id === prekeyId)
      .map(({ id, pub }) => ({ id, publicKey: hex(pub) })),
  };
}

/** Answers draws in order with the given bytes; draws for a choice (3 bytes) are zeros. */
export function scripted(...draws: readonly Uint8Array[]): Random {
  const left = [...draws];
  return (length) => {
    if (length === 3) return new Uint8Array(3);
    const next = left.shift();
    if (next?.length !== length) throw new RangeError(`random: no draw of ${length} bytes left`);
    return next;
  };
}

/** Answers every draw with the same bytes: a message that is tried on several sessions draws for each of them. */
export function repeated(bytes: Uint8Array | undefined): Random {
  return (length) => {
    if (bytes?.length !== length) throw new RangeError(`random: no draw of ${length} bytes`);
    return bytes;
  };
}
