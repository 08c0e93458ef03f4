// Somebody who writes with a device of his own making, as much and as oddly as the protocol allows. No vault, so that it costs little.
import { nextSending } from '../../src/crypto/ratchet';
import { generateIdentity } from '../../src/omemo/identity';
import { sealPayload } from '../../src/omemo/payload';
import { encryptKeyMaterial, initiateSession } from '../../src/omemo/ratchet-session';
import type { IdentityKeyPair, PublishedBundle, RatchetSession } from '../../src/omemo/types';
import type { BareJid } from '../../src/jid';
import type { DecryptOutcome } from '../../src/rpc/vault-api';
import { LEGACY } from '../../src/rpc/versions';
import { ownBundle } from '../../src/vault/accounts';
import { decrypt } from '../../src/vault/decrypt';
import { present, seeded, type Person } from './world';

const random = seeded('attacker');
/** Bundles are fetched anew before their prekeys have all been used. */
const SESSIONS_PER_BUNDLE = 40;

/** Writes to one person in legacy. */
export interface Attacker {
  /** Begins a session, in the place of the one before. */
  begin(): Promise<void>;
  /** Counts on by so many messages that are never sent. */
  skip(count: number): void;
  /** The next message is delivered; answers what becomes of it. */
  write(sender: BareJid, deviceId: number, text: string): Promise<DecryptOutcome>;
}

export async function attackerOf(victim: Person, isContact: boolean): Promise<Attacker> {
  const identity: IdentityKeyPair = await generateIdentity(random);
  let session: RatchetSession | undefined;
  let bundle: PublishedBundle | undefined;
  let begun = 0;
  return {
    async begin() {
      if (begun++ % SESSIONS_PER_BUNDLE === 0)
        ({ bundle } = await ownBundle(victim.context, victim.scope, LEGACY));
      session = await initiateSession({
        ...{ version: LEGACY, identity, random },
        bundle: present(bundle),
      });
    },
    skip(count) {
      let { ratchet } = present(session);
      for (let left = count; left > 0; left--) ratchet = nextSending(ratchet).state;
      session = { ...present(session), ratchet };
    },
    async write(sender, deviceId, text) {
      const { keyMaterial, payload, iv } = sealPayload(LEGACY, text, random);
      const own = { session: present(session), identity, ownDeviceId: deviceId, keyMaterial };
      const { session: after, encryptedKey } = encryptKeyMaterial(own);
      session = after;
      return decrypt(victim.context, victim.scope, {
        ...{ version: LEGACY, peer: sender, sender, senderDeviceId: deviceId, isContact },
        keys: [{ deviceId: victim.deviceId, ...encryptedKey }],
        ...{ iv, payload },
      });
    },
  };
}
