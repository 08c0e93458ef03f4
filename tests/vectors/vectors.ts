// The vectors with types; only what the tests read.
import { readFileSync } from 'node:fs';
import type { OmemoVersion } from '../../src/omemo/types';

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
    readonly ed25519Pub: string;
    readonly ed25519Sign: 0 | 1;
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
    readonly x3dh: { readonly sk: string; readonly ad: string };
  };
  readonly kex: boolean;
  readonly key: string;
  readonly keyMaterial: string;
  readonly payload: string | null;
  /** Legacy only. */
  readonly iv?: string;
  readonly plaintext: string | null;
  readonly random: { readonly payloadKey?: string };
  /** Absent where only the receiver can be replayed. */
  readonly ratchet?: { readonly n: number; readonly pn: number; readonly messageKey: string };
  readonly oldStyleTag?: boolean;
}

export interface RecvStep {
  readonly op: 'recv';
  readonly to: 'alice' | 'bob';
  readonly msg: string;
  readonly expect: string;
  readonly newRatchetPriv?: string;
  /** Absent where the message is refused. */
  readonly ratchet?: {
    readonly n: number;
    readonly pn: number;
    readonly ratchetPub: string;
    readonly messageKey: string;
    readonly dhStep: boolean;
  };
}

export interface Conversation {
  readonly id: string;
  readonly namespace: OmemoVersion;
  readonly receiverOnly?: boolean;
  readonly parties: { readonly alice: Party; readonly bob: Party };
  readonly steps: readonly (SendStep | RecvStep)[];
}

export interface MustFail {
  readonly conversation: string;
  readonly name: string;
  readonly key?: string;
  readonly keyMaterial?: string;
  readonly iv?: string | null;
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

/** The conversation of an id. */
export function conversationOf(id: string): Conversation {
  const found = vectors.conversations.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no conversation ${id}`);
  return found;
}

export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

export function base64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}
