// Our core as it is in the extension, with the state in memory.
import { generateKeyPair } from '../../../src/crypto/engine';
import { signXeddsa } from '../../../src/crypto/xeddsa';
import { generateIdentity } from '../../../src/omemo/identity';
import { bundleOf, createPrekeyStore, spendOneTimePrekey } from '../../../src/omemo/prekeys';
import { protocolFor } from '../../../src/omemo/protocol';
import {
  decryptKeyMaterial,
  encryptKeyMaterial,
  initiateSession,
  startWith,
} from '../../../src/omemo/ratchet-session';
import type { Bundle, DeviceSessions, OmemoVersion } from '../../../src/omemo/types';
import type { Device, Implementation } from './scenarios';

const NOW = Date.UTC(2026, 0);

function random(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}

async function device(version: OmemoVersion): Promise<Device<Bundle, Uint8Array>> {
  const identity = await generateIdentity(random);
  let prekeys = await createPrekeyStore({ version, identity, now: NOW, random });
  const sessions = new Map<string, DeviceSessions>();

  const encrypt = async (other: string, keyMaterial: Uint8Array) => {
    const known = sessions.get(other);
    if (known?.current === undefined) throw new Error('no session');
    const sealed = await encryptKeyMaterial({
      session: known.current,
      identity,
      ownDeviceId: 1,
      keyMaterial,
    });
    sessions.set(other, { ...known, current: sealed.session });
    return sealed.encryptedKey.bytes;
  };

  return {
    bundle: async () => bundleOf(version, identity, prekeys),
    start: async (other, bundle, keyMaterial) => {
      const session = await initiateSession({ version, identity, bundle, random });
      sessions.set(other, startWith(sessions.get(other) ?? { archived: [] }, session));
      return encrypt(other, keyMaterial);
    },
    encrypt,
    decrypt: async (other, bytes) => {
      const known = sessions.get(other) ?? { archived: [] };
      const opened = await decryptKeyMaterial({
        version,
        sessions: known,
        identity,
        prekeys,
        bytes,
        random,
      });
      sessions.set(other, opened.sessions);
      if (opened.usedOneTimePrekeyId !== undefined) {
        prekeys = spendOneTimePrekey(prekeys, opened.usedOneTimePrekeyId, NOW);
      }
      return opened.keyMaterial;
    },
    copySession: async (from, to) => {
      const session = sessions.get(from);
      if (session === undefined) throw new Error('no session');
      sessions.set(to, structuredClone(session));
    },
  };
}

async function foreignBundle(version: OmemoVersion): Promise<Bundle> {
  const identity = await generateIdentity(random);
  const signed = await generateKeyPair(random);
  const signedBytes = protocolFor(version).signedBytes(signed.publicKey);
  return bundleOf(version, identity, {
    signedPrekey: {
      id: 1,
      keyPair: signed,
      signature: signXeddsa(identity.privateKey, signedBytes, random(64)),
      createdAt: NOW,
    },
    oneTimePrekeys: [{ id: 1, keyPair: await generateKeyPair(random) }],
    nextOneTimePrekeyId: 2,
  });
}

export function ours(version: OmemoVersion): Implementation<Bundle, Uint8Array> {
  return { device: () => device(version), foreignBundle: () => foreignBundle(version) };
}
