// libomemo.js 2.0.2 as the package of Converse.js 14 brings it, legacy version, with the store it comes with.
import type { Device, Implementation } from './scenarios';

const VERSION = 'eu.siacs.conversations.axolotl';
const KEY_EXCHANGE = 3;

interface KeyPair {
  readonly pubKey: ArrayBuffer;
  readonly privKey: ArrayBuffer;
}

interface Prekey {
  readonly keyId: number;
  readonly keyPair: KeyPair;
}

interface SignedPrekey extends Prekey {
  readonly signature: ArrayBuffer;
}

interface Bundle {
  readonly registrationId: number;
  readonly identityKey: ArrayBuffer;
  readonly signedPreKey: {
    readonly keyId: number;
    readonly publicKey: ArrayBuffer;
    readonly signature: ArrayBuffer;
  };
  readonly preKey: { readonly keyId: number; readonly publicKey: ArrayBuffer };
}

interface Message {
  readonly type: number;
  readonly body: string;
}

interface Opened {
  readonly plaintext: ArrayBuffer;
}

interface Store {
  put(key: string, value: unknown): void;
  storePreKey(id: number, keyPair: KeyPair): void;
  storeSignedPreKey(id: number, keyPair: KeyPair): void;
  loadSession(address: string): unknown;
  storeSession(address: string, record: unknown): void;
}

interface Library {
  readonly KeyHelper: {
    generateIdentityKeyPair(): Promise<KeyPair>;
    generateSignedPreKey(identity: KeyPair, id: number, version: string): Promise<SignedPrekey>;
    generatePreKey(id: number): Promise<Prekey>;
  };
  readonly InMemoryStore: new () => Store;
  readonly OMEMOAddress: new (name: string, deviceId: number) => { toString(): string };
  readonly SessionBuilder: new (
    store: Store,
    address: object,
    version: string,
  ) => { processPreKey(bundle: Bundle): Promise<void> };
  readonly SessionCipher: new (
    store: Store,
    address: object,
    version: string,
  ) => {
    encrypt(plaintext: Uint8Array): Promise<Message>;
    decryptWhisperMessage(bytes: string, encoding: string): Promise<Opened>;
    decryptPreKeyWhisperMessage(bytes: string, encoding: string): Promise<Opened>;
  };
}

function bundleWith(identity: KeyPair, signed: SignedPrekey, prekey: Prekey): Bundle {
  return {
    registrationId: 1,
    identityKey: identity.pubKey,
    signedPreKey: {
      keyId: signed.keyId,
      publicKey: signed.keyPair.pubKey,
      signature: signed.signature,
    },
    preKey: { keyId: prekey.keyId, publicKey: prekey.keyPair.pubKey },
  };
}

async function device(library: Library): Promise<Device<Bundle, Message>> {
  const { KeyHelper } = library;
  const store = new library.InMemoryStore();
  const identity = await KeyHelper.generateIdentityKeyPair();
  store.put('identityKey', identity);
  store.put('registrationId', 1);
  const signed = await KeyHelper.generateSignedPreKey(identity, 1, VERSION);
  store.storeSignedPreKey(1, signed.keyPair);
  const prekeys: Prekey[] = [];
  for (let id = 1; id <= 100; id++) {
    const prekey = await KeyHelper.generatePreKey(id);
    store.storePreKey(id, prekey.keyPair);
    prekeys.push(prekey);
  }
  const [first] = prekeys;
  if (first === undefined) throw new Error('no prekey');
  const addressOf = (other: string) => new library.OMEMOAddress(other, 1);
  const cipher = (other: string) => new library.SessionCipher(store, addressOf(other), VERSION);
  return {
    bundle: async () => bundleWith(identity, signed, first),
    start: async (other, bundle, keyMaterial) => {
      await new library.SessionBuilder(store, addressOf(other), VERSION).processPreKey(bundle);
      return cipher(other).encrypt(keyMaterial);
    },
    encrypt: (other, keyMaterial) => cipher(other).encrypt(keyMaterial),
    decrypt: async (other, { type, body }) => {
      const opened =
        type === KEY_EXCHANGE
          ? await cipher(other).decryptPreKeyWhisperMessage(body, 'binary')
          : await cipher(other).decryptWhisperMessage(body, 'binary');
      return new Uint8Array(opened.plaintext);
    },
    copySession: async (from, to) =>
      store.storeSession(addressOf(to).toString(), store.loadSession(addressOf(from).toString())),
  };
}

async function foreignBundle({ KeyHelper }: Library): Promise<Bundle> {
  const identity = await KeyHelper.generateIdentityKeyPair();
  const signed = await KeyHelper.generateSignedPreKey(identity, 1, VERSION);
  return bundleWith(identity, signed, await KeyHelper.generatePreKey(1));
}

/** @param url of its module, which has the WASM beside it */
export async function libomemoJs(url: string): Promise<Implementation<Bundle, Message>> {
  const library: Library = await import(/* @vite-ignore */ url);
  return { device: () => device(library), foreignBundle: () => foreignBundle(library) };
}
