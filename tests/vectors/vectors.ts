// The vectors with types; only what the tests read.
import { readFileSync } from 'node:fs';

interface KeyPairHex {
  readonly id: number;
  readonly priv: string;
  readonly pub: string;
}

export interface Party {
  readonly jid: string;
  readonly deviceId: number;
  readonly identity: {
    readonly curve25519Priv: string;
    readonly curve25519Pub: string;
    readonly fingerprint: string;
  };
  readonly signedPreKey: KeyPairHex & { readonly signatureOnWire: string };
  readonly preKeys: readonly KeyPairHex[];
}

export interface SendStep {
  readonly op: 'send';
  readonly from: 'alice' | 'bob';
  readonly msg: string;
  readonly newSession?: {
    readonly preKeyId: number;
    readonly baseKeyPriv: string;
    readonly ratchetPriv: string;
    readonly registrationId?: number;
    readonly pnOffByOne?: boolean;
  };
  readonly kex: boolean;
  readonly key: string;
  readonly keyMaterial: string;
  readonly payload: string | null;
  readonly iv: string;
  readonly plaintext: string | null;
  readonly random: { readonly payloadKey?: string };
  readonly oldStyleTag?: boolean;
}

export interface RecvStep {
  readonly op: 'recv';
  readonly to: 'alice' | 'bob';
  readonly msg: string;
  readonly expect: string;
  readonly newRatchetPriv?: string;
}

export interface Conversation {
  readonly id: string;
  readonly namespace: string;
  readonly receiverOnly?: boolean;
  readonly parties: { readonly alice: Party; readonly bob: Party };
  readonly steps: readonly (SendStep | RecvStep)[];
}

export interface MustFail {
  readonly conversation: string;
  readonly name: string;
  readonly key?: string;
  readonly keyMaterial?: string;
  readonly iv?: string;
  readonly payload?: string;
  readonly referenceReason: string;
}

interface Vectors {
  readonly conversations: readonly Conversation[];
  readonly mustFail: readonly MustFail[];
  readonly keyConversions: readonly {
    readonly priv: string;
    readonly curve25519Pub: string;
    readonly ed25519Pub: string;
    readonly ed25519PubSign0: string;
  }[];
  readonly signatures: readonly {
    readonly priv: string;
    readonly message: string;
    readonly random64: string;
    readonly xeddsaSignature: string;
    readonly libsignalCurveSignature: string;
    readonly verifiesWithEd25519Pub: string;
  }[];
}

export const vectors: Vectors = JSON.parse(
  readFileSync(new URL('./vectors.json', import.meta.url), 'utf8'),
);

export const legacyConversations = vectors.conversations.filter(
  ({ namespace }) => namespace === 'eu.siacs.conversations.axolotl',
);

export const legacyMustFail = vectors.mustFail.filter(({ conversation }) =>
  legacyConversations.some(({ id }) => id === conversation),
);

export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

export function base64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}
