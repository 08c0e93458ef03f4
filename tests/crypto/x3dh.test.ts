// X3DH against the shared secrets of the vectors, and both sides against each other and node:crypto.
import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { clamp, KeyError } from '../../src/crypto/curve';
import { publicKeyOf } from '../../src/crypto/engine';
import { agreeActively, agreePassively } from '../../src/crypto/x3dh';
import { hex, type Party } from '../vectors/vectors';

interface NewSession {
  readonly preKeyId: number;
  readonly signedPreKeyId: number;
  readonly baseKeyPriv: string;
  readonly x3dh: Readonly<Record<'dh1' | 'dh2' | 'dh3' | 'dh4' | 'sk', string>>;
}

interface Start {
  readonly id: string;
  readonly info: string;
  readonly alice: Party;
  readonly bob: Party;
  readonly start: NewSession;
}

const file: {
  readonly conversations: readonly {
    readonly id: string;
    readonly namespace: string;
    readonly receiverOnly?: boolean;
    readonly parties: { readonly alice: Party; readonly bob: Party };
    readonly steps: readonly { readonly from?: string; readonly newSession?: NewSession }[];
  }[];
} = JSON.parse(readFileSync(new URL('../vectors/vectors.json', import.meta.url), 'utf8'));

const INFO: Readonly<Record<string, string>> = {
  'eu.siacs.conversations.axolotl': 'WhisperText',
  'urn:xmpp:omemo:2': 'OMEMO X3DH',
};

/** Those for receivers only do not tell the shared secret. */
const told = file.conversations.filter(({ receiverOnly }) => receiverOnly !== true);

/** Every session start of both versions: X3DH differs in the info only. */
const starts: readonly Start[] = told.flatMap(({ id, namespace, parties, steps }) =>
  steps.flatMap(({ from, newSession }) => {
    if (newSession === undefined) return [];
    const [alice, bob] =
      from === 'alice' ? [parties.alice, parties.bob] : [parties.bob, parties.alice];
    return [{ id, info: INFO[namespace] ?? '', alice, bob, start: newSession }];
  }),
);

async function pair(privateKey: Uint8Array) {
  const clamped = clamp(privateKey);
  return { privateKey: clamped, publicKey: await publicKeyOf(clamped) };
}

function random(): Uint8Array {
  return new Uint8Array(randomBytes(32));
}

function nodePrivate(privateKey: Uint8Array): KeyObject {
  const key = Buffer.concat([hex('302e020100300506032b656e04220420'), privateKey]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

function nodeAgree(privateKey: Uint8Array, otherPrivateKey: Uint8Array): Buffer {
  return diffieHellman({
    privateKey: nodePrivate(privateKey),
    publicKey: createPublicKey(nodePrivate(otherPrivateKey)),
  });
}

describe('vectors', () => {
  test('hold a start of every conversation', () => {
    expect(new Set(starts.map(({ id }) => id)).size).toBe(told.length);
    expect(file.conversations.length - told.length).toBe(2);
    expect(starts.length).toBeGreaterThan(told.length);
  });

  test.each(starts)('$id: both sides get sk', async ({ info, alice, bob, start }) => {
    const prekey = bob.preKeys.find(({ id }) => id === start.preKeyId);
    if (prekey === undefined) throw new Error('no such prekey');
    const ephemeral = await pair(hex(start.baseKeyPriv));
    const active = await agreeActively({
      info,
      identity: await pair(hex(alice.identity.curve25519Priv)),
      ephemeral,
      remoteIdentityKey: hex(bob.identity.curve25519Pub),
      remoteSignedPrekey: hex(bob.signedPreKey.pub),
      remoteOneTimePrekey: hex(prekey.pub),
    });
    expect(active).toEqual(hex(start.x3dh.sk));
    const passive = await agreePassively({
      info,
      identity: await pair(hex(bob.identity.curve25519Priv)),
      signedPrekey: await pair(hex(bob.signedPreKey.priv)),
      oneTimePrekey: await pair(hex(prekey.priv)),
      remoteIdentityKey: hex(alice.identity.curve25519Pub),
      remoteEphemeralKey: ephemeral.publicKey,
    });
    expect(passive).toEqual(hex(start.x3dh.sk));
  });
});

async function parties() {
  return {
    alice: await pair(random()),
    ephemeral: await pair(random()),
    bob: await pair(random()),
    signedPrekey: await pair(random()),
    oneTimePrekey: await pair(random()),
  };
}

type Parties = Awaited<ReturnType<typeof parties>>;

function activeInput({ alice, ephemeral, bob, signedPrekey, oneTimePrekey }: Parties) {
  return {
    info: 'any info',
    identity: alice,
    ephemeral,
    remoteIdentityKey: bob.publicKey,
    remoteSignedPrekey: signedPrekey.publicKey,
    remoteOneTimePrekey: oneTimePrekey.publicKey,
  };
}

function passiveInput({ alice, ephemeral, bob, signedPrekey, oneTimePrekey }: Parties) {
  return {
    info: 'any info',
    identity: bob,
    signedPrekey,
    oneTimePrekey,
    remoteIdentityKey: alice.publicKey,
    remoteEphemeralKey: ephemeral.publicKey,
  };
}

test('both sides agree with each other and with node:crypto on random keys', async () => {
  for (let i = 0; i < 20; i++) {
    const all = await parties();
    const { alice, ephemeral, bob, signedPrekey, oneTimePrekey } = all;
    // X3DH §3.3: F ‖ DH1 ‖ DH2 ‖ DH3 ‖ DH4.
    const ikm = Buffer.concat([
      Buffer.alloc(32, 0xff),
      nodeAgree(alice.privateKey, signedPrekey.privateKey),
      nodeAgree(ephemeral.privateKey, bob.privateKey),
      nodeAgree(ephemeral.privateKey, signedPrekey.privateKey),
      nodeAgree(ephemeral.privateKey, oneTimePrekey.privateKey),
    ]);
    const want = new Uint8Array(hkdfSync('sha256', ikm, Buffer.alloc(32), 'any info', 32));
    expect(await agreeActively(activeInput(all))).toEqual(want);
    expect(await agreePassively(passiveInput(all))).toEqual(want);
  }
});

test('another key at any place, or another info, gives another secret', async () => {
  const all = await parties();
  const want = await agreeActively(activeInput(all));
  const others = [
    { ...passiveInput(all), info: 'another info' },
    { ...passiveInput(all), identity: await pair(random()) },
    { ...passiveInput(all), signedPrekey: await pair(random()) },
    { ...passiveInput(all), oneTimePrekey: await pair(random()) },
    { ...passiveInput(all), remoteIdentityKey: await publicKeyOf(random()) },
    { ...passiveInput(all), remoteEphemeralKey: await publicKeyOf(random()) },
    // Identity and signed prekey exchanged.
    { ...passiveInput(all), identity: all.signedPrekey, signedPrekey: all.bob },
  ];
  for (const input of others) expect(await agreePassively(input)).not.toEqual(want);
});

describe.each([
  { name: 'of low order', key: new Uint8Array(32) },
  { name: 'not canonical', key: hex(`f6${'ff'.repeat(30)}7f`) },
  {
    name: 'with bit 255',
    key: Uint8Array.from(await publicKeyOf(random()), (b, i) => (i === 31 ? b | 0x80 : b)),
  },
  { name: 'too short', key: new Uint8Array(31).fill(9) },
])('a key $name', ({ key }) => {
  test.each(['remoteIdentityKey', 'remoteSignedPrekey', 'remoteOneTimePrekey'])(
    'is refused as %s of the active side',
    async (place) => {
      const input = { ...activeInput(await parties()), [place]: key };
      await expect(() => agreeActively(input)).rejects.toThrow(KeyError);
    },
  );

  test.each(['remoteIdentityKey', 'remoteEphemeralKey'])(
    'is refused as %s of the passive side',
    async (place) => {
      const input = { ...passiveInput(await parties()), [place]: key };
      await expect(() => agreePassively(input)).rejects.toThrow(KeyError);
    },
  );
});
